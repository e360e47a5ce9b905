"""`make bench`: the same load on Postroad and on its peers, in turn, on loopback, with medians and ratios.

python -m bench [--only dns,smtp,road,transcripts,web,imap,growth,finding,idle,kit,worlds,snapshots,start] [--rounds 3]
                [--save docs/benchmarks.md]
"""

from __future__ import annotations

import argparse
import contextlib
import datetime as dt
import os
import platform
import signal
import subprocess
import sys
import tempfile
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from bench import (
    rows_busy,
    rows_dns,
    rows_finding,
    rows_growth,
    rows_idle,
    rows_imap,
    rows_kit,
    rows_resync,
    rows_road,
    rows_smtp,
    rows_snapshots,
    rows_start,
    rows_web,
    rows_worlds,
)
from bench.clients import ImapClient
from bench.peers import IMAP_PORT, PASSWORD, POP3_PORT, Dovecot, MissingPeerError
from bench.table import Row, at_least, markdown
from postroad.config import Settings
from tests.harness.processes import ProcessStack
from tests.harness.stack import BOB, Port, Service

if TYPE_CHECKING:
    from collections.abc import Iterator

GROUPS = (
    "start",
    "dns",
    "smtp",
    "road",
    "transcripts",
    "web",
    "imap",
    "growth",
    "finding",
    "idle",
    "kit",
    "worlds",
    "snapshots",
)
QUIET = 0.7  # the load average above which a machine has other things to do
# Dovecot and smtp-source speak no TLS here, so ours must take passwords without it too.
SETTINGS = {"POSTROAD_PLAINTEXT_AUTH": "on", "POSTROAD_LOG_LEVEL": "warning"}


def _stack(folder: Path, **settings: str) -> ProcessStack:
    return ProcessStack(folder, settings=SETTINGS | settings)


def _reader(stack: ProcessStack) -> ImapClient:
    host, port = stack.endpoint(Port.IMAP)
    return ImapClient(host, port, BOB.address, BOB.password)


def _road(stack: ProcessStack) -> rows_road.Road:
    return rows_road.Road(stack.endpoint(Port.SMTP), stack.endpoint(Port.MX), lambda: _reader(stack))


@contextlib.contextmanager
def _telling_its_logs(stack: ProcessStack) -> Iterator[None]:
    """Show the last of the services' logs where a measurement breaks."""
    try:
        yield
    except Exception:
        for service, log in stack.logs.items():
            print(f"{service}:\n{log.text()[-2000:]}", file=sys.stderr)
        raise


def _measure(group: str, folder: Path, rounds: int) -> Iterator[Row]:
    """Measure one group on a stack of its own."""
    if group == "start":
        numbers = iter(range(rounds))
        yield from rows_start.rows(lambda: _stack(folder / f"ours-{next(numbers)}"), rounds)
        return
    if group == "kit":
        yield from rows_kit.rows(folder, rounds)
        return
    if group == "idle":
        with rows_idle.many_files(), _stack(folder / "ours", **rows_idle.SETTINGS) as stack, _telling_its_logs(stack):
            stack.stop(Service.RELAY, Service.WEB)
            imap = stack.endpoint(Port.IMAP)
            user = BOB.address, BOB.password
            yield from rows_idle.rows((imap.host, imap.port), user, stack.process_id(Service.STORE))
        return
    if group == "snapshots":
        with _stack(folder / "ours", **rows_snapshots.SETTINGS) as stack, _telling_its_logs(stack):
            yield from rows_snapshots.rows(stack, _reader(stack), rounds)
        return
    if group == "transcripts":
        with (
            _stack(folder / "on") as recorded,
            _stack(folder / "off", POSTROAD_TRANSCRIPTS="off") as silent,
            _telling_its_logs(recorded),
        ):
            yield rows_road.with_transcripts(_road(recorded), _road(silent), rounds)
            row = Row("DNS warm, query log on", "queries/s", at_least(0.9), peer_name="query log off")
            ports = recorded.endpoint(Port.DNS), silent.endpoint(Port.DNS)
            yield rows_dns.compared(row, *ports, folder, rounds)
        return
    with _stack(folder / "ours") as stack, _telling_its_logs(stack):
        smtp, imap, pop3 = (stack.endpoint(port) for port in (Port.SMTP, Port.IMAP, Port.POP3))
        tls = stack.data / "tls"
        if group == "dns":
            yield from rows_dns.rows(stack, folder / "dns", rounds)
        elif group == "smtp":
            stack.stop(Service.STORE, Service.WEB)
            yield from rows_smtp.rows(*smtp, stack.process_id(Service.RELAY), tls=tls, folder=folder, rounds=rounds)
            stack.start(Service.STORE, Service.WEB)
        elif group == "road":
            road = _road(stack)
            yield from rows_road.rows(road, tls=tls, folder=folder, rounds=rounds)
            yield rows_road.with_web(
                road,
                start=lambda: stack.start(Service.WEB),
                settle=lambda: rows_web.until_quiet(stack.endpoint(Port.WEB)),
                stop=lambda: stack.stop(Service.WEB),
                rounds=rounds,
            )
            yield rows_road.with_flood(road, (smtp.host, Settings.from_environ({}).control_port), rounds)
        elif group == "web":
            yield from rows_web.rows(stack.endpoint(Port.APP), stack.endpoint(Port.WEB), folder, rounds)
        elif group == "worlds":
            yield from rows_worlds.rows(stack, rounds)
        elif group == "finding":
            process_id = partial(stack.process_id, Service.STORE)
            place, user = (imap.host, imap.port, pop3.port), (BOB.address, BOB.password)
            yield from rows_finding.rows(place, user, stack.data / "mail", process_id)
        elif group == "growth":

            def restart() -> None:
                stack.stop(Service.STORE)
                stack.start(Service.STORE)

            ours = ((imap.host, imap.port, pop3.port), (BOB.address, BOB.password))
            yield from rows_growth.rows(*ours, lambda: stack.process_id(Service.STORE), restart)
        else:
            ours = ((imap.host, imap.port, pop3.port), (BOB.address, BOB.password))
            yield from rows_imap.big_rows(*ours, rounds)
            for layout in ("sdbox", "maildir"):
                with Dovecot(folder / layout, layout) as dovecot:
                    peer = ((dovecot.address, IMAP_PORT, POP3_PORT), (BOB.address, PASSWORD))
                    masters = stack.process_id(Service.STORE), dovecot.process_id
                    yield from rows_imap.rows(ours, peer, f"dovecot {layout}", rounds, masters)
                    if layout == "sdbox":
                        yield from rows_resync.rows(ours, peer, f"dovecot {layout}", rounds)
                        yield from rows_busy.rows(ours, peer, f"dovecot {layout}", rounds)
            with Dovecot(folder / "always", "sdbox", fsync="always") as dovecot:
                peer = ((dovecot.address, IMAP_PORT, POP3_PORT), (BOB.address, PASSWORD))
                masters = stack.process_id(Service.STORE), dovecot.process_id
                yield rows_imap.durable_store(ours, peer, "dovecot, mail_fsync=always", rounds, masters)


def _machine() -> str:
    """Return a line that says what the figures were measured on."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    model = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "unknown")
    system = f"{platform.system()} {platform.release()}, Python {platform.python_version()}"
    return f"{os.cpu_count()} cores ({model}), {system}"


def _versions() -> str:
    """Return the peers' versions, as Debian names them."""
    packages = ("nsd", "postfix", "dovecot-core")
    done = subprocess.run(
        ["dpkg-query", "-W", "-f", "${Package} ${Version}, ", *packages], capture_output=True, text=True, check=False
    )
    return done.stdout.rstrip(", ")


def main() -> int:
    """Run the chosen groups and print the table; exit 1 where a floor is missed."""
    parser = argparse.ArgumentParser(
        prog="python -m bench", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", default=",".join(GROUPS), help=f"groups, of {', '.join(GROUPS)}")
    parser.add_argument("--rounds", type=int, default=3, help="rounds of each measurement (default 3)")
    parser.add_argument("--save", type=Path, help="write the figures to this file, with machine and date")
    options = parser.parse_args()
    chosen = options.only.split(",")
    if unknown := set(chosen) - set(GROUPS):
        parser.error(f"no such group: {', '.join(sorted(unknown))}")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # leave by the doors, so that every peer is ended
    measured: list[Row] = []
    load = os.getloadavg()[0]
    if load > QUIET:
        print(f"the machine is busy (load {load:.1f}): the figures will be of little worth", file=sys.stderr)
    try:
        for group in chosen:
            print(f"{group}:", file=sys.stderr)
            with tempfile.TemporaryDirectory(prefix="postroad-bench-") as folder:
                Path(folder).chmod(0o755)
                measured += _measure(group, Path(folder), options.rounds)
    except MissingPeerError as error:
        print(error, file=sys.stderr)
        return 2
    finally:
        if measured:
            print(markdown(measured))
    if options.save:
        _save(options.save, measured, options.rounds, load)
    return 1 if any(row.floor and not row.floor.holds(row.figure) for row in measured) else 0


def _save(path: Path, measured: list[Row], rounds: int, load: float) -> None:
    today = dt.datetime.now(tz=dt.UTC).date()
    path.write_text(f"""# Benchmarks

Measured by `make bench` on {today}, on {_machine()}, load {load:.1f} before it began, beside {_versions()}:
{rounds} rounds, interleaved, medians; the ratio is the median of the rounds' own ratios. `bench/README.md` says what
each row does. Machines are noisy: compare ratios, not figures.

{markdown(measured)}
""")
    print(f"saved in {path}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
