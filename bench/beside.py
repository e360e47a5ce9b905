"""This checkout beside another one of Postroad, row by row and interleaved: is a change slower than what was before it?

    git worktree add ../before COMMIT && make -C ../before venv
    make bench-beside CHECKOUT=../before

Each row is measured on a stack of this checkout and on one of the other, which runs from its own virtual environment.
A ratio above 1 means slower where the unit is a time, and faster where it is a rate. The last lines name the rows in
which the same work takes more than `--most` times as long here; the exit status is then 1.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench import rows_dns, rows_imap, rows_road, rows_smtp
from bench.clients import ImapClient
from bench.rows_start import proportional_memory
from bench.table import Row, interleave, markdown
from tests.harness.stack import BOB

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

GROUPS = ("start", "dns", "smtp", "road", "imap")
SERVICES = "from tests.harness.stack import Service; print(*[service.name for service in Service])"
# Runs in either checkout with its own harness: starts a stack of the services that both have, says where it listens,
# and obeys line by line.
STACK = """
import json, sys, time
from pathlib import Path
from tests.harness.processes import ProcessStack
from tests.harness.stack import Port, Service

class Stack(ProcessStack):
    def start(self, *services):
        super().start(*[service for service in services if service.name in sys.argv[2:]])

settings = {"POSTROAD_PLAINTEXT_AUTH": "on", "POSTROAD_LOG_LEVEL": "warning"}
began = time.perf_counter()
with Stack(Path(sys.argv[1]), settings=settings) as stack:
    ready = time.perf_counter() - began
    ids = {name: stack.process_id(Service[name]) for name in sys.argv[2:]}
    endpoints = {port.name: [*stack.endpoint(port)] for port in Port}
    print(json.dumps({"ready": ready, "endpoints": endpoints, "ids": ids}), flush=True)
    for line in sys.stdin:
        verb, name = line.split()
        {"start": stack.start, "stop": stack.stop}[verb](Service[name])
        print("done", flush=True)
"""


class Side:
    """A stack of one checkout, in a process of its own."""

    def __init__(self, checkout: Path, folder: Path, services: Sequence[str]) -> None:
        self._process = subprocess.Popen(
            [_python(checkout), "-c", STACK, str(folder), *services],
            cwd=checkout,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.facts: dict[str, Any] = json.loads(self._line())

    def _line(self) -> str:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError("the stack ended; what it said is above")
        return line

    def place(self, port: str) -> tuple[str, int]:
        """Return where the stack listens."""
        host, number = self.facts["endpoints"][port]
        return str(host), int(number)

    def tell(self, verb: str, service: str) -> None:
        """Start or stop one service, and wait until that is done."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{verb} {service}\n")
        self._process.stdin.flush()
        self._line()

    def memory(self) -> float:
        """Return the memory of the services at rest, in MB."""
        return sum(proportional_memory(process_id) for process_id in self.facts["ids"].values()) / 1e6

    def reader(self) -> ImapClient:
        """Return a reader of the mailbox that the load goes to."""
        return ImapClient(*self.place("IMAP"), BOB.address, BOB.password)

    def close(self) -> None:
        """Stop the stack."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(60)


def _python(checkout: Path) -> Path:
    return checkout / ".venv" / "bin" / "python"


def shared_services(*checkouts: Path) -> list[str]:
    """Return the names of the services that all of them have."""
    names = [
        subprocess.run([_python(path), "-c", SERVICES], cwd=path, capture_output=True, check=True, text=True).stdout
        for path in checkouts
    ]
    return sorted(set.intersection(*(set(text.split()) for text in names)))


@contextlib.contextmanager
def side(checkout: Path, folder: Path, services: Sequence[str]) -> Iterator[Side]:
    """Run a stack of `checkout`."""
    stack = Side(checkout, folder, services)
    try:
        yield stack
    finally:
        stack.close()


def _start(here: Path, other: Path, folder: Path, rounds: int, services: Sequence[str]) -> Iterator[Row]:
    memory = Row("memory of the same services at rest", "MB", None, peer_name="other")
    numbers = iter(range(2 * rounds + 2))

    def start(checkout: Path, figures: list[float]) -> Callable[[], float]:
        def measure() -> float:
            with side(checkout, folder / f"start-{next(numbers)}", services) as stack:
                figures.append(stack.memory())
                return float(stack.facts["ready"])

        return measure

    row = Row("first start to ready", "s", None, peer_name="other")
    yield interleave(row, rounds, start(here, memory.ours), start(other, memory.peer))
    yield memory


def _measure(group: str, here: Path, other: Path, folder: Path, rounds: int) -> Iterator[Row]:
    services = shared_services(here, other)
    if group == "start":
        yield from _start(here, other, folder, rounds, services)
        return
    with side(here, folder / "ours", services) as ours, side(other, folder / "other", services) as peer:
        if group == "dns":
            row = Row("DNS warm", "queries/s", None, peer_name="other")
            yield rows_dns.compared(row, ours.place("DNS"), peer.place("DNS"), folder, rounds)
        elif group == "smtp":
            for stack in (ours, peer):
                stack.tell("stop", "STORE")
            yield from rows_smtp.accepted(ours.place("SMTP"), peer.place("SMTP"), "other", rounds)
            for stack in (ours, peer):
                stack.tell("start", "STORE")
        elif group == "road":
            road, its_road = (
                rows_road.Road(stack.place("SMTP"), stack.place("MX"), stack.reader) for stack in (ours, peer)
            )
            yield from rows_road.compared(road, its_road, "other", rounds)
        else:
            user = (BOB.address, BOB.password)
            mine, theirs = ((*stack.place("IMAP"), stack.place("POP3")[1]) for stack in (ours, peer))
            masters = [stack.facts["ids"]["STORE"] for stack in (ours, peer)]
            yield from rows_imap.rows((mine, user), (theirs, user), "other", rounds, masters)


def times_as_long(row: Row) -> float:
    """Return how many times as long the same work takes here: the ratio of the medians."""
    ratio = statistics.median(row.ours) / statistics.median(row.peer)
    return 1 / ratio if row.unit.endswith("/s") else ratio


def main() -> int:
    """Measure, print the table, and say which rows are slower than `--most`."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.beside", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("checkout", type=Path, help="the other checkout, with a .venv of its own")
    parser.add_argument("--only", default=",".join(GROUPS), help=f"groups, of {', '.join(GROUPS)}")
    parser.add_argument("--rounds", type=int, default=5, help="rounds of each measurement (default 5)")
    parser.add_argument("--most", type=float, default=1.05, help="how many times as long a row may take (default 1.05)")
    options = parser.parse_args()
    here, other = Path.cwd(), options.checkout.resolve()
    for checkout in (here, other):  # a module that was changed would be compiled at each start
        subprocess.run([_python(checkout), "-m", "compileall", "-q", "services"], cwd=checkout, check=True)
    rows: list[Row] = []
    try:
        for group in options.only.split(","):
            print(f"{group}:", file=sys.stderr)
            with tempfile.TemporaryDirectory(prefix="postroad-bench-") as folder:
                rows += _measure(group, here, other, Path(folder), options.rounds)
    finally:
        if rows:
            print(markdown(rows))
    slower = [f"{row.name}: {times_as_long(row):.2f}" for row in rows if times_as_long(row) > options.most]
    print(*(["Slower:", *slower] if slower else [f"No row takes over {options.most} times as long."]), sep="\n  ")
    return 1 if slower else 0


if __name__ == "__main__":
    sys.exit(main())
