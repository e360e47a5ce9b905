"""The whole road: submission to visible by IMAP, beside Postfix → Postfix → Dovecot (LMTP, sdbox)."""

from __future__ import annotations

import contextlib
import smtplib
import statistics
import subprocess
import sys
import time
from typing import TYPE_CHECKING, NamedTuple

from bench.clients import ImapClient
from bench.peers import (
    IMAP_PORT,
    MX_ADDRESS,
    PASSWORD,
    SMTP_PORT,
    SUBMISSION_ADDRESS,
    Dovecot,
    exchanger,
    submission,
)
from bench.rows_smtp import smtp_source
from bench.table import Row, at_least, at_most, interleave

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

MESSAGES = 2_000
SINGLES = 100
POLL = 0.002  # seconds between two looks at the mailbox, the same on both sides


def _throughput(smtp: tuple[str, int], reader: Callable[[], ImapClient]) -> Callable[[], float]:
    """Return messages a second, from the first connection to the last message visible."""

    def measure() -> float:
        with reader() as client:
            client.empty()
            started = time.perf_counter()
            smtp_source(*smtp, messages=MESSAGES, reuse=True)
            deadline = started + 120
            while client.exists() < MESSAGES:
                if time.perf_counter() > deadline:
                    raise TimeoutError(f"{client.exists()} of {MESSAGES} messages arrived in two minutes")
                time.sleep(POLL)
            return MESSAGES / (time.perf_counter() - started)

    return measure


def _letter(number: int) -> bytes:
    return b"From: alice@alpha.test\r\nTo: bob@beta.test\r\nSubject: number %d\r\n\r\n%s" % (
        number,
        b"A line.\r\n" * 400,
    )


def _latency(smtp: tuple[str, int], reader: Callable[[], ImapClient]) -> Callable[[], float]:
    """Return the median milliseconds from the 250 of the final dot to a NOOP that tells EXISTS."""

    def measure() -> float:
        times = []
        with reader() as client, contextlib.closing(smtplib.SMTP(*smtp)) as sender:
            sender.ehlo("client.test")
            client.empty()
            client.command("SELECT INBOX")
            for number in range(SINGLES):
                sender.sendmail("alice@alpha.test", ["bob@beta.test"], _letter(number))
                accepted = time.perf_counter()
                while b" EXISTS" not in client.command("NOOP"):
                    if time.perf_counter() - accepted > 30:
                        raise TimeoutError("a message did not arrive in 30 seconds")
                times.append((time.perf_counter() - accepted) * 1000)
        return statistics.median(times)

    return measure


def _idle(smtp: tuple[str, int], reader: Callable[[], ImapClient]) -> Callable[[], float]:
    """Return the median milliseconds from the 250 of delivery (the MX's own) to EXISTS in a session that idles."""

    def measure() -> float:
        times = []
        with reader() as client, contextlib.closing(smtplib.SMTP(*smtp)) as sender:
            sender.ehlo("client.test")
            client.empty()
            client.command("SELECT INBOX")
            client.send(b"idle IDLE\r\n")
            client.read_until(b"+ ")
            for number in range(SINGLES):
                sender.sendmail("alice@alpha.test", ["bob@beta.test"], _letter(number))
                accepted = time.perf_counter()
                client.read_until(b"* %d EXISTS" % (number + 1))
                times.append((time.perf_counter() - accepted) * 1000)
            client.send(b"DONE\r\n")
            client.read_until(b"idle OK")
        return statistics.median(times)

    return measure


class Road(NamedTuple):
    """One road: where mail is handed in, where its last hop takes it, and how its mailbox is read."""

    smtp: tuple[str, int]
    mx: tuple[str, int]
    reader: Callable[[], ImapClient]


def rows(ours: Road, *, tls: Path, folder: Path, rounds: int) -> Iterator[Row]:
    """Measure beside Debian's servers."""
    with (
        Dovecot(folder / "dovecot", "sdbox") as dovecot,
        exchanger(folder / "mx", dovecot.lmtp_socket, tls=tls),
        submission(folder / "submission", tls=tls),
    ):

        def reader() -> ImapClient:
            return ImapClient(dovecot.address, IMAP_PORT, "bob@beta.test", PASSWORD)

        peer = Road((SUBMISSION_ADDRESS, SMTP_PORT), (MX_ADDRESS, SMTP_PORT), reader)
        throughput, visible, idle = compared(ours, peer, "postfix → postfix → dovecot", rounds)
        throughput.floor, visible.floor = at_least(5), at_most(0.4)
        idle.peer_name = "postfix → dovecot"
        yield from (throughput, visible, idle)
        yield Row("delivery to IDLE's EXISTS", "ms p50", at_most(10), ours=idle.ours)


def compared(ours: Road, peer: Road, name: str, rounds: int) -> Iterator[Row]:
    """Measure throughput, the delay of a single message, and IDLE, on two roads."""
    row = Row("road, 2,000 messages", "messages/s", None, peer_name=name)
    yield interleave(row, rounds, _throughput(ours.smtp, ours.reader), _throughput(peer.smtp, peer.reader))
    row = Row("road, 250 to visible", "ms p50", None, peer_name=name)
    yield interleave(row, rounds, _latency(ours.smtp, ours.reader), _latency(peer.smtp, peer.reader))
    row = Row("delivery to IDLE's EXISTS, beside", "ms p50", None, peer_name=name)
    yield interleave(row, rounds, _idle(ours.mx, ours.reader), _idle(peer.mx, peer.reader))


def with_web(
    road: Road, *, start: Callable[[], None], settle: Callable[[], None], stop: Callable[[], None], rounds: int
) -> Row:
    """Measure the throughput with the web service, which reads along, beside that without.

    `settle` has it take up first what has come while it was down: that is not part of what is measured.
    """
    measure = _throughput(road.smtp, road.reader)

    def along() -> float:
        settle()
        return measure()

    def without() -> float:
        stop()
        try:
            return measure()
        finally:
            start()

    row = Row("road, 2,000 messages, web reads along", "messages/s", at_least(0.8), peer_name="without web")
    return interleave(row, rounds, along, without)


def with_transcripts(recorded: Road, silent: Road, rounds: int) -> Row:
    """Measure the throughput of a stack that records its sessions, beside one that does not."""
    measured = _throughput(recorded.smtp, recorded.reader), _throughput(silent.smtp, silent.reader)
    row = Row("road, 2,000 messages, transcripts on", "messages/s", at_least(0.9), peer_name="transcripts off")
    return interleave(row, rounds, *measured)


def with_flood(road: Road, door: tuple[str, int], rounds: int) -> Row:
    """Measure single messages while another process floods the relay's control door, at the lowest priority."""
    calm = _latency(road.smtp, road.reader)

    def flooded() -> float:
        command = [sys.executable, "-m", "tests.common.control.flood", door[0], str(door[1]), "wrong tokens", "600"]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as flood:
            try:
                if flood.stdout is None or not flood.stdout.readline():
                    raise RuntimeError("the flood has ended")
                return calm()
            finally:
                flood.kill()

    row = Row("road, 250 to visible, control door flooded", "ms p50", at_most(1.2), peer_name="not flooded")
    return interleave(row, rounds, flooded, calm)
