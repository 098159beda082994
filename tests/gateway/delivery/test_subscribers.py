"""Who is subscribed to what."""

from tailcast_gateway.delivery.core.subscribers import Subscribers
from tests.gateway.stage import Stage


def test_who_has_a_session_is_found_once() -> None:
    """By its name or by a glob; who leaves it out is not."""
    stage = Stage()
    by_name, by_glob = stage.client("a"), stage.client("*")
    both, other = stage.client("a", "*"), stage.client("b")
    subscribers = stage.hub.subscribers
    assert list(subscribers) == [by_name, by_glob, both, other]
    assert list(subscribers.of("a")) == [by_name, both, by_glob]
    assert list(subscribers.of("b")) == [other, by_glob, both]
    assert list(subscribers.of("c")) == [by_glob, both]
    assert list(subscribers.broad) == [by_glob, both]


def test_what_replaces_a_subscription_is_all_that_is_kept() -> None:
    """Of who wants nothing any more, nothing."""
    stage = Stage()
    client = stage.client("a", "b*")
    subscribers = stage.hub.subscribers
    wider, nothing = client.subscription, stage.client().subscription
    subscribers.install(client, nothing)
    assert (len(subscribers), subscribers.named, subscribers.broad) == (0, {}, {})
    subscribers.install(client, wider)
    assert (list(subscribers.named), list(subscribers.broad)) == (["a"], [client])
    assert client.subscription is wider


def test_nobody() -> None:
    """There may be none."""
    assert not Subscribers()
    assert list(Subscribers().of("a")) == []
