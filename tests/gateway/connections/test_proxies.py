"""Who really asks: what proxies say that are trusted, and nobody else."""

import pytest

from tailcast_gateway.connections.core import proxies
from tailcast_gateway.connections.core.proxies import Peer, Proxies


PROXY = ("10.0.0.1", 4000)


@pytest.mark.parametrize(
    ("forwarded", "expected"),
    [
        pytest.param([], PROXY, id="nothing said"),
        pytest.param([""], PROXY, id="nothing in it"),
        pytest.param(["192.0.2.7"], ("192.0.2.7", 0), id="one"),
        pytest.param(["192.0.2.7:99"], ("192.0.2.7", 99), id="with a port"),
        pytest.param(["2001:db8::1"], ("2001:db8::1", 0), id="IPv6"),
        pytest.param(["[2001:db8::1]:9"], ("2001:db8::1", 9), id="IPv6 with a port"),
        pytest.param(["::ffff:192.0.2.7"], ("192.0.2.7", 0), id="IPv4 in IPv6"),
        pytest.param(["1.1.1.1, 192.0.2.7"], ("192.0.2.7", 0), id="from the right"),
        pytest.param(["1.1.1.1", "192.0.2.7"], ("192.0.2.7", 0), id="two headers"),
        pytest.param(["192.0.2.7, 10.9.9.9"], ("192.0.2.7", 0), id="two proxies"),
        pytest.param(["10.1.1.1, 10.2.2.2"], ("10.1.1.1", 0), id="proxies alone"),
        pytest.param(["1.1.1.1, nobody, 10.2.2.2"], ("10.2.2.2", 0), id="no address"),
        pytest.param(["nobody:1:2"], PROXY, id="nothing that is one"),
    ],
)
def test_who_asks(forwarded: list[str], expected: Peer) -> None:
    """The first from the right that is no trusted proxy."""
    trusted = Proxies(["10.0.0.0/8"])
    for _ in range(2):
        assert trusted.asker(PROXY, forwarded, [])[0] == expected


@pytest.mark.parametrize(
    ("said", "expected"),
    [([], None), (["https"], True), (["wss"], True), (["HTTP"], False), (["x"], None)],
)
def test_over_which_protocol(said: list[str], expected: bool | None) -> None:
    """As the proxy says it."""
    assert Proxies(["10.0.0.1"]).asker(PROXY, [], said)[1] is expected


@pytest.mark.parametrize("peer", [None, ("192.0.2.7", 1), ("unix", 1)])
def test_nobody_else_is_believed(peer: Peer) -> None:
    """Whatever is said."""
    trusted = Proxies(["10.0.0.1"])
    assert trusted.asker(peer, ["1.1.1.1"], ["https"]) == (peer, None)
    assert Proxies().asker(PROXY, ["1.1.1.1"], ["https"]) == (PROXY, None)


def test_what_is_neither_address_nor_network() -> None:
    """It is said when it is set."""
    with pytest.raises(ValueError, match="proxy"):
        Proxies(["proxy"])


def test_what_is_remembered_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """The verdict stays the same."""
    monkeypatch.setattr(proxies, "_MOST_KNOWN", 2)
    trusted = Proxies(["10.0.0.0/8"])
    for number in range(9):
        peer = (f"10.0.0.{number}", 1)
        assert trusted.asker(peer, ["192.0.2.7"], [])[0] == ("192.0.2.7", 0)
