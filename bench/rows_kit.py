"""The test kit: how soon a run has its stack, and what a world of its own costs each test.

2,000 tests as users write them, on one stack that four workers of xdist share. A round counts only if all tests pass.
"""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
import sys
import time
from importlib.metadata import entry_points
from pathlib import Path
from typing import TYPE_CHECKING

from bench.table import Row, at_most, interleave
from postroad_kit import find_or_start
from tests.harness.processes import plain_environment

if TYPE_CHECKING:
    from collections.abc import Iterator

TESTS = 2_000
WORKERS = 4
ROUNDS = 5  # without a flake
LONGEST = 900.0  # seconds of a round
# What those who use the kit have: xdist, and what the web service's libraries bring. The other plugins of this
# project's own environment take 0.6 ms of each test, and are left out.
PLUGINS = {"postroad", "xdist", "xdist.looponfail", "anyio"}

SUITE = """
import sys, time
import pytest
sys.path.insert(0, {examples!r})
from shop import Shop

@pytest.mark.parametrize("number", range({tests}))
def test_registration(world, record_property, number):
    bob = world.account("bob")
    shop = Shop(world.smtp_url, world.address("shop"))
    began = time.perf_counter()
    shop.register(bob.address)
    sent = time.perf_counter()
    mail = bob.wait(subject="Welcome")
    record_property("waited", time.perf_counter() - sent)
    assert mail.link("Confirm").startswith("https://")
    assert mail.code() == shop.codes[bob.address]
    assert [one.id for one in world.messages()] == [mail.id]
    record_property("app", sent - began)
    world.quiet()
"""
# A test's overhead: all of its time (setup, call, teardown) without what the app took to send and the mail to come.
COUNTING = """
import json, os
TIMES = {}

def pytest_runtest_logreport(report):
    if not os.environ.get("PYTEST_XDIST_WORKER"):
        entry = TIMES.setdefault(report.nodeid, {"all": 0.0})
        entry["all"] += report.duration
        entry.update(report.user_properties)

def pytest_sessionfinish(session):
    if not os.environ.get("PYTEST_XDIST_WORKER"):
        with open("times.json", "w") as file:
            json.dump(list(TIMES.values()), file)
"""


def rows(folder: Path, rounds: int) -> Iterator[Row]:
    """Measure the start of a stack by the kit, then the suites."""
    numbers = iter(range(rounds))
    yield interleave(
        Row("session start: find_or_start", "s", at_most(1.5)), rounds, lambda: _start(folder, next(numbers))
    )
    overhead = Row("a test's overhead, 4 workers", "ms p50", at_most(15))
    alone = Row("a test's overhead, 1 worker", "ms p50", None)
    alone.ours.append(_overhead(_suite(folder / "alone", TESTS // 10, workers=0)))
    for number in range(ROUNDS):
        overhead.ours.append(_overhead(_suite(folder / f"suite-{number}", TESTS, workers=WORKERS)))
        last = f"round {number + 1} of {ROUNDS}: {overhead.ours[-1]:.1f} ms"
        print(f"  {overhead.name}: {last}", file=sys.stderr, flush=True)
    yield from (overhead, alone)


def _start(folder: Path, number: int) -> float:
    began = time.perf_counter()
    stack = find_or_start(folder=folder / f"start-{number}")
    seconds = time.perf_counter() - began
    stack.close()
    return seconds


def _overhead(times: list[dict[str, float]]) -> float:
    return statistics.median(1000 * (entry["all"] - entry["app"] - entry["waited"]) for entry in times)


def _suite(folder: Path, tests: int, *, workers: int) -> list[dict[str, float]]:
    """Run a suite and return the times of its tests; raises `RuntimeError` unless all pass."""
    folder.mkdir()
    examples = Path(__file__).parents[1] / "kit" / "examples"
    (folder / "test_suite.py").write_text(SUITE.format(examples=str(examples), tests=tests))
    (folder / "conftest.py").write_text(COUNTING)
    (folder / "pytest.ini").write_text("[pytest]\n")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--basetemp", "base"]
    for plugin in entry_points(group="pytest11"):
        command += [] if plugin.name in PLUGINS else ["-p", f"no:{plugin.name}"]
    command += ["-n", str(workers)] if workers else []
    done = subprocess.run(
        command, cwd=folder, env=plain_environment() | {"PATH": os.environ["PATH"]}, capture_output=True, text=True,
        timeout=LONGEST, check=False,
    )  # fmt: skip
    if done.returncode:
        raise RuntimeError(f"the suite has failed:\n{done.stdout[-6000:]}\n{done.stderr[-2000:]}")
    times: list[dict[str, float]] = json.loads((folder / "times.json").read_text())
    if len(times) != tests:
        raise RuntimeError(f"{len(times)} tests of {tests} have run")
    shutil.rmtree(folder)
    return times
