"""Who may connect, and who goes."""

from __future__ import annotations

import logging

import pytest

from postroad.clock import Clock
from postroad.shell.admission import GRACE, Admission


class Socket:
    """A connection that notes its eviction."""

    def __init__(self) -> None:
        self.evicted = False

    def evict(self) -> None:
        self.evicted = True


@pytest.fixture
def clock() -> Clock:
    return Clock(steady=lambda: 0.0)


def full(clock: Clock, most: int = 3, most_per_address: int = 3) -> tuple[Admission[Socket], list[Socket]]:
    admission: Admission[Socket] = Admission("toy", clock, most, most_per_address)
    sockets = [Socket() for _ in range(most)]
    for number, socket in enumerate(sockets):
        assert admission.admit(socket, f"10.0.0.{number}")
    return admission, sockets


def test_room_is_given_back(clock: Clock) -> None:
    admission, sockets = full(clock)
    assert len(admission) == 3
    assert set(admission) == set(sockets)
    assert not admission.admit(Socket(), "10.0.0.9")
    admission.leave(sockets[1])
    admission.leave(sockets[1])
    assert len(admission) == 2
    assert admission.admit(Socket(), "10.0.0.9")


def test_the_first_stranger_goes_first_once_it_has_had_its_time(clock: Clock, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    admission, (known, second, third) = full(clock)
    admission.prove(known)
    clock.push(GRACE / 2)
    assert not admission.admit(Socket(), "10.0.0.9")
    clock.push(GRACE / 2)
    newcomer = Socket()
    assert admission.admit(newcomer, "10.0.0.9")
    assert [socket.evicted for socket in (known, second, third, newcomer)] == [False, True, False, False]
    assert len(admission) == 3
    admission.leave(second)  # as its connection is lost
    assert len(admission) == 3
    assert admission.admit(Socket(), "10.0.0.9")
    assert not admission.admit(Socket(), "10.0.0.9")  # the newcomers have had no time yet
    assert [record.levelname for record in caplog.records] == ["WARNING", "INFO", "INFO", "WARNING"]
    assert all(vars(record)["peer"].startswith("10.0.0.") for record in caplog.records)


def test_those_who_have_proved_themselves_stay(clock: Clock) -> None:
    admission, sockets = full(clock)
    for socket in sockets:
        admission.prove(socket)
    clock.push(3600)
    assert not admission.admit(Socket(), "10.0.0.9")
    assert not any(socket.evicted for socket in sockets)


def test_an_address_with_most_strangers_makes_room_at_once_for_another(clock: Clock) -> None:
    admission: Admission[Socket] = Admission("toy", clock, 9, 9)
    other = Socket()
    assert admission.admit(other, "10.0.0.1")
    flood = [Socket() for _ in range(8)]
    for socket in flood:
        assert admission.admit(socket, "10.0.0.2")
    assert not admission.admit(Socket(), "10.0.0.2")  # nobody makes room for its own so soon
    newcomers = [Socket() for _ in range(2)]
    for socket in newcomers:
        assert admission.admit(socket, "10.0.0.3")
    # Six strangers are no more than twice the three connections that the address would have.
    assert not admission.admit(Socket(), "10.0.0.3")
    assert [socket.evicted for socket in (other, *flood, *newcomers)] == [False, True, True] + [False] * 8
    for socket in flood:
        admission.prove(socket)
    assert not admission.admit(Socket(), "10.0.0.4")


def test_an_address_over_its_share_makes_room_by_its_own(clock: Clock) -> None:
    admission: Admission[Socket] = Admission("toy", clock, 10, 2)
    other, first, second = Socket(), Socket(), Socket()
    assert admission.admit(other, "10.0.0.1")
    assert admission.admit(first, "10.0.0.2")
    assert admission.admit(second, "10.0.0.2")
    assert not admission.admit(Socket(), "10.0.0.2")
    assert admission.admit(Socket(), "10.0.0.3")
    clock.push(GRACE)
    assert admission.admit(Socket(), "10.0.0.2")
    assert [socket.evicted for socket in (other, first, second)] == [False, True, False]


def test_an_address_whose_connections_are_all_known_is_turned_away(clock: Clock) -> None:
    admission: Admission[Socket] = Admission("toy", clock, 10, 1)
    known, other = Socket(), Socket()
    assert admission.admit(known, "10.0.0.2")
    assert admission.admit(other, "10.0.0.1")
    admission.prove(known)
    clock.push(GRACE)
    assert not admission.admit(Socket(), "10.0.0.2")
    assert not other.evicted
