"""FETCH's grammar: what it parses to, and what is refused (RFC 3501 §6.4.5, §9 fetch-att)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from postroad_store.imap.commands.fetch import SPECS, Fetch, values
from postroad_store.imap.commands.fetch.items import ITEMS
from postroad_store.imap.commands.fetch.plan import ItemList
from postroad_store.imap.commands.fetch.section import Section, Text
from postroad_store.imap.grammar.reader import Reader, SyntaxFault
from postroad_store.imap.grammar.sequence import parse_sequence_set

if TYPE_CHECKING:
    from postroad_store.imap.commands.fetch import Item
    from postroad_store.imap.events import Command

T = b"t"
PARSERS = {spec.name: spec.parse for spec in SPECS}


def parse(line: bytes, *more: bytes) -> Command:
    name = b"UID FETCH" if line.startswith(b"UID") else b"FETCH"
    return PARSERS[name](T, Reader([line.removeprefix(name), *more]))


def section(label: bytes, text: Text, part: tuple[int, ...] = (), **more: object) -> Section:
    given = {"fields": (), "partial": None, "peek": False} | more
    return Section(label, part, text, **given)  # type: ignore[arg-type]


FAST = (values.FLAGS, values.INTERNALDATE, values.SIZE)


@pytest.mark.parametrize(
    ("text", "items"),
    [
        (b"FLAGS", (values.FLAGS,)),
        (b"fast", FAST),
        (b"ALL", (*FAST, values.ENVELOPE)),
        (b"FULL", (*FAST, values.ENVELOPE, values.BODY)),
        (b"(UID uid BODY BODYSTRUCTURE)", (values.UID, values.BODY, values.BODYSTRUCTURE)),
        (b"RFC822", (section(b"RFC822", Text.ALL),)),
        (b"RFC822.SIZE", (values.SIZE,)),
        (b"rfc822.header", (section(b"RFC822.HEADER", Text.HEADER, peek=True),)),
        (b"RFC822.TEXT", (section(b"RFC822.TEXT", Text.TEXT),)),
        (b"BODY[]", (section(b"BODY[]", Text.ALL),)),
        (b"BODY.PEEK[]", (section(b"BODY[]", Text.ALL, peek=True),)),
        (b"BODY[1.2]", (section(b"BODY[1.2]", Text.ALL, (1, 2)),)),
        (b"BODY[1.mime]", (section(b"BODY[1.MIME]", Text.MIME, (1,)),)),
        (b"BODY[3.TEXT]<0.9>", (section(b"BODY[3.TEXT]<0>", Text.TEXT, (3,), partial=(0, 9)),)),
        (b"BODY[4294967295.1]", (section(b"BODY[4294967295.1]", Text.ALL, (4294967295, 1)),)),
        (
            b"BODY[]<4294967295.4294967295>",
            (section(b"BODY[]<4294967295>", Text.ALL, partial=(4294967295, 4294967295)),),
        ),
        (b"BODY[HEADER]", (section(b"BODY[HEADER]", Text.HEADER),)),
        (
            b'(BODY.PEEK[2.HEADER.FIELDS.NOT (from "a b")])',
            (
                section(
                    b'BODY[2.HEADER.FIELDS.NOT (FROM "A B")]',
                    Text.FIELDS_NOT,
                    (2,),
                    fields=(b"FROM", b"A B"),
                    peek=True,
                ),
            ),
        ),
        (
            b'BODY[HEADER.FIELDS (From "from" FROM "x(y" nil)]',
            (
                section(
                    b'BODY[HEADER.FIELDS (FROM "FROM" FROM "X(Y" "NIL")]',
                    Text.FIELDS,
                    fields=(b"FROM", b"FROM", b"FROM", b"X(Y", b"NIL"),
                ),
            ),
        ),
    ],
)
def test_fetch(text: bytes, items: tuple[Item, ...]) -> None:
    expected = Fetch(T, uid=True, messages=parse_sequence_set(b"1:*"), items=ItemList(items))
    assert parse(b"UID FETCH 1:* " + text) == expected
    assert parse(b"UID FETCH 1:* " + text) == expected  # remembered


def test_fetch_with_a_literal() -> None:
    command = parse(b"FETCH 1 BODY[HEADER.FIELDS ({2}", b"to", b")]")
    assert command == Fetch(
        T,
        uid=False,
        messages=parse_sequence_set(b"1"),
        items=ItemList((section(b'BODY[HEADER.FIELDS ("TO")]', Text.FIELDS, fields=(b"TO",)),)),
    )


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"()",
        b"( FLAGS)",
        b"(FLAGS",
        b"(FLAGS )",
        b"(FAST)",
        b"FAST FLAGS",
        b"FLAGS UID",
        b"FOO",
        b"BODY.PEEK",
        b"BODY[",
        b"BODY[FOO]",
        b"BODY[MIME]",
        b"BODY[0]",
        b"BODY[]<4294967296.1>",
        b"BODY[1.]",
        b"BODY[1.0]",
        b"BODY[4294967296]",
        b"BODY[1.FOO]",
        b"BODY[HEADER.FIELDS]",
        b"BODY[HEADER.FIELDS ()]",
        b"BODY[HEADER.FIELDS (a]",
        b"BODY[]<0>",
        b"BODY[]<0.0>",
        b"BODY[]<1.4294967296>",
    ],
)
def test_fetch_refused(text: bytes) -> None:
    with pytest.raises(SyntaxFault):
        parse(b"FETCH 1 " + text)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"(FLAGS X-TOY-LABELS)", "Unknown parameter: X-TOY-LABELS"),
        (b"x-toy-msgid", "Unknown parameter: X-TOY-MSGID"),
        (b"(X_Y!Z[1])", "Unknown parameter: X_Y!Z"),
        (b"BODY.PEEK", "Unknown parameter: BODY.PEEK"),
        (b"(FAST)", "Unknown parameter: FAST"),
        (b'"x"', "Invalid arguments"),
    ],
)
def test_an_unknown_item_is_named(text: bytes, message: str) -> None:
    with pytest.raises(SyntaxFault, match=message.replace("[", r"\[") + "$"):
        parse(b"FETCH 1 " + text)


@pytest.mark.parametrize(
    "text",
    [
        b"BODY[" + b".".join([b"1"] * 5000) + b"]",
        b"BODY[HEADER.FIELDS (" + b" ".join(b"h%d" % n for n in range(5000)) + b")]",
        b"(" + b" ".join(b"BODY[%d]" % n for n in range(1, 5000)) + b")",
    ],
)
def test_only_the_length_of_the_command_bounds_a_list(text: bytes) -> None:
    command = parse(b"FETCH 1 " + text)
    assert isinstance(command, Fetch)
    template = command.items.plan(uid=False).template
    assert template.count(b"BODY[") == text.count(b"BODY[")
    assert len(template) >= len(text)


def test_item_lists_are_compared_by_their_items() -> None:
    assert ItemList((values.UID,)) == ItemList((values.UID,))
    assert len({ItemList((values.UID,)), ItemList((values.UID,)), ItemList((values.SIZE,))}) == 2
    assert ItemList((values.UID,)) != (values.UID,)
    assert repr(ItemList((values.UID,))) == "ItemList((Uid(),))"


def test_every_item_names_its_rfc() -> None:
    source = r"RFC \d{4} §\d(\.\d)*|Google's X-GM-EXT-1"  # a page of Google's has no number
    assert [item.name for item in ITEMS if not re.fullmatch(source, item.rfc)] == []
