"""How many connections an address may have, and how many new ones."""

import pytest

from tailcast_gateway.connections.core import addresses as addresses_module
from tailcast_gateway.connections.core.addresses import TOLD, Addresses, network_of
from tailcast_gateway.connections.core.subjects import Subjects
from tailcast_gateway.limits import (
    CONNECTION_RATE,
    CONNECTIONS_PER_ADDRESS,
    Quotas,
)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("192.0.2.1", "::ffff:192.0.2.1"),
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9"),
        ("fe80::1%eth0", "fe80::2"),
        ("unix", "unix"),
    ],
)
def test_who_counts_as_one(one: str, other: str) -> None:
    """One address, however it is written, and one network of IPv6."""
    assert network_of(one) == network_of(other)


def test_who_counts_apart() -> None:
    """Each address of IPv4, and each /64."""
    apart = ["192.0.2.1", "192.0.2.2", "2001:db8:1:2::1", "2001:db8:1:3::1"]
    assert len({network_of(one) for one in apart}) == 4


def test_as_many_as_may_be_open() -> None:
    """One more is told so, until one has left; far more are not even told."""
    addresses = Addresses(Quotas(connections_per_address=2))
    visits = [addresses.enter("192.0.2.1", 0.0) for _ in range(2)]
    assert [visit.limit for visit in visits] == [None, None]
    surplus = addresses.enter("192.0.2.1", 0.0)
    assert (surplus.limit, surplus.is_far_beyond) == (CONNECTIONS_PER_ADDRESS, False)
    assert addresses.enter("192.0.2.2", 0.0).limit is None
    more = [addresses.enter("192.0.2.1", 0.0) for _ in range(TOLD)]
    assert [visit.is_far_beyond for visit in more] == [False] * (TOLD - 1) + [True]
    for visit in (surplus, *more, visits[0]):
        addresses.leave(visit)
    assert addresses.enter("192.0.2.1", 0.0).limit is None


def test_as_many_as_may_come() -> None:
    """One more is told when to come again, and there is room then."""
    addresses = Addresses(Quotas(connection_rate=2, connection_burst=3))
    for _ in range(3):
        addresses.leave(addresses.enter("192.0.2.1", 0.0))
    visit = addresses.enter("192.0.2.1", 0.0)
    assert (visit.limit, visit.wait) == (CONNECTION_RATE, 0.5)
    assert addresses.enter("192.0.2.1", 0.5).limit is None


def test_no_more_are_remembered_than_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those without a connection are forgotten, others never."""
    monkeypatch.setattr(addresses_module, "MAX_NETWORKS", 3)
    addresses = Addresses(Quotas(connections_per_address=1))
    stays = addresses.enter("192.0.2.1", 0.0)
    for number in range(100):
        addresses.leave(addresses.enter(f"10.0.0.{number}", 0.0))
    assert len(addresses._networks) == 3
    assert addresses.enter("192.0.2.1", 0.0).limit is CONNECTIONS_PER_ADDRESS
    addresses.leave(stays)


def test_connections_of_a_subject() -> None:
    """So many; nobody in particular has as many as it likes."""
    subjects = Subjects(2)
    for sub in ("ada", "ada", "bob", "", ""):
        assert not subjects.is_full(sub)
        subjects.enter(sub)
    assert [subjects.is_full(sub) for sub in ("ada", "bob", "")] == [True, False, False]
    for sub in ("ada", "bob", ""):
        subjects.leave(sub)
    assert not subjects.is_full("ada")
