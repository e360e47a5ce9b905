"""`python -m tests.mutants`: the mutants of the engines, a sample of them, and which of them the tests notice."""

from __future__ import annotations

import argparse
import os
import random
import signal
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tests.covered import engines
from tests.mutants.changes import Candidate, Mutant, candidates
from tests.mutants.listed import listed
from tests.mutants.measured import Coverage, measure
from tests.mutants.reach import Reach
from tests.mutants.trials import ROOT, Job, preload, run, trial

if TYPE_CHECKING:
    from collections.abc import Iterator

# Where a package with engines lies, and the folder of its tests.
FOLDERS = {
    "postroad": ("services/common", "common"),
    "postroad_dns": ("services/dns", "dns"),
    "postroad_kit": ("kit", "kit"),
    "postroad_relay": ("services/relay", "relay"),
    "postroad_stack": ("services/stack", "stack"),
    "postroad_store": ("services/store", "store"),
    "postroad_web": ("services/web", "web"),
}
ENGINES = [f"{package}.{name}" for package, modules in engines().items() for name in modules]
# The tests that a mutant may meet: the others start processes.
GOLDEN = "tests/golden"  # each of its tests sees much
PLACES = ["tests/test_limits.py", "tests/dialogues", GOLDEN, *(f"tests/{name}" for _, name in FOLDERS.values())]
BY_NAME = ("tests/test_limits.py", "tests/dialogues/", f"{GOLDEN}/")  # these load modules by their names
MANY = 3.0  # times what the tests took without a mutant, and
MORE = 15.0  # seconds: then a mutant runs in a circle, if
PLAIN = 3.0  # the tests pass without it in a third of that time, at that moment


@dataclass(slots=True)
class Trial:
    """A mutant that is being tried."""

    mutant: Mutant
    tests: list[dict[str, float]]  # what each takes, in seconds; in the groups in which they run
    seconds: float  # that they may take all together
    is_plain: bool = False  # the tests run once more without the mutant


def path_of(module: str) -> Path:
    """Return the file of a module, from the top of the tree."""
    package, *rest = module.split(".")
    return Path(FOLDERS[package][0], package, *rest).with_suffix(".py")


def is_module(name: str) -> bool:
    """Whether there is a module of that name."""
    return name.partition(".")[0] in FOLDERS and "." in name and (ROOT / path_of(name)).is_file()


def near(module: str) -> set[str]:
    """Return the files with a module's own tests, or those of its neighbours where it has none, and golden ones."""
    package, *rest = module.split(".")
    folder = Path("tests", FOLDERS[package][1], *rest[:-1])
    own = folder / f"test_{rest[-1]}.py"
    while not (ROOT / folder).is_dir():
        folder = folder.parent
    return {"tests/test_limits.py"} | ({str(own)} if (ROOT / own).exists() else files_in(folder, "")) | files_in(GOLDEN)


def files_in(place: Path | str, under: str = "**/") -> set[str]:
    """Return the files of tests in a folder and those below it, unless `under` is empty; a file is itself."""
    files = (ROOT / place).glob(f"{under}test_*.py") if (ROOT / place).is_dir() else [ROOT / place]
    return {str(file.relative_to(ROOT)) for file in files}


def seeing(paths: set[str]) -> set[str]:
    """Return the files of tests that may load one of these files."""
    reach = Reach({package: f"{folder}/{package}" for package, (folder, _) in FOLDERS.items()} | {"tests": "tests"})
    whole = set().union(*map(files_in, PLACES))
    return {place for place in whole if place.startswith(BY_NAME) or paths & reach.of(place)}


def sample(only: str, seed: int) -> list[Candidate]:
    """Return the changes in the order in which they are tried; raises SystemExit where no module has that name."""
    chosen = [name for name in ENGINES if any(f"{name}.".startswith(f"{prefix}.") for prefix in only.split(","))]
    if only:  # a module that is no engine may be named, too
        chosen += [name for name in only.split(",") if name not in chosen and is_module(name)]
    else:
        chosen = ENGINES
    if not chosen:
        raise SystemExit(f"No engine is called {only}; pyproject.toml lists them ([tool.postroad.engines])")
    changes: list[Candidate] = []
    for name in chosen:
        changes += candidates(name, str(path_of(name)), (ROOT / path_of(name)).read_bytes())
    random.Random(seed).shuffle(changes)
    return changes


def main() -> int:
    """Print the survivors and the share that was killed; 1 where the tests fail without a mutant."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutants", description=__doc__)
    parser.add_argument("--only", default="", help="modules or packages, with commas between; else all engines")
    parser.add_argument("--seed", type=int, default=1, help="of the sample's order (1)")
    parser.add_argument("--seconds", type=float, default=570, help="for mutants, after the first tests (570)")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1, help="processes (one per core)")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that no fork is left
    began = time.monotonic()
    os.chdir(ROOT)
    waiting = sample(options.only, options.seed)
    for module, source in {candidate.module: candidate.source for candidate in waiting}.items():
        for line in listed(module).gone(source):
            print(f"{module} has no longer the line that is listed as equivalent: {line}")
    preload()
    modules = {candidate.module: candidate.path for candidate in waiting}
    print(f"{len(waiting)} mutants of {len(modules)} modules. First the tests without any:", flush=True)
    covered = Coverage()
    places = seeing(set(modules.values()))
    count = measure(covered, places, set(modules.values()), options.workers)
    print(f"  {len(places)} files of tests, {count} of them new or changed", flush=True)
    print(f"{len(covered.seconds)} tests, after {time.monotonic() - began:.0f} s\n", flush=True)
    if covered.failed:
        print("These fail without a mutant, and are left out:", *covered.failed, sep="\n  ")
    if not covered.seconds:
        print("No test passed without a mutant", file=sys.stderr)
        return 1
    return report(waiting, covered, options.workers, time.monotonic() + options.seconds, options.seed)


def report(waiting: list[Candidate], covered: Coverage, workers: int, deadline: float, seed: int) -> int:
    """Try one mutant after another until the deadline, and print what comes of them."""
    trials: dict[Job, Trial] = {}
    survived: list[Mutant] = []
    known = {module: listed(module) for module in {candidate.module for candidate in waiting}}
    doubtful: list[Trial] = []  # not over in time: is it the mutant, or is the machine busy?
    killed = late = unclear = 0

    def jobs() -> Iterator[Job]:
        for candidate in waiting:
            while doubtful:
                again = doubtful.pop()
                job = trial(None, again.tests, again.seconds / PLAIN)
                trials[job] = again
                again.is_plain = True
                yield job
            mutant = candidate.mutant()
            if mutant is None or mutant.difference in known[mutant.module]:
                continue
            tests = covered.tests_of(mutant.module, mutant.path, mutant.line, near(mutant.module))
            if not tests:
                survived.append(mutant)
                print(f"{mutant.text}  no test runs this line\n", flush=True)
                continue
            attempt = Trial(mutant, tests, MANY * sum(sum(group.values()) for group in tests) + MORE)
            job = trial(mutant, tests, attempt.seconds)
            trials[job] = attempt
            yield job

    for job in run(jobs(), workers, deadline):
        attempt = trials.pop(job)
        if attempt.is_plain:
            late += job.status == 0
            killed += job.status == 0
            unclear += job.status != 0
        elif job.status is None:
            doubtful.append(attempt)
        elif job.status:
            killed += 1
        else:
            survived.append(attempt.mutant)
            print(attempt.mutant.text, flush=True)
    unclear += len(doubtful)
    tried = killed + len(survived)
    print(
        f"Seed {seed}: {tried} of {len(waiting)} mutants tried, {killed} killed ({100 * killed / max(1, tried):.1f} %;"
        f" {late} by time), {len(survived)} survived" + (f"; {unclear} unclear, for lack of time" if unclear else "")
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
