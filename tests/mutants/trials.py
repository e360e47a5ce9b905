"""Tests run against a mutant, in a forked process: what takes long to import is there already.

First the modules' tests run without a mutant: that shows which test runs which line, and which fails anyway. A mutant
then meets the tests that run its line, or all of its module's where that line runs at import; the quickest first, until
one fails.
"""

from __future__ import annotations

import collections
import contextlib
import functools
import importlib
import importlib.abc
import importlib.util
import json
import os
import resource
import selectors
import signal
import sys
import time
import traceback
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import coverage
import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from importlib.machinery import ModuleSpec
    from types import CodeType, ModuleType

    from tests.mutants.changes import Mutant

ROOT = Path(__file__).parents[2]
NOT_FOR_US = "not slow and not compose and not interop"
BASELINE_LIMIT = 420.0  # seconds, for the tests of one folder
SPACE = 8 << 30  # octets of address space: a mutant that eats memory fails

# Imported once, before any fork. Nothing of ours is among them: that is imported in the fork, one module of it changed.
_PRELOADED = """
aiosmtpd.smtp cryptography.x509 cryptography.hazmat.primitives.asymmetric.ec dns.asyncquery dns.message dns.resolver
dnslib docker email.parser hypothesis.strategies idna multiprocessing orjson OpenSSL.SSL pytest_asyncio pytest_cov
pytest_timeout service_identity sqlite3 ssl tomllib twisted.internet.protocol twisted.internet.ssl unittest.mock uvloop
xdist
"""
_PRELOADED_TOO = "ignore::pytest.PytestAssertRewriteWarning"  # pytest's plugins are among them


@dataclass(slots=True)
class Coverage:
    """Which tests run what; filled by `baseline`."""

    seconds: dict[str, float] = field(default_factory=dict)  # that each test takes, by its node ID
    by_line: dict[tuple[str, int], set[str]] = field(default_factory=lambda: collections.defaultdict(set))
    by_path: dict[str, set[str]] = field(default_factory=lambda: collections.defaultdict(set))
    failed: set[str] = field(default_factory=set)  # without any mutant
    places: set[str] = field(default_factory=set)  # files and folders whose tests have run

    def tests_of(self, mutant: Mutant) -> list[str]:
        """Return the tests that can notice the mutant, the quickest first."""
        tests = self.by_line.get((mutant.path, mutant.line)) or self.by_path.get(mutant.path, set())
        return sorted((tests & self.seconds.keys()) - self.failed, key=lambda test: self.seconds[test])


class _Recorder:
    """A plugin of pytest that notes the outcome of each test."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = collections.defaultdict(float)
        self.failed: set[str] = set()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self.seconds[report.nodeid] += report.duration
        if not report.passed:
            self.failed.add(report.nodeid)


class _Loader(importlib.abc.SourceLoader):
    """Loads one module from a changed text, and its finder."""

    def __init__(self, mutant: Mutant) -> None:
        self._mutant = mutant
        self._path = str(ROOT / mutant.path)

    def find_spec(self, name: str, *_: object) -> ModuleSpec | None:
        if name != self._mutant.module:
            return None
        return importlib.util.spec_from_file_location(name, self._path, loader=self)

    def get_filename(self, fullname: str) -> str:
        return self._path

    def get_data(self, path: str) -> bytes:
        return self._mutant.source

    def get_code(self, fullname: str) -> CodeType:
        return compile(self._mutant.source, self._path, "exec", dont_inherit=True)

    def exec_module(self, module: ModuleType) -> None:
        exec(self.get_code(module.__name__), vars(module))


def preload() -> None:
    """Import what tests need and take long to load; what is not installed is left out."""
    for name in _PRELOADED.split():
        with contextlib.suppress(ImportError):
            importlib.import_module(name)


def _pytest(*arguments: str, plugins: Iterable[object] = ()) -> int:
    common = [
        "-q",
        "--no-header",
        "--tb=no",
        "-p",
        "no:cacheprovider",
        "-W",
        _PRELOADED_TOO,
        "-m",
        NOT_FOR_US,
        "--hypothesis-seed=0",
    ]
    return int(pytest.main([*common, *arguments], plugins=list(plugins)))


def _baseline(place: str, results: Path) -> int:
    recorder = _Recorder()
    os.environ["COVERAGE_FILE"] = str(results / f"coverage.{os.getpid()}")
    status = _pytest("--cov", "--cov-context=test", "--cov-report=", place, plugins=[recorder])
    facts = {"seconds": recorder.seconds, "failed": sorted(recorder.failed)}
    (results / f"{os.getpid()}.json").write_text(json.dumps(facts), encoding="utf-8")
    return status


def baseline(found: Coverage, places: list[str], paths: set[str], results: Path, workers: int) -> set[str]:
    """Run the tests of files and folders without a mutant; return those of `paths` of which no test ran some line.

    `results` is a folder for what is measured, which is added to with each call.
    """
    jobs = [Job(functools.partial(_baseline, place, results), BASELINE_LIMIT) for place in places]
    for _ in run(iter(jobs), workers, deadline=None):
        pass
    found.places |= set(places)
    for file in results.glob("*.json"):
        facts = json.loads(file.read_text(encoding="utf-8"))
        found.failed |= set(facts["failed"])
        found.seconds |= facts["seconds"]
    measured = coverage.Coverage(data_file=str(results / "all"), config_file=str(ROOT / "pyproject.toml"))
    measured.combine(list(map(str, results.glob("coverage.*"))), keep=True)
    for path in paths:
        _note(found, measured, path)
    return {path for path in paths if measured.analysis2(str(ROOT / path))[3]}


def _note(found: Coverage, measured: coverage.Coverage, path: str) -> None:
    for line, contexts in measured.get_data().contexts_by_lineno(str(ROOT / path)).items():
        tests = {context.rpartition("|")[0] for context in contexts} - {""}
        found.by_path[path] |= tests
        if "" not in contexts:  # run by tests alone, and not when the module is imported
            found.by_line[path, line] |= tests


def trial(mutant: Mutant, tests: list[str], seconds: float) -> Job:
    """Return the job of running tests against a mutant; its status is 0 where the mutant survives."""

    def body() -> int:
        sys.meta_path.insert(0, _Loader(mutant))
        return _pytest("-x", *tests)

    return Job(body, seconds)


@dataclass(eq=False, slots=True)
class Job:
    """Something to be done in a process of its own."""

    body: Callable[[], int]
    seconds: float  # until it is killed
    status: int | None = None  # of the process; None where it was killed for its time
    process_id: int = 0
    deadline: float = 0.0
    ended: int = -1  # the end of a pipe that closes with the process


def run(jobs: Iterator[Job], workers: int, deadline: float | None) -> Iterator[Job]:
    """Run jobs, some at a time, and yield each when it has ended; none is begun after the deadline (monotonic)."""
    running: set[Job] = set()
    try:
        with selectors.DefaultSelector() as selector:
            while True:
                while len(running) < workers and (deadline is None or time.monotonic() < deadline):
                    job = next(jobs, None)
                    if job is None:
                        break
                    _begin(job)
                    running.add(job)
                    selector.register(job.ended, selectors.EVENT_READ, job)
                if not running:
                    return
                wait = max(0.0, min(job.deadline for job in running) - time.monotonic())
                ended = {key.data for key, _ in selector.select(wait)}
                for job in ended | {job for job in running if job.deadline <= time.monotonic()}:
                    selector.unregister(job.ended)
                    running.remove(job)
                    _end(job, in_time=job in ended)
                    yield job
    finally:  # when it is interrupted
        for job in running:
            _end(job, in_time=False)


def _begin(job: Job) -> None:
    sys.stdout.flush()
    job.ended, theirs = os.pipe()
    job.deadline = time.monotonic() + job.seconds
    job.process_id = os.fork()
    if job.process_id:
        os.close(theirs)
        return
    status = 70  # EX_SOFTWARE
    try:
        os.setsid()
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        os.nice(5)
        resource.setrlimit(resource.RLIMIT_AS, (SPACE, SPACE))
        silence = os.open(os.devnull, os.O_RDWR)
        for number in range(3):
            os.dup2(silence, number)
        status = job.body()
    except BaseException:  # noqa: BLE001 - whatever it is, the fork must not go on as its parent does
        traceback.print_exc()
    finally:
        os._exit(status)


def _end(job: Job, *, in_time: bool) -> None:
    os.close(job.ended)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(job.process_id, signal.SIGKILL)  # it, if its time is over, and what it may have started
    _, status = os.waitpid(job.process_id, 0)
    job.status = os.waitstatus_to_exitcode(status) if in_time else None
