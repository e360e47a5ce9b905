"""When lines of the journals are worth a step."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from postroad_web.catalog import gathering as module
from postroad_web.catalog.gathering import Gathering
from tests.harness.doors import ToyStack

if TYPE_CHECKING:
    from tests.harness.doors import ToyDoor


def lines_of(door: ToyDoor, *kinds: str) -> list[bytes]:
    """Return the lines of the newest message that are of these kinds."""
    newest = {kind: line for _, line in door.journal_lines for kind in kinds if f'"kind":"{kind}"'.encode() in line}
    return [newest[kind] for kind in kinds]


def test_a_delivery_is_whole_once_both_journals_have_told_of_it() -> None:
    stack, gathering = ToyStack(), Gathering()
    for store_first in (True, False):
        stack.send(b"", None, ["bob@beta.test"])
        halves = [lines_of(stack.store, "stored"), lines_of(stack.relay, "delivered")]
        first, second = halves if store_first else reversed(halves)
        assert not gathering.is_whole(first)
        assert gathering.is_whole(second)


def test_one_of_several_is_enough() -> None:
    stack, gathering = ToyStack(), Gathering()
    stack.send(b"", None, ["bob@beta.test"])
    stored = lines_of(stack.store, "stored")
    stack.send(b"", None, ["bob@beta.test"])
    assert not gathering.is_whole([*stored, *lines_of(stack.store, "stored")])
    assert gathering.is_whole(lines_of(stack.relay, "accepted", "delivered"))
    assert not gathering.is_whole(lines_of(stack.relay, "accepted", "delivered"))


ALONE = [b'{"kind":"deferred"}', b'{"kind":"delivered","reply":"250 2.0.0 OK"}', b'{"kind":"accepted"}', b"rubbish"]


@pytest.mark.parametrize("line", ALONE)
def test_what_tells_of_no_delivery_to_the_store_stands_alone(line: bytes) -> None:
    assert Gathering().is_whole([line])


def test_few_halves_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST", 1)
    gathering = Gathering()
    stored = [b'{"kind":"stored","queue_id":"S%d"}' % number for number in range(2)]
    delivered = [b'{"kind":"delivered","reply":"250 OK stored as S%d"}' % number for number in range(2)]
    assert not gathering.is_whole(stored)
    assert gathering.is_whole(delivered[1:])
    assert not gathering.is_whole(delivered[:1])  # its half was forgotten
