"""What the relay asks the store about a login, and what it makes of the answer."""

from __future__ import annotations

import asyncio
import base64
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest

from postroad.sasl.mechanism import NO_PROOF, Claim
from postroad.sasl.password import Password
from postroad_relay.submission.storelogins import StoreLogins

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

ANN = Claim("PLAIN", "ann", Password("s3crét"))


@asynccontextmanager
async def store(answer: bytes, *, takes_anyone: bool = False) -> AsyncIterator[tuple[StoreLogins, list[bytes]]]:
    """A server that greets, reads a line and answers."""
    heard: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"* OK ready\r\n")
        heard.append(await reader.readline())
        writer.write(answer)
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        where = server.sockets[0].getsockname()[:2]
        yield StoreLogins(lambda: where, None, takes_anyone=takes_anyone), heard


@pytest.mark.parametrize(
    ("answer", "right"),
    [
        (b"a OK Logged in\r\n", True),
        (b"* CAPABILITY IMAP4rev1\r\na OK Logged in\r\n", True),
        (b"a NO [AUTHENTICATIONFAILED] Wrong\r\n", False),
        (b"a NO [AUTHORIZATIONFAILED] Not for you\r\n", False),
    ],
)
async def test_the_store_says_whether_a_login_is_right(answer: bytes, right: bool) -> None:
    async with store(answer) as (logins, heard):
        assert await logins.is_right(ANN) is right
    (line,) = heard
    assert line.startswith(b"a AUTHENTICATE PLAIN ")
    assert base64.b64decode(line.split()[-1]) == "\0ann\0s3crét".encode()


@pytest.mark.parametrize("answer", [b"", b"a NO [UNAVAILABLE] Later\r\n", b"a BAD What?\r\n", b"+ \r\n"])
async def test_a_store_that_does_not_say_it(answer: bytes) -> None:
    async with store(answer) as (logins, _):
        with pytest.raises(OSError, match="does not say"):
            await logins.is_right(ANN)


async def test_only_a_password_can_be_asked_about() -> None:
    async with store(b"a OK\r\n") as (logins, heard):
        assert not await logins.is_right(Claim("CRAM-MD5", "ann", NO_PROOF))
    assert heard == []


@pytest.mark.parametrize("answer", [b"a OK Logged in\r\n", b"a NO [AUTHENTICATIONFAILED] No address\r\n", b""])
@pytest.mark.parametrize("claim", [ANN, Claim("CRAM-MD5", "ann", NO_PROOF)])
async def test_a_store_that_takes_anyone_makes_a_user(answer: bytes, claim: Claim) -> None:
    """Whatever it says: the login is right."""
    async with store(answer, takes_anyone=True) as (logins, heard):
        assert await logins.is_right(claim)
    (line,) = heard
    assert base64.b64decode(line.split()[-1]) == b"\0ann\0ann"
    assert await logins.is_right(claim)  # nobody listens now
