"""Every command's grammar: what it parses to, and what is refused (RFC 3501 §9)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from postroad_store.imap.commands.append import Append
from postroad_store.imap.commands.append.command import parse as parse_append
from postroad_store.imap.commands.append.grammar import Begin, More, Place, Url, read_on
from postroad_store.imap.commands.authenticate import Authenticate
from postroad_store.imap.commands.capability import Capability
from postroad_store.imap.commands.close import Close, Unselect
from postroad_store.imap.commands.copy import Copy, Move
from postroad_store.imap.commands.expunge import Expunge
from postroad_store.imap.commands.id import Id
from postroad_store.imap.commands.idle import Idle
from postroad_store.imap.commands.list.command import List, Xlist
from postroad_store.imap.commands.list.options import StatusOf
from postroad_store.imap.commands.login import Login
from postroad_store.imap.commands.logout import Logout
from postroad_store.imap.commands.lsub import Lsub
from postroad_store.imap.commands.mailboxes import Create, Delete, Rename, Subscribe, Unsubscribe
from postroad_store.imap.commands.namespace import Namespace
from postroad_store.imap.commands.noop import Check, Noop
from postroad_store.imap.commands.select import Select
from postroad_store.imap.commands.status.command import Status
from postroad_store.imap.commands.status.items import ITEMS
from postroad_store.imap.commands.store import Store
from postroad_store.imap.grammar.reader import Incomplete, Reader, SyntaxFault
from postroad_store.imap.grammar.sequence import parse_sequence_set
from postroad_store.imap.offer import Offer
from postroad_store.imap.registry import Registry
from postroad_store.mail.model.flags import Change, FlagSet

if TYPE_CHECKING:
    from postroad_store.imap.events import Command

T = b"t"
PARSERS = {name: spec.parse for name, spec in Registry(asked=["XLIST"]).by_name.items()}


def parse(line: bytes, *more: bytes) -> Command:
    name, space, rest = line.partition(b" ")
    if name == b"UID":
        verb, space, rest = rest.partition(b" ")
        name = b"UID " + verb
    return PARSERS[name](T, Reader([space + rest, *more]))


@pytest.mark.parametrize(
    ("hidden", "line", "told"),
    [
        ("UTF8=ACCEPT", b"APPEND x CATENATE (UTF8 (~{5}", "Invalid CATENATE part"),
        ("UTF8=ACCEPT", b"APPEND x UTF8 (~{5}", "Invalid literal"),
        ("CATENATE", b"APPEND x CATENATE (TEXT {5}", "Invalid literal"),
        ("BINARY", b"APPEND x ~{5}", "Invalid literal"),
        ("BINARY", b"APPEND x CATENATE (TEXT ~{5}", "Invalid literal"),
    ],
)
def test_a_message_in_a_form_that_is_hidden_is_refused(hidden: str, line: bytes, told: str) -> None:
    rest = line.removeprefix(b"APPEND")
    assert parse_append(T, Reader([rest], 0, Offer(Registry()))).size == 5
    with pytest.raises(SyntaxFault, match=told):
        parse_append(T, Reader([rest], 0, Offer(Registry(without=[hidden]))))


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
        (b'LIST "" *', List(T, b"", (b"*",))),
        (b'LIST a "%/x"', List(T, b"a", (b"%/x",))),
        (b'LIST (special-use) "" *', List(T, b"", (b"*",), frozenset({b"SPECIAL-USE"}), extended=True)),
        (b'LIST () "" *', List(T, b"", (b"*",), extended=True)),
        (b'LIST "" (a "b c" *)', List(T, b"", (b"a", b"b c", b"*"), extended=True)),
        (b'LIST "" % return (SPECIAL-USE CHILDREN)', List(T, b"", (b"%",), extended=True)),
        (b'LIST (remote) "" % RETURN ()', List(T, b"", (b"%",), frozenset({b"REMOTE"}), extended=True)),
        (
            b'LIST (RECURSIVEMATCH subscribed RECURSIVEMATCH) "" %',
            List(T, b"", (b"%",), frozenset({b"RECURSIVEMATCH", b"SUBSCRIBED"}), subscribed=True, extended=True),
        ),
        (
            b'LIST "" % RETURN (SUBSCRIBED STATUS (UNSEEN messages) CHILDREN)',
            List(
                T,
                b"",
                (b"%",),
                subscribed=True,
                responders=(StatusOf((ITEMS[b"MESSAGES"], ITEMS[b"UNSEEN"])),),
                extended=True,
            ),
        ),
        (b'XLIST "" *', Xlist(T, b"", (b"*",))),
        (b'LSUB "" a%]', Lsub(T, b"", b"a%]")),
        (b"STATUS a (messages UNSEEN MESSAGES)", Status(T, b"a", (ITEMS[b"MESSAGES"], ITEMS[b"UNSEEN"]))),
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
        b'LIST (RECURSIVEMATCH) "" *',
        b'LIST (REMOTE RECURSIVEMATCH) "" *',
        b'LIST (FOO) "" *',
        b'LIST (SPECIAL-USE CHILDREN) "" *',
        b'LIST (SPECIAL-USE "" *',
        b'LIST (SPECIAL-USE)"" *',
        b'LIST ( SPECIAL-USE) "" *',
        b'LIST "" ()',
        b'LIST "" (a b',
        b'LIST "" (a  b)',
        b'LIST "" * FOO',
        b'LIST "" * RETURN',
        b'LIST "" * RETURN SPECIAL-USE',
        b'LIST "" * RETURN (RECURSIVEMATCH)',
        b'LIST "" * RETURN (STATUS)',
        b'LIST "" * RETURN (STATUS ())',
        b'LIST "" * RETURN (STATUS (FOO))',
        b'LIST "" * RETURN (SUBSCRIBED  CHILDREN)',
        b'XLIST () "" *',
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
    for bad in ([b"LOGIN {1}", b"\0", b" b"], [b"LOGIN a {1} c"], [b"LOGIN {1}", b"a", b"b c"]):
        with pytest.raises(SyntaxFault):
            parse(bad[0], *bad[1:])


def test_a_password_is_not_shown() -> None:
    assert "secret" not in repr(parse(b"LOGIN a secret"))


def stamp(*moment: int) -> int:
    return int(datetime(*moment, tzinfo=UTC).timestamp())  # type: ignore[arg-type, misc]


def append(
    size: int | None, mailbox: bytes, *steps: Begin | Url, binary: bool = False, place: Place = Place.WHOLE
) -> Append:
    return Append(T, size, binary, steps, place, True, mailbox)


PLAIN = Begin(FlagSet(), None)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (b" INBOX {5}", append(5, b"INBOX", PLAIN)),
        (b" INBOX ~{5}", append(5, b"INBOX", PLAIN, binary=True)),
        (b" INBOX () {5+}", append(5, b"INBOX", PLAIN)),
        (
            b' a (\\Seen x) " 1-Feb-2020 10:20:30 +0130" {0}',
            append(0, b"a", Begin(FlagSet(1, ("x",)), stamp(2020, 2, 1, 8, 50, 30))),
        ),
        (b' a "31-DEC-1999 23:59:60 -0000" {1}', append(1, b"a", Begin(FlagSet(), stamp(1999, 12, 31, 23, 59, 59)))),
        (b" a CATENATE (TEXT {1}", append(1, b"a", PLAIN, place=Place.PART)),
        (b" a () catenate (url x URL y text {1+}", append(1, b"a", PLAIN, Url(b"x"), Url(b"y"), place=Place.PART)),
        (b' a CATENATE (URL "x y")', append(None, b"a", PLAIN, Url(b"x y"))),
        (b" a UTF8 (~{4}", append(4, b"a", PLAIN, binary=True, place=Place.UTF8)),
        (b" a CATENATE (URL x) {3}", append(3, b"a", PLAIN, Url(b"x"), PLAIN)),
        (b" a CATENATE (URL x) CATENATE (URL y)", append(None, b"a", PLAIN, Url(b"x"), PLAIN, Url(b"y"))),
    ],
)
def test_append(line: bytes, expected: Append) -> None:
    assert parse_append(T, Reader([line])) == expected


WHOLE = append(1, b"a", PLAIN)
PART = append(1, b"a", PLAIN, place=Place.PART)
UTF8 = append(1, b"a", PLAIN, place=Place.UTF8)


@pytest.mark.parametrize(
    ("before", "line", "expected"),
    [
        (WHOLE, b"", More(T, None, False, (), Place.WHOLE, True)),
        (WHOLE, b"  {4}", More(T, 4, False, (PLAIN,), Place.WHOLE, True)),
        (WHOLE, b" {4}", More(T, 4, False, (PLAIN,), Place.WHOLE, True)),
        (WHOLE, b" (\\Seen) ~{4+}", More(T, 4, True, (Begin(FlagSet(1, ()), None),), Place.WHOLE, True)),
        (WHOLE, b" CATENATE (URL x TEXT {4}", More(T, 4, False, (PLAIN, Url(b"x")), Place.PART, True)),
        (UTF8, b")", More(T, None, False, (), Place.WHOLE, True)),
        (UTF8, b") {4}", More(T, 4, False, (PLAIN,), Place.WHOLE, True)),
        (PART, b")", More(T, None, False, (), Place.WHOLE, True)),
        (PART, b" TEXT {4}", More(T, 4, False, (), Place.PART, True)),
        (PART, b" URL x URL y)", More(T, None, False, (Url(b"x"), Url(b"y")), Place.WHOLE, True)),
        (PART, b" URL x) {4}", More(T, 4, False, (Url(b"x"), PLAIN), Place.WHOLE, True)),
    ],
)
def test_append_goes_on(before: Append, line: bytes, expected: More) -> None:
    assert read_on(before, Reader([line])) == expected


@pytest.mark.parametrize(
    ("before", "line"),
    [
        *((WHOLE, line) for line in (b" ", b"x", b" x", b"   {4}", b" (\\Recent) {4}", b" CATENATE ()", b")")),
        *((UTF8, line) for line in (b"", b" ", b" {4}")),
        *((PART, line) for line in (b"", b" ", b" )", b"TEXT {4}", b" TEXT", b" TEXT x", b" URL", b" FOO x", b")x")),
    ],
)
def test_append_goes_wrong(before: Append, line: bytes) -> None:
    with pytest.raises(SyntaxFault):
        read_on(before, Reader([line]))


@pytest.mark.parametrize(
    "line",
    [
        b" a {1} ",
        b" a  {1}",
        b" a x",
        b" a CATENATE {1}",
        b" a UTF8 {1}",
        b" a UTF8 ({1}",
        b" a CATENATE ()",
        b" a CATENATE (URL x",
        b" a CATENATE (TEXT {1} URL x)",
        b" a CATENATE ( URL x)",
    ],
)
def test_append_refused(line: bytes) -> None:
    with pytest.raises(SyntaxFault):
        parse_append(T, Reader([line]))


def test_append_to_a_literal_name() -> None:
    with pytest.raises(Incomplete):
        parse_append(T, Reader([b" {5}"]))
    assert parse_append(T, Reader([b" {1}", b"a", b" {7+}"])) == append(7, b"a", PLAIN)
