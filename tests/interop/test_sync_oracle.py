"""The dialogues of CONDSTORE and QRESYNC against Dovecot: what is answered otherwise, and who is right.

Each command of a dialogue is sent to Dovecot, and its answer held against the one in the dialogue. `sync_oracle.txt`
lists the commands whose answers differ, with the reason; a difference that is not listed is a fault, and so is a
listed one that is none any more.
"""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.dialogues.test_imap import SCRIPTS, parse
from tests.harness.script import expand
from tests.interop.test_imap_oracle import Client, oracle

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.dialogues.test_imap import Dialogue
    from tests.harness.dovecot import Dovecot

pytestmark = [pytest.mark.interop, pytest.mark.xdist_group("imap-oracle")]  # one Dovecot at a time: it has a port

DIFFERENCES = Path(__file__).with_name("sync_oracle.txt")
NAMES = (
    *("condstore-select", "condstore-enabling", "condstore-fetch", "condstore-store", "condstore-search"),
    *("condstore-status", "qresync-select", "qresync-match", "qresync-vanished", "qresync-last", "qresync-delayed"),
)
LINE = re.compile(r"([CcS])(\d?):(?: |\Z)(.*)\Z", re.DOTALL)
OURS = {b"1772366400": "INBOX", b"1772366401": "Drafts"}  # the UIDVALIDITY values of dialogues
LITERAL = re.compile(rb"\{\d+\+\}\r\n\Z")


def differences() -> dict[str, str]:
    """Return the reasons by what they are for: `dialogue connection tag`."""
    reasons: dict[str, str] = {}
    reason = ""
    for line in DIFFERENCES.read_text(encoding="utf-8").splitlines():
        if line.startswith("~ "):
            reason = line[2:]
        elif line and not line.startswith("#"):
            reasons[line] = reason
    return reasons


def exchanges(path: Path) -> Iterator[tuple[str, bytes, list[str]]]:
    """Yield which connection says something, what it says, and what it is answered."""
    who, said, answers = "", b"", []
    goes_on = False  # a literal is to follow
    for line in path.read_text(encoding="utf-8").splitlines():
        match = LINE.match(line)
        if match is None:
            continue
        kind, number, text = match[1], match[2] or "1", match[3]
        if kind == "S":
            if number == who:
                answers.append(text)
            continue
        if not goes_on:
            if said:
                yield who, said, answers
            who, said, answers = number, b"", []
        said += expand(text) + (b"\r\n" if kind == "C" else b"")
        goes_on = kind == "c" or LITERAL.search(said) is not None
    yield who, said, answers


def normal(lines: list[str], validities: dict[bytes, bytes]) -> list[str]:
    r"""Return an answer without what is not compared.

    Times, words of refusals, the order of untagged responses and of FETCH items; \Recent, since Dovecot has been asked
    for the messages before; and the UID beside MODSEQ, which Dovecot gives to those alone who have enabled QRESYNC:
    RFC 7162 §3.2.4 wants it "once a CONDSTORE enabling command is issued".
    """
    text = "\n".join(lines)
    for ours, theirs in validities.items():
        text = text.replace(theirs.decode(), ours.decode())
    text = re.sub(r" \([\d. +]+ secs\)", "", text)
    text = re.sub(r"(COPYUID|APPENDUID) \d+", r"\1 V", text)
    text = re.sub(r"(BAD|NO) (\[[^\]]*\] )?.*", r"\1", text)
    text = re.sub(r'INTERNALDATE "[^"]*"', "INTERNALDATE", text)
    text = re.sub(r"^\* (OK \[(?:MAILBOXID|URLMECH)|\d+ RECENT).*\n?", "", text, flags=re.MULTILINE)
    text = re.sub(r" ?\\Recent|\bUID \d+ ?", "", text)
    text = re.sub(r"\.$", "", text, flags=re.MULTILINE)
    told = [
        " ".join(sorted(line.replace("(", " ").replace(")", " ").split())) if " FETCH (" in line else line
        for line in text.split("\n")
        if line
    ]
    return sorted(told)


async def ask(client: Client, octets: bytes, tag: bytes) -> list[str]:
    answer = await client.ask(octets, re.compile(rb"^(?:%b (?:OK|NO|BAD)|\+ )" % re.escape(tag), re.MULTILINE))
    return answer.decode().split("\r\n")


async def prepared(dovecot: Dovecot, dialogue: Dialogue, login: str) -> dict[bytes, bytes]:
    """Make a Dovecot user's mailboxes as a dialogue begins; return the UIDVALIDITY values, ours by theirs."""
    client = Client(await dovecot.connect())
    await ask(client, b"l LOGIN %b wonderland\r\n" % login.encode(), b"l")
    for mailbox in (b"Drafts", b"Archive"):
        await ask(client, b"c CREATE %b\r\n" % mailbox, b"c")
    await ask(client, b"s SELECT INBOX (CONDSTORE)\r\n", b"s")  # else Dovecot would give all messages one mod-sequence
    for number in range(1, dialogue.messages + 1):
        message = f"From: bob@alpha.test\r\nSubject: message {number}\r\n\r\nbody {number}\r\n".encode()
        await ask(client, b"m APPEND INBOX {%d+}\r\n%b\r\n" % (len(message), message), b"m")
    await ask(client, b"u UNSELECT\r\n", b"u")
    validities = {}
    for validity, name in OURS.items():
        answer = " ".join(await ask(client, b"s STATUS %b (UIDVALIDITY)\r\n" % name.encode(), b"s"))
        match = re.search(r"UIDVALIDITY (\d+)", answer)
        assert match is not None
        validities[validity] = match[1].encode()
    client.writer.close()
    return validities


async def told(dovecot: Dovecot, path: Path, login: str) -> set[str]:
    """Return the commands of a dialogue that Dovecot answers otherwise."""
    dialogue = parse(path)
    validities = await prepared(dovecot, dialogue, login)
    clients: dict[str, Client] = {}
    different = set()
    tag = b""
    for who, said, ours in exchanges(path):
        if who not in clients:
            clients[who] = Client(await dovecot.connect())
            await ask(clients[who], b"l LOGIN %b wonderland\r\n" % login.encode(), b"l")
            if dialogue.select:
                await ask(clients[who], b"s SELECT %b\r\n" % dialogue.select.encode(), b"s")
        octets = said
        for mine, its in validities.items():
            octets = octets.replace(mine, its)
        tag = tag if octets == b"DONE\r\n" else octets.split(b" ")[0].strip()
        try:
            async with asyncio.timeout(3):
                theirs = await ask(clients[who], octets, tag)
        except (TimeoutError, asyncio.IncompleteReadError):
            theirs = []
        if normal(theirs, validities) != normal(ours, validities):
            different.add(f"{path.stem} {who} {tag.decode()}")
    for client in clients.values():
        client.writer.close()
    return different


async def test_dialogues() -> None:
    different: set[str] = set()
    async with oracle() as dovecot:
        for path in SCRIPTS:
            if path.stem in NAMES:
                different |= await told(dovecot, path, f"{path.stem}@alpha.test")
    known = differences()
    assert sorted(different - known.keys()) == []
    assert sorted(known.keys() - different) == []
