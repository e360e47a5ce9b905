"""kill -9 of the whole process under load: every message that was answered with 250 arrives."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import re
import sys
from collections import Counter
from typing import TYPE_CHECKING

import aiosmtplib

from postroad.control.client import DoorClient, quote_path
from postroad.control.token import read_token
from tests.harness.processes import own_settings, plain_environment
from tests.relay.nameserver import NameServer
from tests.relay.smtpserver import PretendServer
from tests.relay.worlds import TEXT

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from tests.relay.nameserver import Script

KILLS = 6
SENDERS = 5


class Load:
    """Clients that send one message after the other, and remember which were answered with 250."""

    def __init__(self, host: str) -> None:
        self._host = host
        self._numbers = itertools.count()
        self.accepted: set[str] = set()
        self.over = False
        self._changed = asyncio.Event()

    async def send(self) -> None:
        while not self.over:
            # Whatever breaks on the way, the message was not promised.
            with contextlib.suppress(aiosmtplib.SMTPException, OSError):
                async with aiosmtplib.SMTP(hostname=self._host, port=2525, start_tls=False, timeout=5) as client:
                    while not self.over:
                        subject = f"number {next(self._numbers)}"
                        content = f"Subject: {subject}\r\n\r\nbody\r\n".encode()
                        await client.sendmail("x@y.example", ["bob@beta.test"], content)
                        self.accepted.add(subject)
                        self._changed.set()
            await asyncio.sleep(0.01)

    async def more(self, messages: int) -> None:
        """Wait for so many further 250s."""
        wanted = len(self.accepted) + messages
        async with asyncio.timeout(30):
            while len(self.accepted) < wanted:
                self._changed.clear()
                await self._changed.wait()


@contextlib.asynccontextmanager
async def relay(environ: dict[str, str]) -> AsyncIterator[asyncio.subprocess.Process]:
    """A relay that is ready; it is killed in the end, if it still runs."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "postroad_relay", env=environ, stderr=asyncio.subprocess.PIPE
    )
    try:
        assert process.stderr is not None
        while b"msg=ready" not in (line := await process.stderr.readline()):
            assert line, "it ended before it was ready"
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


def arrived(store: PretendServer) -> Counter[str]:
    """How often each message came."""
    return Counter(re.findall(r"^Subject: (.*)\r$", mail.content.decode(), re.MULTILINE)[0] for mail in store.mails)


@contextlib.asynccontextmanager
async def surroundings(folder: Path) -> AsyncIterator[tuple[str, dict[str, str], PretendServer]]:
    """Everything but the relay: the network's first three numbers, the relay's environment, the store."""
    with own_settings(folder, TEXT.decode()) as own:
        network, environ = own["POSTROAD_NETWORK"], plain_environment() | own | {"POSTROAD_RETRY": "50ms"}
        init = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "postroad_stack", "init", env=environ, stdout=asyncio.subprocess.DEVNULL
        )
        assert await init.wait() == 0
        store_at = f"{network}.143"
        script: Script = {
            ("beta.test", "MX"): ["beta.test. 300 MX 10 mx.postroad.test."],
            ("y.example", "MX"): ["y.example. 300 MX 10 mx.postroad.test."],
            ("mx.postroad.test", "A"): [f"mx.postroad.test. 300 A {store_at}"],
        }
        async with (
            NameServer(script, address=f"{network}.53", port=1053),
            PretendServer(address=store_at, port=2525) as store,
        ):
            yield network, environ, store


async def test_nothing_that_was_answered_with_250_is_lost(tmp_path: Path) -> None:
    async with surroundings(tmp_path) as (network, environ, store):
        load = Load(f"{network}.25")
        senders = [asyncio.create_task(load.send()) for _ in range(SENDERS)]
        for number in range(KILLS):
            async with relay(environ):
                await load.more(20 + 10 * number)
        async with relay(environ) as process:
            await load.more(20)
            load.over = True
            await asyncio.gather(*senders)
            await store.until(lambda: load.accepted <= arrived(store).keys())
            process.terminate()
            assert await process.wait() == 0
        # Twice came only what had been delivered and not yet noted at the moment of a kill: at most a few a kill.
        twice = sum(count - 1 for count in arrived(store).values())
        assert twice <= KILLS * (SENDERS + 5)


async def test_what_an_administrator_was_answered_is_so_after_a_kill(tmp_path: Path) -> None:
    async with surroundings(tmp_path) as (network, environ, store):
        store.replies["RCPT"] = "450 4.2.1 Busy"
        environ["POSTROAD_RETRY"] = "10ms"
        door = DoorClient("relay", f"{network}.25", 8026, read_token(tmp_path / "data" / "control"))
        async with relay(environ), aiosmtplib.SMTP(hostname=f"{network}.1", port=1025) as client:
            idents = []
            for number in range(6):
                _, reply = await client.sendmail("x@y.example", ["bob@beta.test"], f"Subject: {number}\r\n\r\n")
                idents.append(reply.split("queued as ")[1])
            held, released, dropped, bounced = idents[:4]
            await door.post(quote_path("queue", released, "hold"))
            await door.post(quote_path("queue", held, "hold"))
            await door.delete(quote_path("queue", dropped))
            await door.delete(quote_path("queue", bounced), report=True)
            await door.post(quote_path("queue", released, "release"))
        async with relay(environ):
            store.replies.clear()
            state = await door.get("/state")
            while state["queued"] > 1:
                state = await door.get("/state")
            assert (len(store.mails), state["held"]) == (4, 1)
            assert [message["queue_id"] for message in state["messages"]] == [held]
            assert await door.octets(quote_path("content", held))
            await door.post(quote_path("queue", held, "release"))
            await store.until(lambda: len(store.mails) == 5)
            reports = [mail for mail in store.mails if b"multipart/report" in mail.content]
            assert [mail.recipients for mail in reports] == [["x@y.example"]]
        await door.close()
