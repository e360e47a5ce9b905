"""Tests run against a mutant, in a forked process: what takes long to import is there already.

A mutant meets the tests that run its line (`measured` knows them), or all of its module's where that line runs at
import, until one fails: those of the module's own files of tests, in one process, and then the others in another.
"""

from __future__ import annotations

import contextlib
import functools
import gc
import importlib
import importlib.abc
import importlib.util
import os
import resource
import selectors
import signal
import sys
import time
import traceback
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from importlib.machinery import ModuleSpec
    from types import CodeType, ModuleType

    from tests.mutants.changes import Mutant

ROOT = Path(__file__).parents[2]
KEPT = ROOT / ".mutants"  # what need not be found out again; Git ignores it
NOT_FOR_US = "not slow and not compose and not interop"
_STARTED = {"native", "composed", "stack"}  # fixtures
_FAILED = 70  # EX_SOFTWARE
SPACE = 8 << 30  # octets of address space: a mutant that eats memory fails

# Imported once, before any fork. Nothing of ours is among them: that is imported in the fork, one module of it changed.
_PRELOADED = """
aiosmtpd.smtp cryptography.x509 cryptography.hazmat.primitives.asymmetric.ec dns.asyncquery dns.message dns.resolver
dnslib docker email.parser hypothesis.strategies idna multiprocessing orjson OpenSSL.SSL pytest_asyncio
pytest_timeout service_identity sqlite3 ssl tomllib twisted.internet.protocol twisted.internet.ssl unittest.mock uvloop
xdist
"""
_PRELOADED_TOO = "ignore::pytest.PytestAssertRewriteWarning"  # pytest's plugins are among them


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
    """Import what tests need and take long to load; what is not installed is left out.

    Forks keep and find bytecode in a folder of their own, whatever the environment says: compiling the tests and our
    modules anew takes longer than most trials.
    """
    sys.dont_write_bytecode = False
    sys.pycache_prefix = str(KEPT / "bytecode")
    for name in _PRELOADED.split():
        with contextlib.suppress(ImportError):
            importlib.import_module(name)
    gc.freeze()  # a fork need not look through it again


def run_pytest(*arguments: str, plugins: Iterable[object] = ()) -> int:
    """Run tests in this process, and return pytest's exit status."""
    common = [
        "-q",
        "--no-header",
        "--tb=no",
        "-p",
        "no:cacheprovider",
        "-p",
        "no:anyio",
        "-p",
        "no:pytest_cov",
        "-W",
        _PRELOADED_TOO,
        "-m",
        NOT_FOR_US,
        "--hypothesis-seed=0",
    ]
    return int(pytest.main([*common, *arguments], plugins=[_InThisProcess(), *plugins]))


class _InThisProcess:
    """A plugin of pytest that leaves out the tests that start Postroad: its processes would load the real module."""

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        items[:] = [item for item in items if not _STARTED.intersection(getattr(item, "fixturenames", ()))]


def trial(mutant: Mutant | None, tests: Sequence[Mapping[str, float]], seconds: float) -> Job:
    """Return the job of running tests against a mutant; its status is 0 where the mutant survives.

    `tests` gives what each takes, in groups that are run one after another, each in a process of its own. Without a
    mutant it is found out whether they pass in that time.
    """

    def body() -> int:
        if mutant is not None:
            sys.meta_path.insert(0, _Loader(mutant))
        for group in tests:
            status = _forked(functools.partial(_run_group, group))
            if status:
                return status
        return 0

    return Job(body, seconds)


def _run_group(tests: Mapping[str, float]) -> int:
    """Run tests, file by file, the quickest first; return pytest's exit status."""
    files: dict[str, list[str]] = {}
    for test in tests:
        files.setdefault(test.partition("::")[0], []).append(test)
    order = sorted(files, key=lambda file: sum(tests[test] for test in files[file]))
    status = run_pytest("-x", *order, plugins=[_Chosen([test for file in order for test in files[file]])])
    return 0 if status == pytest.ExitCode.NO_TESTS_COLLECTED else status


class _Chosen:
    """A plugin of pytest that leaves out all other tests.

    Some may be missing: where a mutant changes their parameters they have other names. That kills no mutant.
    """

    def __init__(self, tests: list[str]) -> None:
        self._tests = tests

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        by_name = {item.nodeid: item for item in items}
        items[:] = [by_name[test] for test in self._tests if test in by_name]


def _forked(body: Callable[[], int]) -> int:
    """Return what `body` returns in a process of its own, as Twisted's reactor needs one."""
    process_id = os.fork()
    if process_id:
        return os.waitstatus_to_exitcode(os.waitpid(process_id, 0)[1])
    status = _FAILED
    try:
        status = body()
    except BaseException:  # noqa: BLE001 - whatever it is, the fork must not go on as its parent does
        traceback.print_exc()
    finally:
        os._exit(status)


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
    status = _FAILED
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
