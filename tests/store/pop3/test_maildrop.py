"""The maildrop's snapshot."""

from __future__ import annotations

import re

from postroad_store.mail.model.message import UID
from postroad_store.pop3.maildrop import Maildrop


def maildrop() -> Maildrop:
    return Maildrop(0x65A0B1C2, [UID(1), UID(5), UID(4_294_967_295)], [10, 20, 30])


def test_numbers_sizes_and_sum() -> None:
    drop = maildrop()
    assert (len(drop), drop.count, drop.octets) == (3, 3, 60)
    assert [drop.size(number) for number in drop.numbers()] == [10, 20, 30]


def test_marks_and_reset() -> None:
    drop = maildrop()
    drop.delete(3)
    drop.delete(1)
    assert drop.is_deleted(1)
    assert not drop.is_deleted(2)
    assert drop.deleted == (1, 3)
    assert drop.numbers() == [2]
    assert (len(drop), drop.count, drop.octets) == (3, 1, 20)
    drop.reset()
    assert (drop.count, drop.octets, len(drop.deleted)) == (3, 60, 0)


def test_unique_ids_are_dovecots_and_of_the_grammar() -> None:
    drop = maildrop()
    assert drop.unique_id(2) == "0000000565a0b1c2"
    # RFC 1939 §7: 1 to 70 characters in the range 0x21 to 0x7E
    assert all(re.fullmatch(r"[!-~]{1,70}", drop.unique_id(number)) for number in drop.numbers())


def test_an_empty_one() -> None:
    drop = Maildrop(1, [], [])
    assert (len(drop), drop.count, drop.octets, drop.numbers()) == (0, 0, 0, [])
