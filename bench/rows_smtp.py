"""SMTP: messages accepted and fsynced a second, against Postfix; and the memory that one large message costs.

Both have their next hop down: they accept, write, try in vain to deliver, and accept on. A second pair of rows, without
floors, stands beside a Postfix that puts all on hold, so that nothing but accepting is in its figure; ours has no such
queue and goes on trying.
"""

from __future__ import annotations

import re
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING

from bench.peers import SMTP_PORT, SUBMISSION_ADDRESS, program, submission
from bench.table import Row, at_least, at_most, interleave

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SESSIONS = 20
MESSAGES = 4_000
SIZE = 4096
LARGE = 20 * 1024 * 1024


def smtp_source(
    address: str, port: int, *, messages: int, reuse: bool, size: int = SIZE, sessions: int = SESSIONS
) -> float:
    """Send with smtp-source and return the seconds that it took; every message must be accepted."""
    command = [program("smtp-source", "postfix"), "-s", str(sessions), "-m", str(messages), "-l", str(size)]
    command += ["-f", "alice@alpha.test", "-t", "bob@beta.test", "-M", "client.test"]
    command += [*(["-d"] if reuse else []), f"inet:{address}:{port}"]
    started = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
    seconds = time.perf_counter() - started
    if done.returncode or done.stderr:
        raise RuntimeError(f"smtp-source: {done.stderr[:500]}")
    return seconds


def peak_memory(process_id: int) -> int:
    """Return the peak resident set of a process, in octets, since `forget_peak`."""
    status = Path(f"/proc/{process_id}/status").read_text()
    match = re.search(r"VmHWM:\s+(\d+) kB", status)
    if match is None:
        raise RuntimeError("the kernel does not tell VmHWM")
    return int(match[1]) * 1024


def forget_peak(process_id: int) -> int:
    """Set the peak back to what is resident now, and return that, in octets."""
    Path(f"/proc/{process_id}/clear_refs").write_text("5")
    return peak_memory(process_id)


def rows(address: str, port: int, relay_process: int, *, tls: Path, folder: Path, rounds: int) -> Iterator[Row]:
    """Measure memory on a relay that is as good as new, then the rate with session reuse and without."""

    def grown() -> float:
        before = forget_peak(relay_process)
        smtp_source(address, port, messages=1, reuse=False, size=LARGE, sessions=1)
        return (peak_memory(relay_process) - before) / 1e6

    yield interleave(Row("relay's memory for one message of 20 MB", "MB", at_most(60)), rounds, grown)

    # The same plight on both sides, and once more beside a Postfix that does nothing but accept, for comparison.
    for hold, name in ((False, "postfix, next hop down"), (True, "postfix, on hold")):
        with submission(folder / f"hold-{hold}", hold=hold, tls=tls):
            peer = (SUBMISSION_ADDRESS, SMTP_PORT)
            yield from accepted((address, port), peer, name, rounds, floors=None if hold else (4.0, 2.5))


def accepted(
    ours: tuple[str, int], peer: tuple[str, int], name: str, rounds: int, floors: tuple[float, float] | None = None
) -> Iterator[Row]:
    """Measure the rate with session reuse and without, on both sides; `floors` are those of the two rows."""

    def rate(place: tuple[str, int], *, reuse: bool) -> Callable[[], float]:
        return lambda: MESSAGES / smtp_source(*place, messages=MESSAGES, reuse=reuse)

    for number, (reuse, what) in enumerate(((True, "session reuse"), (False, "a session per message"))):
        floor = None if floors is None else at_least(floors[number])
        row = Row(f"SMTP accepted, {what}", "messages/s", floor, peer_name=name)
        yield interleave(row, rounds, rate(ours, reuse=reuse), rate(peer, reuse=reuse))
