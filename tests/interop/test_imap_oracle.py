"""Dovecot as the oracle: what RFC 3501 leaves to the server, Postroad words and orders as Dovecot does.

Each script `imap_oracle*.txt` is sent to both, command by command. Where the answers may differ it says why.
"""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import pytest

from postroad_store.imap.registry import Registry
from tests.harness.dovecot import Dovecot
from tests.harness.imap import Place, Wire
from tests.harness.wire import PATIENCE

pytestmark = [pytest.mark.interop, pytest.mark.xdist_group("imap-oracle")]  # one Dovecot at a time: it has a port

SCRIPTS = sorted(Path(__file__).parent.glob("imap_oracle*.txt"))
ADDRESS, PORT = "127.0.0.78", 10143
MORE = """
namespace inbox {
  inbox = yes
  separator = /
}
namespace others {
  type = shared
  separator = /
  prefix = Other Users/%%u/
  location = sdbox:{folder}/mail/%%u
  subscriptions = no
  list = children
}
mail_plugins = quota acl
mail_attribute_dict = file:%h/attributes
protocol imap {
  mail_plugins = quota acl imap_quota imap_acl
  imap_metadata = yes
}
plugin {
  acl = vfile
  quota = count:%u
  quota_rule = *:storage=1G:messages=100000
  quota_vsizes = yes
}
"""
QUOTA = "1G 100000 messages"  # as above


def script(path: Path) -> list[tuple[bytes, str]]:
    """Return the commands, each with the reason for which its answer may differ, or nothing."""
    commands = []
    reason = ""
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.startswith("~"):
            reason = line[2:]
        elif not line.startswith("#"):
            commands.append((line.encode("latin-1").decode("unicode_escape").encode("latin-1"), reason))
            reason = ""
    return commands


LATER = ("OBJECTID", "URLAUTH")  # what Debian's Dovecot 2.3 does not have, and what shows in answers unasked


def normal(answer: bytes) -> list[str]:
    text = answer.decode("latin-1")
    text = re.sub(r" \([\d. +]+ secs\)\.", "", text)  # how long it took
    text = re.sub(r"(UIDVALIDITY|APPENDUID|COPYUID) \d+", r"\1 V", text)
    # Dovecot gives it once a client has asked for mod-sequences; RFC 7162 section 3.1.2.1: always.
    text = re.sub(r"\* OK \[HIGHESTMODSEQ \d+\] Highest\.?\r\n", "", text)
    # Dovecot 2.3 has no OBJECTID unless it is told to.
    text = re.sub(r"\* OK \[MAILBOXID \S+\][^\r]*\r\n|\[MAILBOXID \S+\] ", "", text)
    text = re.sub(r'"\d\d-\w{3}-20(?!20)\d\d [\d:]+ \+0000"', "NOW", text)
    return [re.sub(r"\.$", "", line) if re.match(r"\S+ (?:OK|NO|BAD)", line) else line for line in text.splitlines()]


class Client:
    """One connection to Dovecot."""

    def __init__(self, streams: tuple[asyncio.StreamReader, asyncio.StreamWriter]) -> None:
        self.reader, self.writer = streams

    async def ask(self, octets: bytes, end: re.Pattern[bytes]) -> bytes:
        self.writer.write(octets)
        got = b""
        async with asyncio.timeout(PATIENCE):
            while not end.search(got):
                got += await self.reader.readuntil(b"\n")
        return got


def oracle(address: str = ADDRESS, more: str = "") -> Dovecot:
    """Return a Dovecot with shared mailboxes, rights, quotas and metadata, and with what else is wanted."""
    return Dovecot("imap", address, PORT, password="wonderland", more=MORE + more)


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.stem)
async def test_answers_are_alike(path: Path, tmp_path: Path) -> None:
    async with oracle() as dovecot:
        place = Place(tmp_path, quota=QUOTA, registry=Registry(without=LATER))
        wire = Wire(place)
        client = Client(await dovecot.connect())
        try:
            await client.ask(b"l LOGIN alice@alpha.test wonderland\r\n", re.compile(rb"^l OK", re.MULTILINE))
            await wire.say("l LOGIN alice@alpha.test wonderland")
            await compare(script(path), client, wire)
        finally:
            client.writer.close()
            wire.end()
            place.close()


async def compare(commands: list[tuple[bytes, str]], client: Client, wire: Wire) -> None:
    tag = b""
    wrong = []
    for number, (command, reason) in enumerate(commands):
        if command.startswith(b"!"):
            octets = command[1:] + b"\r\n"
        else:
            tag = b"a%d" % number
            octets = tag + b" " + command + b"\r\n"
        end = rb"^\+ |^%b (?:OK|NO|BAD)" if command == b"IDLE" else rb"^%b (?:OK|NO|BAD)"
        theirs = normal(await client.ask(octets, re.compile(end % tag, re.MULTILINE)))
        wire.feed(octets)
        await wire.idle()
        ours = normal(await wire.until(0))
        if bool(reason) != (ours != theirs):
            wrong.append(f"{command.decode()!r}: {ours} and {theirs}; {reason or 'no reason is given'}")
    assert not wrong, "\n".join(wrong)
