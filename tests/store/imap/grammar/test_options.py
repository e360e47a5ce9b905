from __future__ import annotations

import pytest

from postroad_store.imap.extensions import CONDSTORE, QRESYNC, UIDONLY
from postroad_store.imap.grammar.options import OptionSpec, option_table, read_options
from postroad_store.imap.grammar.reader import Reader, SyntaxFault
from postroad_store.imap.offer import Offer
from postroad_store.imap.registry import Registry


def read_argument(reader: Reader) -> bytes:
    reader.space()
    return reader.atom()


OPTIONS = option_table(
    OptionSpec(b"PLAIN", CONDSTORE, lambda _: b""),
    OptionSpec(b"WITH", QRESYNC, read_argument),
    OptionSpec(b"OTHER", UIDONLY, lambda _: b"other"),
)


@pytest.mark.parametrize(
    ("text", "options"),
    [
        (b"(PLAIN)", (b"",)),
        (b"(with x)", (b"x",)),
        (b"(OTHER With y plain) rest", (b"other", b"y", b"")),
    ],
)
def test_read(text: bytes, options: tuple[bytes, ...]) -> None:
    assert read_options(Reader([text]), OPTIONS) == options


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (b"", "Missing argument"),
        (b"PLAIN", "Invalid argument"),
        (b"()", "Invalid argument"),
        (b"(PLAIN", "Missing argument"),
        (b"(PLAIN )", "Invalid argument"),
        (b"( PLAIN)", "Invalid argument"),
        (b"(PLAIN  OTHER)", "Invalid argument"),
        (b"(WITH)", "Invalid argument"),
        (b"(XFOO)", "Unknown parameter: XFOO"),
        (b"(PLAIN plain)", "Duplicate parameter: PLAIN"),
    ],
)
def test_malformed(text: bytes, fault: str) -> None:
    with pytest.raises(SyntaxFault) as caught:
        read_options(Reader([text]), OPTIONS)
    assert str(caught.value) == fault


def test_an_option_whose_capability_is_hidden_is_unknown() -> None:
    offer = Offer(Registry(without=["CONDSTORE"]))
    with pytest.raises(SyntaxFault, match="Unknown parameter: PLAIN"):
        read_options(Reader([b"(PLAIN)"], 0, offer), OPTIONS)
