"""What another program writes over keys of Tailcast."""

from typing import cast

import redis

from tailcast_gateway.sessions.isolation import MAX_SICK
from tailcast_streams.indexes import LEVELS
from tailcast_streams.keys import Keys


RUBBISH = b"\xff\x00{]\xed\xa0\x80" * 9
TYPES = ("string", "list", "set", "zset", "hash", "stream")
# More of them than a broker would be taken for the reason of.
WAYS = (*TYPES, "rubbish", "names", *("string" for _ in range(MAX_SICK)))


def key_of(keys: Keys, kind: str, session: str) -> str:
    """A key of a session."""
    if kind == "rollup":
        return keys.rollup(session, LEVELS[0])
    return str(getattr(keys, kind)(session))


def write(client: "redis.Redis", key: str, way: str) -> None:
    """Another program's value in place of what is there.

    Nobody mends it before it is whole: all is written at once.
    """
    with client.pipeline() as commands:
        commands.delete(key)
        match way:
            case "string":
                commands.set(key, RUBBISH)
            case "list":
                commands.rpush(key, RUBBISH)
            case "set":
                commands.sadd(key, RUBBISH)
            case "zset":
                commands.zadd(key, {RUBBISH: float("-inf")})
            case "hash":
                commands.hset(key, RUBBISH, RUBBISH)
            case _:
                commands.xadd(key, {b"r": RUBBISH, b"p": RUBBISH, b"k": RUBBISH})
        commands.execute()


def spoil(client: "redis.Redis", key: str, way: str) -> None:
    """The same; or values that mean nothing, in what is there."""
    if way not in {"rubbish", "names"}:
        write(client, key, way)
    elif client.type(key) == b"hash":
        fields = cast(dict[bytes, bytes], client.hgetall(key))
        with client.pipeline() as commands:
            if way == "names":
                commands.delete(key)
            for name, value in fields.items():
                changed = {name: RUBBISH} if way == "rubbish" else {RUBBISH: value}
                commands.hset(key, mapping=changed)  # type: ignore[arg-type]  # redis-py's
            commands.execute()
    elif client.type(key) == b"zset":
        client.zadd(key, {RUBBISH: 0.0, b"1-1 x": 3.0})
    elif client.type(key) == b"stream":
        client.xadd(key, {RUBBISH: RUBBISH})
    else:
        write(client, key, "hash" if way == "names" else "stream")
