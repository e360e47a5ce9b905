"""STORE in its common form is read in one match, and means what the grammar says of every form (RFC 3501 §6.4.6)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from unittest import mock

from hypothesis import example, given
from hypothesis import strategies as st

from postroad_store.imap.commands import store
from postroad_store.imap.grammar.reader import Reader, SyntaxFault

if TYPE_CHECKING:
    from postroad_store.imap.commands import labels

NEVER = re.compile(rb"(?!)")
PIECES = [b" ", b"1", b"0", b"4294967296", b",", b":", b"*", b"+", b"-", b"FLAGS", b".SILENT", b"(", b")", b"\\Seen"]
PIECES += [b"\\dELETED", b"\\Recent", b"\\*", b"keyword", b" 1:3 +FLAGS (\\Flagged)", b" 7 -flags.silent (\\SEEN)"]
CLOSE_TO_IT = st.lists(st.sampled_from(PIECES), max_size=8).map(b"".join)


def read(text: bytes) -> store.Store | labels.Store | str:
    try:
        return store.parse(b"t", Reader([text]))
    except SyntaxFault as fault:
        return str(fault)


@example(b" 1 FLAGS (\\Answered)")
@example(b" 1,3:5 +FLAGS (\\Seen)")
@example(b" 1:4294967296 +FLAGS (\\Seen)")
@example(b" 0 +FLAGS (\\Seen)")
@example(b" 1:* +FLAGS (\\Seen)")
@example(b" 1: +FLAGS (\\Seen)")
@example(b" 1 +FLAGS (\\Recent)")
@example(b" 1 +FLAGS (\\Seen)\n")
@given(st.from_regex(store._COMMON, fullmatch=True) | CLOSE_TO_IT)
def test_the_common_form_is_read_as_any_other(text: bytes) -> None:
    with mock.patch.object(store, "_COMMON", NEVER):
        expected = read(text)
    assert read(text) == expected
