"""Which test runs which line: each file of tests runs once without a mutant, and again when something it loads changes.

What was measured is kept in a folder that Git ignores: per file of tests coverage's own data, what each test took, and
the hashes of all files that were loaded or may have been read. No path in it begins at the root of the file system, so
that it may be copied into another checkout: what has the same hashes there need not be measured again.
"""

from __future__ import annotations

import collections
import contextlib
import functools
import gc
import hashlib
import json
import os
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import coverage
import pytest

from tests.mutants.trials import KEPT, ROOT, Job, run, run_pytest

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable

LIMIT = 420.0  # seconds, for the tests of one file
ENOUGH = 20.0  # seconds: slower tests are left out where others run the line
ENOUGH_AT_IMPORT = 60.0
CHANGED = "changed"  # in place of a hash
COVERAGE, FACTS = ".lines.coverage", ".lines.json"  # how the names of what is kept end
A_FILE = 0.3  # seconds that it takes to load one more file of tests


@dataclass(slots=True)
class Coverage:
    """Which tests run what; `measure` adds to it."""

    seconds: dict[str, float] = field(default_factory=dict)  # that each test takes, by its node ID
    by_line: dict[tuple[str, int], set[str]] = field(default_factory=lambda: collections.defaultdict(set))
    by_path: dict[str, set[str]] = field(default_factory=lambda: collections.defaultdict(set))
    by_loaded: dict[str, set[str]] = field(default_factory=lambda: collections.defaultdict(set))
    at_import: set[tuple[str, int]] = field(default_factory=set)
    failed: set[str] = field(default_factory=set)  # without any mutant

    def tests_of(self, module: str, path: str, line: int, near: set[str]) -> list[dict[str, float]]:
        """Return the tests that can notice a change of a line, and what they take: those in files `near`, and others.

        In both the quickest come first. Slow ones are left out where others run the line.
        """
        tests = self.by_line.get((path, line)) if (path, line) not in self.at_import else None
        enough = ENOUGH if tests else ENOUGH_AT_IMPORT
        if not tests:  # the line runs at import
            named = {test for test in self.seconds if f"[{module}." in test}  # parameters of tests/test_limits.py
            # What ran it may have been a table of parameters.
            own = {test for test in self.by_loaded[path] if test.partition("::")[0] in near}
            tests = named | own | (self.by_path.get(path) or self.by_loaded[path])
        chosen: tuple[dict[str, float], dict[str, float]] = ({}, {})
        whole = [0.0, 0.0]
        files: set[str] = set()
        for seconds, test in sorted((self.seconds[test], test) for test in (tests & self.seconds.keys()) - self.failed):
            file = test.partition("::")[0]
            is_far = file not in near
            cost = seconds + (0.0 if file in files else A_FILE)
            if not files or whole[is_far] + cost <= enough:
                files.add(file)
                whole[is_far] += cost
                chosen[is_far][test] = seconds
        return [tests for tests in chosen if tests]


class Recorder:
    """A plugin of pytest that notes the outcome of each test, and whose lines are run."""

    def __init__(self, measured: coverage.Coverage) -> None:
        self._measured = measured
        self._test = ""  # that is being run
        self.seconds: dict[str, float] = collections.defaultdict(float)
        self.failed: set[str] = set()
        self._skipped: set[str] = set()
        self.shared: dict[str, list[str]] = {}  # the tests that use a fixture, by the context of its lines
        self._fixtures: dict[str, list[str]] = {}  # of each test
        self._caches: list[functools._lru_cache_wrapper[object]] = []  # of our functions

    def pytest_collection_finish(self) -> None:
        # `isinstance` would ask each object for its class, and lazy ones of Django's fail at that.
        wrappers = (candidate for candidate in gc.get_objects() if type(candidate) is functools._lru_cache_wrapper)
        self._caches = [wrapper for wrapper in wrappers if wrapper.__module__.startswith("postroad")]

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, object, object]:
        self._test = item.nodeid
        self._fixtures[item.nodeid] = getattr(item, "fixturenames", [])
        for cached in self._caches:  # else only the first test that asks for a value would run its lines
            cached.cache_clear()
        self._measured.switch_context(item.nodeid)
        try:
            return (yield)
        finally:
            self._measured.switch_context("")

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(self, fixturedef: pytest.FixtureDef[object]) -> Generator[None, object, object]:
        """Let what is made for several tests count as run by all of them, and not by the first alone."""
        if fixturedef.scope == "function":
            return (yield)
        name = f"fixture {fixturedef.argname}"
        self.shared[name] = []
        self._measured.switch_context(name)
        try:
            return (yield)
        finally:
            self._measured.switch_context(self._test)

    def pytest_sessionfinish(self) -> None:
        for name, tests in self.shared.items():
            tests += [test for test, used in self._fixtures.items() if name.removeprefix("fixture ") in used]

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self.seconds[report.nodeid] += report.duration
        if report.failed:
            self.failed.add(report.nodeid)
        elif report.skipped:
            self._skipped.add(report.nodeid)

    def taken(self) -> dict[str, float]:
        """Return what each test took that was not skipped: the others notice nothing."""
        return {test: seconds for test, seconds in self.seconds.items() if test not in self._skipped}


def measure(covered: Coverage, places: Iterable[str], paths: set[str], workers: int) -> int:
    """Add what the tests of these files run of `paths`; return how many files had to be run for that."""
    todo = set(places)
    # The largest first: else one of them may be left for the end, and one core for it.
    stale = sorted((place for place in todo if not _is_fresh(place)), key=_size, reverse=True)
    KEPT.mkdir(exist_ok=True)
    for _ in run((Job(functools.partial(_measure, place), LIMIT) for place in stale), workers, deadline=None):
        pass
    for place in todo:
        with contextlib.suppress(FileNotFoundError):  # its time was over
            _note(covered, place, paths)
    return len(stale)


def _size(place: str) -> int:
    """Return the octets of what is known of a file of tests from before, or else of the file."""
    for file in (_kept(place, COVERAGE), ROOT / place):
        with contextlib.suppress(FileNotFoundError):
            return file.stat().st_size
    return 0


def _kept(place: str, suffix: str) -> Path:
    return KEPT / (place.removeprefix("tests/").removesuffix(".py").replace("/", ".") + suffix)


def _measure(place: str) -> int:
    """Run the tests of one file, in a process that has loaded nothing of ours yet."""
    _kept(place, FACTS).unlink(missing_ok=True)
    data, facts_file = (_kept(place, f"{suffix}.{os.getpid()}") for suffix in (COVERAGE, FACTS))
    measured = coverage.Coverage(
        data_file=str(data),
        config_file=False,
        include=[f"{ROOT}/services/*", f"{ROOT}/kit/*"],
        concurrency="thread",
    )
    measured.set_option("run:relative_files", True)
    recorder = Recorder(measured)
    began = time.time()
    measured.start()
    status = run_pytest(place, plugins=[recorder])
    measured.stop()
    measured.save()
    facts = {
        "seconds": recorder.taken(),
        "failed": sorted(recorder.failed),
        "shared": recorder.shared,
        "inputs": hashes(_inputs(place), began),
    }
    facts_file.write_text(json.dumps(facts), encoding="utf-8")
    data.replace(_kept(place, COVERAGE))  # whole at once: several runs may go on at a time
    facts_file.replace(_kept(place, FACTS))
    return status


def _inputs(place: str) -> set[str]:
    """Return all that the tests of a file depend on: modules that are loaded, and what lies next to the tests."""
    files = {Path(name) for module in list(sys.modules.values()) if (name := getattr(module, "__file__", None))}
    files |= {
        file for file in (ROOT / place).parent.rglob("*") if file.is_file() and file.suffix not in {".py", ".pyc"}
    }
    ours = (ROOT / "services", ROOT / "kit", ROOT / "tests")
    paths = {str(file.relative_to(ROOT)) for file in files if any(folder in file.parents for folder in ours)}
    return {path for path in paths if not path.startswith("tests/mutants/")} | {place}


def hashes(paths: Iterable[str], began: float) -> dict[str, str]:
    """Return the hashes of files; of one that has changed since then nobody knows which text was loaded."""
    return {path: _hash(path) if _changed(path) < began else CHANGED for path in sorted(paths)}


def _changed(path: str) -> float:
    try:
        return (ROOT / path).stat().st_mtime
    except FileNotFoundError:
        return 0.0


@functools.cache
def _hash(path: str) -> str:
    try:
        return hashlib.sha256((ROOT / path).read_bytes()).hexdigest()
    except FileNotFoundError:
        return ""


def _is_fresh(place: str) -> bool:
    try:
        facts = json.loads(_kept(place, FACTS).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return False
    return holds(facts["inputs"], facts["failed"])


def holds(inputs: dict[str, str], failed: list[str]) -> bool:
    """Whether what was measured still holds: nothing has changed, and no test failed: a busy machine may be why."""
    return not failed and all(_hash(path) == value for path, value in inputs.items())


def _note(covered: Coverage, place: str, paths: set[str]) -> None:
    facts = json.loads(_kept(place, FACTS).read_text(encoding="utf-8"))
    covered.failed |= set(facts["failed"])
    covered.seconds |= facts["seconds"]
    shared = facts.get("shared", {})
    data = coverage.CoverageData(str(_kept(place, COVERAGE)))
    data.read()
    for path in paths & data.measured_files():
        covered.by_loaded[path] |= facts["seconds"].keys()
        for line, contexts in data.contexts_by_lineno(path).items():
            tests = {test for context in contexts if context for test in shared.get(context, [context])}
            covered.by_path[path] |= tests
            covered.by_line[path, line] |= tests
            if "" in contexts:
                covered.at_import.add((path, line))
    data.close()
