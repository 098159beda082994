"""What the address of a WebSocket says, and what of it is not understood."""

import pytest
from msgspec import UNSET

from tailcast_gateway.commands.core.defaults import NO_DEFAULTS, Defaults
from tailcast_gateway.http.core.address import Address, read_address
from tailcast_gateway.protocol.client_messages import From, Subscribe


def read(text: str) -> Address:
    """An address as people write it."""
    pairs = (one.partition("=") for one in text.split("&") if one)
    return read_address([(key, value) for key, _, value in pairs])


def test_an_address_that_says_nothing() -> None:
    """It asks for nothing, and nothing is wrong."""
    assert read("") == Address(None, None, NO_DEFAULTS, "")


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("clientId=me&from=resume", Address("me", None, Defaults(start="resume"), "")),
        ("from=now&maxMessage=4096", Address(None, 4096, Defaults(start="now"), "")),
        ("emergencies=20", Address(None, None, Defaults(emergencies=20), "")),
        ("from=last:3", Address(None, None, Defaults(start=From(last=3)), "")),
        (
            "sessionId=a*&from=cursor:1-2-00000003",
            Address(None, None, Defaults("a*", From(cursor="1-2-00000003")), ""),
        ),
        ("metrics=a,b", Address(None, None, Defaults(metrics=["a", "b", "a,b"]), "")),
        ("metrics=a&metrics=c", Address(None, None, Defaults(metrics=["a", "c"]), "")),
    ],
)
def test_what_it_may_say(text: str, address: Address) -> None:
    """Each by its name, as in a `subscribe`."""
    assert read(text) == address


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("clientId=", "clientId: it has 1 to 256 characters"),
        ("clientId=a&clientId=b", "clientId: it is there more than once"),
        ("from=resume", "from: resume needs a clientId"),
        ("from=yesterday", "from: it is one of start, now, resume, last:N,"),
        ("from=last:x", "from: it is one of"),
        ("from=time:noon", "from: not a time: 'noon'"),
        ("from=cursor:1-2-00000003", "from: one cursor fits one session"),
        ("sessionId=a&from=cursor:1", "from: Invalid cursor: "),
        ("sessionId=a&sessionId=b", "sessionId: name one session"),
        ("sessionId=!x", "sessionId: no session ID begins"),
        ("metrics=", "metrics: Expected `array` of length >= 1"),
        ("maxMessage=1", "maxMessage: maxMessage is from 4096 to 983040 bytes"),
        ("emergencies=101", "emergencies: emergencies is from 0 to 100"),
        ("emergencies=-1", "emergencies: emergencies is from 0 to 100"),
        ("token=1", "token: unknown"),
        ("a=&b=&c=&d=&e=&f=&g=", "a: unknown; b: unknown; c: unknown; d: unknown; e: "),
    ],
)
def test_what_is_wrong(text: str, wrong: str) -> None:
    """It is said, in one line, and counts for nothing."""
    address = read(text)
    assert address.wrong.startswith(f"Invalid address: {wrong}")
    assert "\n" not in address.wrong
    assert address[:2] == (None, None)
    assert address.defaults in (NO_DEFAULTS, Defaults("a"))


def test_what_is_right_counts_beside_what_is_wrong() -> None:
    """Of more than five complaints the others are counted."""
    text = "&".join(f"x{number}=" for number in range(7))
    address = read(f"clientId=me&{text}&from=resume")
    assert (address.name, address.defaults.start) == ("me", "resume")
    assert address.wrong.endswith("x4: unknown; and 2 more")


def test_messages_win() -> None:
    """What a `subscribe` says itself, and one that adds, is as it is."""
    defaults = Defaults("a", "resume", ["phi"], 3)
    assert defaults.filled(Subscribe()) == Subscribe(
        session_id="a", from_="resume", metrics=["phi"], emergencies=3
    )
    for message in (
        Subscribe(session_id="b", from_="now", metrics=["kappa"], emergencies=0),
        Subscribe(add=True),
    ):
        assert defaults.filled(message) == message
    several = defaults.filled(Subscribe(session_ids=["b"], replay=3))
    assert (several.session_id, several.from_) == (None, UNSET)
