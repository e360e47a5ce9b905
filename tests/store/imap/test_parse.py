"""Every command's grammar: what it parses to, and what is refused (RFC 3501 §9)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from postroad_store.imap import commands as c
from postroad_store.imap.grammar.reader import Incomplete, Reader, SyntaxFault
from postroad_store.imap.grammar.sequence import parse_sequence_set
from postroad_store.imap.parse import PARSERS, read_append
from postroad_store.mail.model.flags import Change, FlagSet

T = b"t"


def parse(line: bytes, *more: bytes) -> c.Command:
    name, space, rest = line.partition(b" ")
    if name == b"UID":
        verb, space, rest = rest.partition(b" ")
        name = b"UID " + verb
    return PARSERS[name](T, Reader([space + rest, *more]))


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (b"CAPABILITY", c.Capability(T)),
        (b"NOOP", c.Noop(T)),
        (b"LOGOUT", c.Logout(T)),
        (b"NAMESPACE", c.Namespace(T)),
        (b"IDLE", c.Idle(T)),
        (b"CHECK", c.Check(T)),
        (b"CLOSE", c.Close(T)),
        (b"UNSELECT", c.Unselect(T)),
        (b"EXPUNGE", c.Expunge(T, None)),
        (b"UID EXPUNGE 1:3", c.Expunge(T, parse_sequence_set(b"1:3"))),
        (b"ID NIL", c.Id(T, None)),
        (b"ID ()", c.Id(T, ())),
        (b'ID ("name" "x" "os" NIL)', c.Id(T, ((b"name", b"x"), (b"os", None)))),
        (b"AUTHENTICATE plain", c.Authenticate(T, b"PLAIN", None)),
        (b"AUTHENTICATE PLAIN =", c.Authenticate(T, b"PLAIN", b"")),
        (b"AUTHENTICATE PLAIN AGEAYg==", c.Authenticate(T, b"PLAIN", b"\0a\0b")),
        (b"LOGIN a ]b", c.Login(T, b"a", b"]b")),
        (b'LOGIN "a b" "q\\"\\\\"', c.Login(T, b"a b", b'q"\\')),
        (b'LOGIN "" "\xc3\xa4"', c.Login(T, b"", b"\xc3\xa4")),
        (b"SELECT inbox", c.Select(T, b"inbox", read_only=False)),
        (b"EXAMINE x", c.Select(T, b"x", read_only=True)),
        (b"CREATE a/b/", c.Create(T, b"a/b/")),
        (b"DELETE a", c.Delete(T, b"a")),
        (b'RENAME a "b c"', c.Rename(T, b"a", b"b c")),
        (b"SUBSCRIBE a", c.Subscribe(T, b"a")),
        (b"UNSUBSCRIBE a", c.Unsubscribe(T, b"a")),
        (b'LIST "" *', c.List(T, b"", b"*")),
        (b'LIST a "%/x"', c.List(T, b"a", b"%/x")),
        (b'LIST (special-use) "" *', c.List(T, b"", b"*", extended=True, special_use=True)),
        (b'LIST () "" *', c.List(T, b"", b"*", extended=True)),
        (b'LIST "" % return (SPECIAL-USE CHILDREN)', c.List(T, b"", b"%", extended=True)),
        (b'LIST (SPECIAL-USE) "" % RETURN ()', c.List(T, b"", b"%", extended=True, special_use=True)),
        (b'LSUB "" a%]', c.Lsub(T, b"", b"a%]")),
        (b"STATUS a (messages UNSEEN MESSAGES)", c.Status(T, b"a", (b"MESSAGES", b"UNSEEN"))),
        (b"COPY 1,2 a", c.Copy(T, uid=False, messages=parse_sequence_set(b"1,2"), mailbox=b"a")),
        (b"UID COPY * a", c.Copy(T, uid=True, messages=parse_sequence_set(b"*"), mailbox=b"a")),
        (b"MOVE 1 a", c.Move(T, uid=False, messages=parse_sequence_set(b"1"), mailbox=b"a")),
        (b"UID MOVE 1 a", c.Move(T, uid=True, messages=parse_sequence_set(b"1"), mailbox=b"a")),
        (
            b"STORE 1 flags ()",
            c.Store(
                T, uid=False, messages=parse_sequence_set(b"1"), change=Change.REPLACE, silent=False, flags=FlagSet()
            ),
        ),
        (
            b"UID STORE 1 +FLAGS.SILENT \\seen A a \\Deleted",
            c.Store(
                T, uid=True, messages=parse_sequence_set(b"1"), change=Change.ADD, silent=True, flags=FlagSet(9, ("A",))
            ),
        ),
        (
            b"STORE 1 -FLAGS ($Junk)",
            c.Store(
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
def test_commands(line: bytes, expected: c.Command) -> None:
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
    assert parse(b"LOGIN {1}", b"a", b" {2+}", b"b ", b"") == c.Login(T, b"a", b"b ")
    for bad in ([b"LOGIN {1}", b"\0", b" b"], [b"LOGIN a {1} c"], [b"LOGIN {1}", b"a", b"b c"]):
        with pytest.raises(SyntaxFault):
            parse(bad[0], *bad[1:])


def test_a_password_is_not_shown() -> None:
    assert "secret" not in repr(parse(b"LOGIN a secret"))


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (b" INBOX {5}", c.Append(T, b"INBOX", FlagSet(), None, 5)),
        (b" INBOX () {5+}", c.Append(T, b"INBOX", FlagSet(), None, 5)),
        (
            b' a (\\Seen x) " 1-Feb-2020 10:20:30 +0130" {0}',
            c.Append(
                T,
                b"a",
                FlagSet(1, ("x",)),
                datetime(2020, 2, 1, 10, 20, 30, tzinfo=timezone(timedelta(minutes=90))),
                0,
            ),
        ),
        (
            b' a "31-DEC-1999 23:59:60 -0000" {1}',
            c.Append(T, b"a", FlagSet(), datetime(1999, 12, 31, 23, 59, 59, tzinfo=UTC), 1),
        ),
    ],
)
def test_append(line: bytes, expected: c.Append) -> None:
    assert read_append(T, Reader([line])) == (expected, b"+" in line[-3:])


@pytest.mark.parametrize(
    "line",
    [
        b' a "1-Feb-2020 10:20:30 +0130" {1}',
        b' a "31-Feb-2020 10:20:30 +0000" {1}',
        b' a "01-Foo-2020 10:20:30 +0000" {1}',
        b' a "01-Feb-2020 25:20:30 +0000" {1}',
        b' a "01-Feb-2020 10:20:30 +9900" {1}',
        b' a "01-Jan-0001 00:00:00 +0100" {1}',
        b" a {1} ",
        b" a  {1}",
    ],
)
def test_append_refused(line: bytes) -> None:
    with pytest.raises(SyntaxFault):
        read_append(T, Reader([line]))


def test_append_to_a_literal_name() -> None:
    with pytest.raises(Incomplete):
        read_append(T, Reader([b" {5}"]))
    assert read_append(T, Reader([b" {1}", b"a", b" {7+}"])) == (c.Append(T, b"a", FlagSet(), None, 7), True)
