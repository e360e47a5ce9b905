"""Dovecot's ManageSieve as the counterpart: the same commands get OK, NO or BYE alike, with the same response codes.

The texts differ, as they may. Where the answers do, `DIFFERENCES` says why.
"""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import pytest

from tests.harness.dovecot import Dovecot
from tests.harness.managesieve import LOGIN, Place, Wire
from tests.harness.needs import require

pytestmark = [pytest.mark.interop, pytest.mark.xdist_group("imap-oracle")]  # one Dovecot at a time: it has a port

HAS_MANAGESIEVE = Path("/usr/lib/dovecot/managesieve-login").exists()
ADDRESS, PORT = "127.0.0.79", 14190
MORE = "plugin {\n  sieve = file:~/sieve;active=~/.dovecot.sieve\n}\n"
COMMANDS = [
    b"NOOP",
    b'NOOP "tag"',
    b"NOOP {3+}\r\nabc",
    b"noop",
    b"FOO",
    b"LISTSCRIPTS",
    b'PUTSCRIPT "main" "keep;"',
    b'PUTSCRIPT "main" {7+}\r\nkeep;\r\n',
    b"LISTSCRIPTS",
    b'GETSCRIPT "main"',
    b'PUTSCRIPT "bad" "foo;"',
    b'CHECKSCRIPT "keep;"',
    b'CHECKSCRIPT "keep"',
    b'CHECKSCRIPT ""',
    b'SETACTIVE "main"',
    b'SETACTIVE "none"',
    b"LISTSCRIPTS",
    b'DELETESCRIPT "main"',
    b'RENAMESCRIPT "main" "other"',
    b"LISTSCRIPTS",
    b'RENAMESCRIPT "none" "x"',
    b'PUTSCRIPT "main" "stop;"',
    b'RENAMESCRIPT "main" "other"',
    b'GETSCRIPT "none"',
    b'DELETESCRIPT "none"',
    b'SETACTIVE ""',
    b'SETACTIVE ""',
    b'DELETESCRIPT "other"',
    b'PUTSCRIPT "empty" ""',
    b'HAVESPACE "x" 100',
    b'HAVESPACE "x"',
    b'HAVESPACE "x" "y"',
    b'PUTSCRIPT "gr\xc3\xbcn" "keep;"',
    b'PUTSCRIPT "" "keep;"',
    b'PUTSCRIPT "a/b" "keep;"',
    b'PUTSCRIPT "a\x01b" "keep;"',
    b'PUTSCRIPT "' + b"x" * 129 + b'" "keep;"',
    b'PUTSCRIPT "a"',
    b"LISTSCRIPTS 1",
    b'AUTHENTICATE "PLAIN"',
    b"STARTTLS",
    b"UNAUTHENTICATE",
    b"LOGOUT",
]
DIFFERENCES = {
    b'PUTSCRIPT "a/b" "keep;"': "RFC 5804 §1.6 allows a slash; Dovecot's scripts are files",
    b'PUTSCRIPT "empty" ""': "RFC 5804 §2.6: a script of no octets should be disallowed",
    b'PUTSCRIPT "' + b"x" * 129 + b'" "keep;"': "RFC 5804 §1.6: 128 characters must do, and more may",
    b"UNAUTHENTICATE": "RFC 5804 §2.14.1 recommends it; Dovecot 2.3 lacks it",
}


def normal(answer: bytes) -> bytes:
    """Return an answer with nothing but the response code behind OK, NO or BYE."""
    return re.sub(rb"^(OK|NO|BYE)((?: \([^)]*\))?).*", rb"\1\2", answer, count=1, flags=re.DOTALL | re.MULTILINE)


async def ask(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, command: bytes) -> bytes:
    """Return Dovecot's answer, up to the line that ends it."""
    writer.write(command + b"\r\n")
    got = b""
    async with asyncio.timeout(10):
        while True:
            line = await reader.readline()
            got += line
            literal = re.search(rb"\{(\d+)\}\r\n\Z", line)
            if literal is not None:
                got += await reader.readexactly(int(literal[1]))
            elif re.match(rb"(?:OK|NO|BYE)\b", line) or not line:
                return got
            if literal is not None and re.match(rb"(?:OK|NO|BYE)\b", line):
                return got + await reader.readline()


async def test_commands_are_answered_alike(tmp_path: Path) -> None:
    require(HAS_MANAGESIEVE, "dovecot-managesieved is not installed (tests/debian-packages.txt)")
    async with Dovecot("sieve", ADDRESS, PORT, password="builder", more=MORE) as dovecot:
        place = Place(tmp_path, {"POSTROAD_PLAINTEXT_AUTH": "on"})
        wire = Wire(place)
        wire.received.clear()
        reader, writer = await dovecot.connect()
        try:
            async with asyncio.timeout(10):
                await reader.readuntil(b"\r\nOK")
                await reader.readline()
            assert (await ask(reader, writer, LOGIN.removesuffix(b"\r\n"))).startswith(b"OK")
            await wire.exchange(LOGIN)
            unlike = {}
            for command in COMMANDS:
                theirs, own = await ask(reader, writer, command), await wire.exchange(command + b"\r\n")
                if normal(theirs) != normal(own):
                    unlike[command] = (theirs, own)
            unexplained = {command: pair for command, pair in unlike.items() if command not in DIFFERENCES}
            assert unexplained == {}
            assert unlike.keys() == DIFFERENCES.keys()
        finally:
            writer.close()
            place.close()
