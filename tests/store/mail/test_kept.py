"""What is remembered between searches: the bound is that of all entries, however often one is replaced."""

from __future__ import annotations

from array import array
from collections import OrderedDict
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroad_store.mail.order import results, values
from postroad_store.mail.search import fieldtext

if TYPE_CHECKING:
    from collections.abc import Callable

ROOM = 10  # sizes, of all entries


class OfResults:
    """Results of searches; each message counts."""

    bound = (results, "MAX_KEPT", ROOM)

    def __init__(self) -> None:
        self.kept = results.Results()

    def put(self, key: int, size: int) -> None:
        self.kept.put(key, range(1, size + 1), size)

    def has(self, key: int, size: int) -> bool:
        return bool(self.kept.get(key, range(1, size + 1)) == size)


class OfValues:
    """Values of messages, which say themselves how large they are."""

    bound = (values, "MAX_KEPT", ROOM)

    def __init__(self) -> None:
        self.kept = values.KeptValues()

    def put(self, key: int, size: int) -> None:
        self.kept.put(key, "sent", values.Values(size=size))

    def has(self, key: int, size: int) -> bool:
        entry = self.kept.get(key, "sent")
        return entry is not None and entry.size == size


class OfFields:
    """Texts of fields; an entry takes some memory besides its text and its name."""

    bound = (fieldtext, "MAX_KEPT", ROOM * 10_000)

    def __init__(self) -> None:
        self.kept = fieldtext.FieldTexts()

    def put(self, key: int, size: int) -> None:
        self.kept.put(key, b"to", fieldtext.FieldText(text=b"x" * (size * 10_000 - fieldtext.ENTRY - 2)))

    def has(self, key: int, size: int) -> bool:
        entry = self.kept.get(key, b"to")
        return entry is not None and fieldtext._cost(b"to", entry) == size * 10_000


@pytest.mark.parametrize("kind", [OfResults, OfValues, OfFields])
@given(puts=st.lists(st.tuples(st.integers(1, 4), st.integers(1, ROOM + 1)), max_size=30))
def test_those_used_last_are_kept_as_far_as_there_is_room(
    kind: Callable[[], OfResults | OfValues | OfFields], puts: list[tuple[int, int]]
) -> None:
    module, name, value = kind.bound  # type: ignore[attr-defined]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, name, value)
        kept = kind()
        plain: OrderedDict[int, int] = OrderedDict()
        for key, size in puts:
            kept.put(key, size)
            plain.pop(key, None)
            plain[key] = size
            while sum(plain.values()) > ROOM:
                plain.popitem(last=False)
            assert [key for key in range(1, 5) if any(kept.has(key, size) for size in range(1, ROOM + 2))] == sorted(
                plain
            )
            for used in sorted(plain):  # asking is a use
                assert kept.has(used, plain[used])
                plain.move_to_end(used)


def test_a_text_takes_its_octets_and_some_for_each_message() -> None:
    text = fieldtext.FieldText(5, [1, 5], array("q", [2, 9]), b"x" * 9)
    assert text.size == 9 + 2 * 48
    assert fieldtext.FieldText().size == 0
    assert fieldtext._cost(b"subject", text) == fieldtext.ENTRY + 7 + text.size
