"""From octets to commands: RFC 5804 §4's grammar, its limits, and what they count."""

from __future__ import annotations

import re

import pytest

from postroad_store.managesieve.commands import RULES
from postroad_store.managesieve.framing import (
    MAX_LINE,
    MAX_NUMBER,
    MAX_QUOTED,
    MAX_TOKENS,
    SKIPPED,
    Atom,
    Fault,
    Framer,
    Number,
    String,
    Token,
)

LARGEST = 20


def read(octets: bytes, step: int = 0) -> list[list[Token] | Fault]:
    """Return the commands and faults in octets that come all at once, or some at a time."""
    framer = Framer(LARGEST)
    commands = []
    for start in range(0, len(octets), step or len(octets)):
        framer.receive(octets[start : start + (step or len(octets))])
        while (command := framer.next_command()) is not None:
            commands.append(command)
            if isinstance(command, Fault) and command.fatal:
                return commands
    return commands


SYNTAX = Fault("Syntax error.")
MAXSIZE = Fault("A literal has at most 20 octets here.", "QUOTA/MAXSIZE")
TOO_LONG = Fault("Line too long.", fatal=True)


@pytest.mark.parametrize("step", [0, 1, 3])
@pytest.mark.parametrize(
    ("octets", "expected"),
    [
        (b"\r\n", [[]]),
        (b"noop\r\nLogout\n", [[Atom(b"NOOP")], [Atom(b"LOGOUT")]]),
        (b'NOOP "a\\"b\\\\c"\r\n', [[Atom(b"NOOP"), String(b'a"b\\c')]]),
        (b'NOOP "a\\c"\r\n', [SYNTAX]),
        (b'NOOP ""\r\n', [[Atom(b"NOOP"), String(b"")]]),
        (b"HAVESPACE 12 0\r\n", [[Atom(b"HAVESPACE"), Number(12), Number(0)]]),
        (b"A 12b\r\n", [[Atom(b"A"), Atom(b"12B")]]),
        (b"A %d\r\n" % MAX_NUMBER, [[Atom(b"A"), Number(MAX_NUMBER)]]),
        (b"A %d\r\nB\r\n" % (MAX_NUMBER + 1), [Fault(f"A number is at most {MAX_NUMBER}."), [Atom(b"B")]]),
        (b"A %s\r\n" % (b"0" * 20), [[Atom(b"A"), Number(0)]]),
        (b"A %s\r\n" % (b"0" * 21), [Fault(f"A number is at most {MAX_NUMBER}.")]),
        (b'A "%s"\r\n' % (b"x" * MAX_QUOTED), [[Atom(b"A"), String(b"x" * MAX_QUOTED)]]),
        (b'A "%s"\r\n' % (b"x" * (MAX_QUOTED + 1)), [Fault(f"A quoted string has at most {MAX_QUOTED} octets.")]),
        (b" ".join([b"A"] * MAX_TOKENS) + b"\r\n", [[Atom(b"A")] * MAX_TOKENS]),
        (b" ".join([b"A"] * (MAX_TOKENS + 1)) + b"\r\nB\r\n", [Fault("Too many arguments."), [Atom(b"B")]]),
        (b" A\r\n", [SYNTAX]),
        (b"A \r\n", [SYNTAX]),
        (b"A  B\r\n", [SYNTAX]),
        (b"A\tB\r\n", [SYNTAX]),
        (b'A "b"C\r\nD\r\n', [SYNTAX, [Atom(b"D")]]),
        (b"A (B\r\n", [SYNTAX]),
        (b"PUT {3+}\r\na\nb\r\n", [[Atom(b"PUT"), String(b"a\nb")]]),
        (b"PUT {0+}\r\n B\r\n", [[Atom(b"PUT"), String(b""), Atom(b"B")]]),
        (b"{1+}\r\na\r\n", [[String(b"a")]]),
        (b"PUT {1+}\r\na {2+}\r\nbc 7\r\n", [[Atom(b"PUT"), String(b"a"), String(b"bc"), Number(7)]]),
        (b"PUT {1+}\r\na{2+}\r\nbc\r\nD\r\n", [SYNTAX, [Atom(b"D")]]),
        (b"PUT{1+}\r\na\r\nD\r\n", [SYNTAX, [Atom(b"D")]]),
        (b" {1+}\r\na\r\nD\r\n", [SYNTAX, [Atom(b"D")]]),
        (b"PUT  {1+}\r\na\r\nD\r\n", [SYNTAX, [Atom(b"D")]]),
        (b"PUT {1+}\r\nab\r\nD\r\n", [SYNTAX, [Atom(b"D")]]),
        (b"PUT {20+}\r\n%s\r\n" % (b"x" * 20), [[Atom(b"PUT"), String(b"x" * 20)]]),
        (b"PUT {21+}\r\n%s\r\nD\r\n" % (b"\n" * 21), [MAXSIZE, [Atom(b"D")]]),
        (b"PUT {21+}\r\n%s ( {22+}\r\n%s\r\nD\r\n" % (b"\n" * 21, b"\n" * 22), [MAXSIZE, [Atom(b"D")]]),
        (b"A ( {22+}\r\n%s\r\nD\r\n" % (b"\n" * 22), [SYNTAX, [Atom(b"D")]]),
        (b"PUT {1}\r\n", [Fault("A literal is written {size+}.", fatal=True)]),
        (b"PUT {%d+}\r\n" % SKIPPED, []),
        (b"PUT {%d+}\r\n" % (SKIPPED + 1), [Fault("The literal is too large.", "QUOTA/MAXSIZE", fatal=True)]),
    ],
)
def test_commands(octets: bytes, expected: list[list[Token] | Fault], step: int) -> None:
    assert read(octets, step) == expected


def test_a_command_without_its_literals_is_bounded() -> None:
    name = b"a" * 1020
    line = b'A "%s"' % b'" "'.join([name] * 4)
    rest = MAX_LINE - len(line) - len(b" {1+}\r")
    assert read(line + b" {1+}\r\nx %s\r\n" % (b"0" * (rest - 1))) == [Fault(f"A number is at most {MAX_NUMBER}.")]
    assert read(line + b" {1+}\r\nx %s\r\n" % (b"0" * rest)) == [TOO_LONG]
    assert read(b"a" * MAX_LINE) == []
    assert read(b"a" * (MAX_LINE + 1)) == [TOO_LONG]
    many = MAX_LINE // len(b"NOOP\r\n") + 1  # lines that come at once, behind an empty one
    assert read(b"X {1+}\r\nx\n" + b"NOOP\r\n" * many) == [[Atom(b"X"), String(b"x")], *[[Atom(b"NOOP")]] * many]
    assert read((b"a" * (MAX_LINE - 1) + b"\r\n") * 2) == [[Atom(b"A" * (MAX_LINE - 1))]] * 2


def test_what_came_is_forgotten() -> None:
    framer = Framer(LARGEST)
    for octets in (b"PUT {5+}\r\nab", b"PUT {25+}\r\nab", b"PUT {2+}\r\nab", b"A ( {1+}\r\nx", b"A"):
        framer.receive(octets)
        assert framer.next_command() is None
        framer.clear()
        framer.receive(b"B\r\n")
        assert framer.next_command() == [Atom(b"B")]


def test_every_command_names_its_section() -> None:
    assert [name for name, rule in RULES.items() if not re.fullmatch(r"RFC 5804 §2(\.\d+)+", rule.source)] == []
