"""`python -m tests.mutants`: the mutants of the engines, a sample of them, and which of them the tests notice."""

from __future__ import annotations

import argparse
import os
import random
import signal
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from tests.covered import engines
from tests.mutants.changes import Candidate, Mutant, candidates
from tests.mutants.trials import ROOT, Coverage, baseline, preload, run, trial

if TYPE_CHECKING:
    from collections.abc import Iterable

EQUIVALENT = Path(__file__).with_name("equivalent")
FOLDERS = {"postroad": "common", "postroad_dns": "dns", "postroad_relay": "relay", "postroad_store": "store"}
# Tests elsewhere that run a package's modules, in addition to those that mirror its path.
FURTHER = {
    "postroad.dns": ["tests/dns"],
    "postroad.mail": ["tests/relay/submission", "tests/store/delivery", "tests/dialogues/test_smtp.py"],
    "postroad.smtp": ["tests/dialogues/test_smtp.py"],
    "postroad_relay.dsn": ["tests/golden"],
    "postroad_store.imap": ["tests/dialogues/test_imap.py"],
    "postroad_store.mail": ["tests/golden"],
    "postroad_store.pop3": ["tests/dialogues/test_pop3.py"],
}
MANY = 3.0  # times what the tests took without a mutant, and
MORE = 15.0  # seconds: then a mutant runs in a circle


def path_of(module: str) -> Path:
    """Return the file of a module, from the top of the tree."""
    package, *rest = module.split(".")
    return Path("services", FOLDERS[package], package, *rest).with_suffix(".py")


def places_of(module: str) -> list[str]:
    """Return the file with the tests of a module, or the folder if there is none, and where further ones are."""
    package, *rest = module.split(".")
    file = Path("tests", FOLDERS[package], *rest[:-1], f"test_{rest[-1]}.py")
    further = [path for name, paths in FURTHER.items() if f"{module}.".startswith(f"{name}.") for path in paths]
    return [str(file) if (ROOT / file).exists() else folder_of(module), *further]


def folder_of(module: str) -> str:
    """Return the folder that mirrors the module's package, or the nearest one above."""
    package, *rest = module.split(".")
    folder = Path("tests", FOLDERS[package], *rest[:-1])
    while not (ROOT / folder).is_dir():
        folder = folder.parent
    return str(folder)


def outermost(folders: Iterable[str]) -> list[str]:
    """Return the folders without those that lie in another one, so that no test runs twice."""
    paths = sorted({Path(folder) for folder in folders})
    return [str(path) for path in paths if not any(other in path.parents for other in paths)]


def equivalents(module: str) -> set[str]:
    """Return the differences that are listed as equivalent: lines with - and +, then the reason."""
    file = EQUIVALENT / f"{module}.txt"
    if not file.exists():
        return set()
    entries = file.read_text(encoding="utf-8").strip().split("\n\n")
    return {"\n".join(line for line in entry.splitlines() if line[:2] in {"- ", "+ "}) for entry in entries}


def sample(only: str, seed: int) -> list[Candidate]:
    """Return the changes in the order in which they are tried; raises SystemExit where no module has that name."""
    names = [f"{package}.{name}" for package, modules in engines().items() for name in modules]
    chosen = [name for name in names if any(f"{name}.".startswith(f"{one}.") for one in only.split(","))]
    chosen = chosen if only else names
    if not chosen:
        raise SystemExit(f"No engine is called {only}; pyproject.toml lists them ([tool.postroad.engines])")
    found: list[Candidate] = []
    for name in chosen:
        found += candidates(name, str(path_of(name)), (ROOT / path_of(name)).read_bytes())
    random.Random(seed).shuffle(found)
    return found


def main() -> int:
    """Print the survivors and the share that was killed; 1 where the tests fail without a mutant."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutants", description=__doc__)
    parser.add_argument("--only", default="", help="modules or packages, with commas between; else all engines")
    parser.add_argument("--seed", type=int, default=1, help="of the sample's order (1)")
    parser.add_argument("--seconds", type=float, default=570, help="until no further mutant is tried (570)")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1, help="processes (one per core)")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that no fork is left
    began = time.monotonic()
    os.chdir(ROOT)
    waiting = sample(options.only, options.seed)
    preload()
    modules = {one.module: one.path for one in waiting}
    print(f"{len(waiting)} mutants of {len(modules)} modules. First the tests without any:", flush=True)
    covered = Coverage()
    places = outermost(place for module in modules for place in places_of(module))
    with tempfile.TemporaryDirectory() as results:
        while places:
            print(f"  {' '.join(places)}", flush=True)
            missing = baseline(covered, places, set(modules.values()), Path(results), options.workers)
            # Where a module's own tests leave lines out, those of its neighbours may run them.
            wider = {folder_of(module) for module, path in modules.items() if path in missing}
            places = outermost(wider - covered.places)
    print(f"{len(covered.seconds)} tests, after {time.monotonic() - began:.0f} s\n", flush=True)
    if covered.failed:
        print("These fail without a mutant, and are left out:", *covered.failed, sep="\n  ")
    if not covered.seconds:
        print("No test passed without a mutant", file=sys.stderr)
        return 1
    return report(waiting, covered, options.workers, began + options.seconds, options.seed)


def report(waiting: list[Candidate], covered: Coverage, workers: int, deadline: float, seed: int) -> int:
    """Try one mutant after another until the deadline, and print what comes of them."""
    trials = {}
    survived: list[Mutant] = []
    known = {module: equivalents(module) for module in {one.module for one in waiting}}
    killed = late = 0

    def jobs() -> Iterable[object]:
        for candidate in waiting:
            mutant = candidate.mutant()
            if mutant is None or mutant.difference in known[mutant.module]:
                continue
            tests = covered.tests_of(mutant)
            if not tests:
                survived.append(mutant)
                print(f"{mutant.text}  no test runs this line\n", flush=True)
                continue
            job = trial(mutant, tests, MANY * sum(covered.seconds[test] for test in tests) + MORE)
            trials[job] = mutant
            yield job

    for job in run(iter(jobs()), workers, deadline):  # type: ignore[arg-type]
        if job.status == 0:
            survived.append(trials[job])
            print(trials[job].text, flush=True)
        else:
            killed += 1
            late += job.status is None
    tried = killed + len(survived)
    print(
        f"Seed {seed}: {tried} of {len(waiting)} mutants tried, {killed} killed ({100 * killed / max(1, tried):.1f} %;"
        f" {late} by time), {len(survived)} survived"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
