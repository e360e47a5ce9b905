"""Every command's grammar: what it parses to, and what is refused (RFC 3501 §9)."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

import pytest

from postroad_store.imap.commands.append import Append
from postroad_store.imap.commands.append import parse as parse_append
from postroad_store.imap.commands.authenticate import Authenticate
from postroad_store.imap.commands.capability import Capability
from postroad_store.imap.commands.close import Close, Unselect
from postroad_store.imap.commands.copy import Copy, Move
from postroad_store.imap.commands.expunge import Expunge
from postroad_store.imap.commands.id import Id
from postroad_store.imap.commands.idle import Idle
from postroad_store.imap.commands.list import List
from postroad_store.imap.commands.login import Login
from postroad_store.imap.commands.logout import Logout
from postroad_store.imap.commands.lsub import Lsub
from postroad_store.imap.commands.mailboxes import Create, Delete, Rename, Subscribe, Unsubscribe
from postroad_store.imap.commands.namespace import Namespace
from postroad_store.imap.commands.noop import Check, Noop
from postroad_store.imap.commands.select import Select
from postroad_store.imap.commands.status import Status
from postroad_store.imap.commands.store import Store
from postroad_store.imap.grammar.reader import Incomplete, Reader, SyntaxFault
from postroad_store.imap.grammar.sequence import parse_sequence_set
from postroad_store.imap.old_fetch import Fetch
from postroad_store.imap.old_items import Attribute, Item, Section, Text
from postroad_store.imap.old_keys import And, Key, Not, Numbers, Or
from postroad_store.imap.old_search import BadCharset, Search
from postroad_store.imap.registry import Registry
from postroad_store.mail.model.flags import Change, FlagSet
from postroad_store.mail.search import keys as search

if TYPE_CHECKING:
    from postroad_store.imap.events import Command

T = b"t"
PARSERS = {name: spec.parse for name, spec in Registry().by_name.items()}


def parse(line: bytes, *more: bytes) -> Command:
    name, space, rest = line.partition(b" ")
    if name == b"UID":
        verb, space, rest = rest.partition(b" ")
        name = b"UID " + verb
    return PARSERS[name](T, Reader([space + rest, *more]))


def numbers(text: bytes, *, uid: bool = False) -> Numbers:
    return Numbers(uid, parse_sequence_set(text))


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (b"CAPABILITY", Capability(T)),
        (b"NOOP", Noop(T)),
        (b"LOGOUT", Logout(T)),
        (b"NAMESPACE", Namespace(T)),
        (b"IDLE", Idle(T)),
        (b"CHECK", Check(T)),
        (b"CLOSE", Close(T)),
        (b"UNSELECT", Unselect(T)),
        (b"EXPUNGE", Expunge(T, None)),
        (b"UID EXPUNGE 1:3", Expunge(T, parse_sequence_set(b"1:3"))),
        (b"ID NIL", Id(T, None)),
        (b"ID ()", Id(T, ())),
        (b'ID ("name" "x" "os" NIL)', Id(T, ((b"name", b"x"), (b"os", None)))),
        (b"AUTHENTICATE plain", Authenticate(T, b"PLAIN", None)),
        (b"AUTHENTICATE PLAIN =", Authenticate(T, b"PLAIN", b"")),
        (b"AUTHENTICATE PLAIN AGEAYg==", Authenticate(T, b"PLAIN", b"\0a\0b")),
        (b"LOGIN a ]b", Login(T, b"a", b"]b")),
        (b'LOGIN "a b" "q\\"\\\\"', Login(T, b"a b", b'q"\\')),
        (b'LOGIN "" "\xc3\xa4"', Login(T, b"", b"\xc3\xa4")),
        (b"SELECT inbox", Select(T, b"inbox", read_only=False)),
        (b"EXAMINE x", Select(T, b"x", read_only=True)),
        (b"CREATE a/b/", Create(T, b"a/b/")),
        (b"DELETE a", Delete(T, b"a")),
        (b'RENAME a "b c"', Rename(T, b"a", b"b c")),
        (b"SUBSCRIBE a", Subscribe(T, b"a")),
        (b"UNSUBSCRIBE a", Unsubscribe(T, b"a")),
        (b'LIST "" *', List(T, b"", b"*")),
        (b'LIST a "%/x"', List(T, b"a", b"%/x")),
        (b'LIST (special-use) "" *', List(T, b"", b"*", frozenset({b"SPECIAL-USE"}))),
        (b'LIST () "" *', List(T, b"", b"*", frozenset())),
        (
            b'LIST "" % return (SPECIAL-USE CHILDREN)',
            List(T, b"", b"%", None, frozenset({b"SPECIAL-USE", b"CHILDREN"})),
        ),
        (b'LIST (SPECIAL-USE) "" % RETURN ()', List(T, b"", b"%", frozenset({b"SPECIAL-USE"}), frozenset())),
        (b'LSUB "" a%]', Lsub(T, b"", b"a%]")),
        (b"STATUS a (messages UNSEEN MESSAGES)", Status(T, b"a", (b"MESSAGES", b"UNSEEN"))),
        (b"COPY 1,2 a", Copy(T, uid=False, messages=parse_sequence_set(b"1,2"), mailbox=b"a")),
        (b"UID COPY * a", Copy(T, uid=True, messages=parse_sequence_set(b"*"), mailbox=b"a")),
        (b"MOVE 1 a", Move(T, uid=False, messages=parse_sequence_set(b"1"), mailbox=b"a")),
        (b"UID MOVE 1 a", Move(T, uid=True, messages=parse_sequence_set(b"1"), mailbox=b"a")),
        (
            b"STORE 1 flags ()",
            Store(
                T, uid=False, messages=parse_sequence_set(b"1"), change=Change.REPLACE, silent=False, flags=FlagSet()
            ),
        ),
        (
            b"UID STORE 1 +FLAGS.SILENT \\seen A a \\Deleted",
            Store(
                T, uid=True, messages=parse_sequence_set(b"1"), change=Change.ADD, silent=True, flags=FlagSet(9, ("A",))
            ),
        ),
        (
            b"STORE 1 -FLAGS ($Junk)",
            Store(
                T,
                uid=False,
                messages=parse_sequence_set(b"1"),
                change=Change.REMOVE,
                silent=False,
                flags=FlagSet(0, ("$Junk",)),
            ),
        ),
    ],
)
def test_commands(line: bytes, expected: Command) -> None:
    assert parse(line) == expected


@pytest.mark.parametrize(
    "line",
    [
        b"NOOP ",
        b"NOOP x",
        b"ID",
        b"ID ",
        b"ID x",
        b'ID "x"',
        b'ID ("a")',
        b'ID ("a" x)',
        b'ID ("a""b")',
        b"ID (" + b" ".join(b'"a" "b"' for _ in range(31)) + b")",
        b"ID NIL x",
        b"AUTHENTICATE",
        b"AUTHENTICATE ",
        b"AUTHENTICATE PLAIN zz!",
        b"AUTHENTICATE PLAIN abc",
        b"AUTHENTICATE PLAIN = x",
        b"LOGIN",
        b"LOGIN a",
        b"LOGIN a ",
        b"LOGIN  a b",
        b"LOGIN a b c",
        b"LOGIN a (",
        b'LOGIN "a',
        b'LOGIN "a\\b" c',
        b'LOGIN "a\0" c',
        b"LOGIN \xe4 b",
        b"LOGIN a\tb c",
        b"SELECT",
        b"SELECT a b",
        b"RENAME a",
        b'LIST ""',
        b'LIST (SUBSCRIBED) "" *',
        b'LIST (SPECIAL-USE CHILDREN) "" *',
        b'LIST (SPECIAL-USE "" *',
        b'LIST (SPECIAL-USE)"" *',
        b'LIST ( SPECIAL-USE) "" *',
        b'LIST "" (a b)',
        b'LIST "" * FOO',
        b'LIST "" * RETURN',
        b'LIST "" * RETURN SPECIAL-USE',
        b'LIST "" * RETURN (SUBSCRIBED)',
        b'LIST "" * RETURN (SPECIAL-USE',
        b'LIST "" * RETURN (SPECIAL-USE) x',
        b"LIST * *",
        b"STATUS a",
        b"STATUS a ()",
        b"STATUS a MESSAGES",
        b"STATUS a (MESSAGES",
        b"STATUS a (FOO)",
        b"STATUS a (MESSAGES )",
        b"COPY 1",
        b"COPY a b",
        b"STORE 1",
        b"STORE 1 FLAGS",
        b"STORE 1 FLAGS ",
        b"STORE 1 FOO (x)",
        b"STORE 1 ++FLAGS (x)",
        b"STORE 1 FLAGS (x",
        b"STORE 1 FLAGS (x )",
        b"STORE 1 FLAGS (\\Recent)",
        b"STORE 1 FLAGS (\\*)",
        b"STORE 1 FLAGS \\Seen)",
        b"STORE 1 FLAGS (" + b"k" * 201 + b")",
        b"UID EXPUNGE",
        b"UID EXPUNGE x",
        b"APPEND INBOX",
        b"APPEND INBOX (\\Seen)",
        b"APPEND INBOX {5",
        b'APPEND INBOX "x" {5}',
    ],
)
def test_refused(line: bytes) -> None:
    with pytest.raises(SyntaxFault):
        parse(line)


def test_literals() -> None:
    assert parse(b"LOGIN {1}", b"a", b" {2+}", b"b ", b"") == Login(T, b"a", b"b ")
    assert parse(b"SEARCH SUBJECT {2}", b"\r\n", b"") == Search(T, uid=False, key=search.Header("SUBJECT", "\r\n"))
    for bad in ([b"LOGIN {1}", b"\0", b" b"], [b"LOGIN a {1} c"], [b"LOGIN {1}", b"a", b"b c"]):
        with pytest.raises(SyntaxFault):
            parse(bad[0], *bad[1:])


def test_a_password_is_not_shown() -> None:
    assert "secret" not in repr(parse(b"LOGIN a secret"))


def stamp(*moment: int) -> int:
    return int(datetime(*moment, tzinfo=UTC).timestamp())  # type: ignore[arg-type, misc]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (b" INBOX {5}", Append(T, b"INBOX", FlagSet(), None, 5)),
        (b" INBOX () {5+}", Append(T, b"INBOX", FlagSet(), None, 5)),
        (
            b' a (\\Seen x) " 1-Feb-2020 10:20:30 +0130" {0}',
            Append(
                T,
                b"a",
                FlagSet(1, ("x",)),
                stamp(2020, 2, 1, 8, 50, 30),
                0,
            ),
        ),
        (
            b' a "31-DEC-1999 23:59:60 -0000" {1}',
            Append(T, b"a", FlagSet(), stamp(1999, 12, 31, 23, 59, 59), 1),
        ),
        (b' a "9-Sep-2001 01:46:40 +0000" {1}', Append(T, b"a", FlagSet(), 1_000_000_000, 1)),
        # What leads out of the years that FETCH can give back in UTC is kept at their edge.
        (b' a "31-Dec-9999 23:59:59 -1200" {1}', Append(T, b"a", FlagSet(), stamp(9999, 12, 31, 23, 59, 59), 1)),
        (b' a "01-Jan-0001 00:00:00 +0100" {1}', Append(T, b"a", FlagSet(), stamp(1, 1, 1), 1)),
    ],
)
def test_append(line: bytes, expected: Append) -> None:
    assert parse_append(T, Reader([line])) == expected


@pytest.mark.parametrize(
    "line",
    [
        b' a "31-Feb-2020 10:20:30 +0000" {1}',
        b' a "01-Foo-2020 10:20:30 +0000" {1}',
        b' a "01-Feb-2020 25:20:30 +0000" {1}',
        b' a "01-Feb-2020 10:20:30 +9900" {1}',
        b" a {1} ",
        b" a  {1}",
    ],
)
def test_append_refused(line: bytes) -> None:
    with pytest.raises(SyntaxFault):
        parse_append(T, Reader([line]))


def test_append_to_a_literal_name() -> None:
    with pytest.raises(Incomplete):
        parse_append(T, Reader([b" {5}"]))
    assert parse_append(T, Reader([b" {1}", b"a", b" {7+}"])) == Append(T, b"a", FlagSet(), None, 7)


def section(label: bytes, text: Text, part: tuple[int, ...] = (), **more: object) -> Section:
    given = {"fields": (), "partial": None, "peek": False} | more
    return Section(label, part, text, **given)  # type: ignore[arg-type]


FAST = (Attribute.FLAGS, Attribute.INTERNALDATE, Attribute.SIZE)


@pytest.mark.parametrize(
    ("text", "items"),
    [
        (b"FLAGS", (Attribute.FLAGS,)),
        (b"fast", FAST),
        (b"ALL", (*FAST, Attribute.ENVELOPE)),
        (b"FULL", (*FAST, Attribute.ENVELOPE, Attribute.BODY)),
        (b"(UID uid BODY BODYSTRUCTURE)", (Attribute.UID, Attribute.BODY, Attribute.BODYSTRUCTURE)),
        (b"RFC822", (section(b"RFC822", Text.ALL),)),
        (b"RFC822.SIZE", (Attribute.SIZE,)),
        (b"rfc822.header", (section(b"RFC822.HEADER", Text.HEADER, peek=True),)),
        (b"RFC822.TEXT", (section(b"RFC822.TEXT", Text.TEXT),)),
        (b"BODY[]", (section(b"BODY[]", Text.ALL),)),
        (b"BODY.PEEK[]", (section(b"BODY[]", Text.ALL, peek=True),)),
        (b"BODY[1.2]", (section(b"BODY[1.2]", Text.ALL, (1, 2)),)),
        (b"BODY[1.mime]", (section(b"BODY[1.MIME]", Text.MIME, (1,)),)),
        (b"BODY[3.TEXT]<0.9>", (section(b"BODY[3.TEXT]<0>", Text.TEXT, (3,), partial=(0, 9)),)),
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
    ],
)
def test_fetch(text: bytes, items: tuple[Item, ...]) -> None:
    expected = Fetch(T, uid=True, messages=parse_sequence_set(b"1:*"), items=items)
    assert parse(b"UID FETCH 1:* " + text) == expected
    assert parse(b"UID FETCH 1:* " + text) == expected  # remembered


def test_fetch_with_a_literal() -> None:
    command = parse(b"FETCH 1 BODY[HEADER.FIELDS ({2}", b"to", b")]")
    assert command == Fetch(
        T,
        uid=False,
        messages=parse_sequence_set(b"1"),
        items=(section(b"BODY[HEADER.FIELDS (TO)]", Text.FIELDS, fields=(b"TO",)),),
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
        b"BODY[1.]",
        b"BODY[1.0]",
        b"BODY[4294967296]",
        b"BODY[" + b".".join([b"1"] * 51) + b"]",
        b"BODY[1.FOO]",
        b"BODY[HEADER.FIELDS]",
        b"BODY[HEADER.FIELDS ()]",
        b"BODY[HEADER.FIELDS (a]",
        b"BODY[HEADER.FIELDS (" + b" ".join(b"h%d" % n for n in range(201)) + b")]",
        b"BODY[]<0>",
        b"BODY[]<0.0>",
        b"BODY[]<1.4294967296>",
        b"(" + b" ".join(b"BODY[%d]" % n for n in range(1, 102)) + b")",
    ],
)
def test_fetch_refused(text: bytes) -> None:
    with pytest.raises(SyntaxFault):
        parse(b"FETCH 1 " + text)


DAY = date(2020, 2, 1)
FLAG = {"ANSWERED": 2, "DELETED": 8, "DRAFT": 16, "FLAGGED": 4, "SEEN": 1}


@pytest.mark.parametrize(
    ("text", "key"),
    [
        (b"ALL", And(())),
        (b"new", And((search.Recent(), Not(search.Flag(1))))),
        (b"OLD", Not(search.Recent())),
        (b"RECENT", search.Recent()),
        *[(name.encode(), search.Flag(bit)) for name, bit in FLAG.items()],
        *[(b"UN" + name.encode(), Not(search.Flag(bit))) for name, bit in FLAG.items()],
        (b"KEYWORD $a", search.Keyword("$a")),
        (b"UNKEYWORD $a", Not(search.Keyword("$a"))),
        *[(name.encode() + b' "x y"', search.Header(name, "x y")) for name in ("BCC", "CC", "FROM", "SUBJECT", "TO")],
        (b'HEADER x-a ""', search.Header("X-A", "")),
        (b"BODY x", search.Body("x")),
        (b'TEXT "\xc3\xa4"', search.Text("ä")),
        (b'CHARSET ISO-8859-1 TEXT "\xe4"', search.Text("ä")),
        (b'CHARSET "utf-8" ALL', And(())),
        (b'CHARSET US-ASCII TEXT "\xc3\xa4"', search.Text("ä")),
        (b"BEFORE 1-Feb-2020", search.InternalDate(search.When.BEFORE, DAY)),
        (b'ON "01-feb-2020"', search.InternalDate(search.When.ON, DAY)),
        (b"SINCE 1-FEB-2020", search.InternalDate(search.When.SINCE, DAY)),
        (b"SENTBEFORE 1-Feb-2020", search.SentDate(search.When.BEFORE, DAY)),
        (b"SENTON 1-Feb-2020", search.SentDate(search.When.ON, DAY)),
        (b"SENTSINCE 1-Feb-2020", search.SentDate(search.When.SINCE, DAY)),
        (b"LARGER 0", search.Larger(0)),
        (b"SMALLER 4294967295", search.Smaller(4294967295)),
        (b"UID 1:*", numbers(b"1:*", uid=True)),
        (b"1:3,*", numbers(b"1:3,*")),
        (b"*", numbers(b"*")),
        (b"NOT (SEEN)", Not(search.Flag(1))),
        (b"OR SEEN NOT 1", Or(search.Flag(1), Not(numbers(b"1")))),
        (b"SEEN (FROM a) 2", And((search.Flag(1), search.Header("FROM", "a"), numbers(b"2")))),
        (b"(SEEN DRAFT)", And((search.Flag(1), search.Flag(16)))),
    ],
)
def test_search(text: bytes, key: Key) -> None:
    assert parse(b"SEARCH " + text) == Search(T, uid=False, key=key)
    assert parse(b"UID SEARCH " + text) == Search(T, uid=True, key=key)


@pytest.mark.parametrize("name", [b"foo", b"base64", b"\xff", b"rot13", b"idna", b"punycode", b"unicode_escape"])
def test_unknown_charset(name: bytes) -> None:
    assert parse(b"SEARCH CHARSET {9}", name, b" ALL") == BadCharset(T)
    assert parse(b"SEARCH CHARSET {9}", name, b" TEXT {4}", b"xn--", b"") == BadCharset(T)


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b" ",
        b" ()",
        b" FOO",
        b" FOO x",
        b" SEEN ",
        b" SEEN)",
        b" (SEEN",
        b" CHARSET utf-8",
        b" CHARSET",
        b" OR SEEN",
        b" NOT",
        b" FROM",
        b" HEADER x",
        b" LARGER x",
        b" LARGER 4294967296",
        b" ON 32-Feb-2020",
        b" ON 31-Feb-2020",
        b" ON 1-Foo-2020",
        b' ON "1-Feb-2020',
        b" ON 1-Feb-20200",
        b" UID x",
        b" KEYWORD \\Seen",
        b' TEXT "\xe4"',
        b" " + b"NOT " * 60 + b"SEEN",
        b" " + b"(" * 60 + b"SEEN" + b")" * 60,
        b" " + b"SEEN " * 1001 + b"SEEN",
    ],
)
def test_search_refused(text: bytes) -> None:
    with pytest.raises(SyntaxFault):
        parse(b"SEARCH" + text)
