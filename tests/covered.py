"""What `make test` asks of the coverage: every line and branch of an engine, nine tenths of every other module.

    python -m tests.covered     # after pytest --cov

pyproject.toml lists the engines; `tests/test_tree.py` checks that they touch nothing.
"""

from __future__ import annotations

import json
import sys
import tempfile
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import coverage

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[1]
OF_ENGINES = 100.0  # percent of lines and branches
OF_OTHERS = 90.0
SHOWN = 30  # lines and branches of a module


def engines() -> dict[str, list[str]]:
    """Return the names of the engines' modules, by package."""
    tools = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]
    return {package: names.split() for package, names in tools["postroad"]["engines"].items()}


def measured() -> dict[str, dict[str, Any]]:
    """Return what coverage measured, by module; modules without a line of code are left out."""
    data = coverage.Coverage(config_file=str(ROOT / "pyproject.toml"))
    data.load()
    with tempfile.NamedTemporaryFile(suffix=".json") as file:
        data.json_report(outfile=file.name)
        files: dict[str, dict[str, Any]] = json.load(file)["files"]
    by_module = {}
    for path, figures in files.items():
        parts = Path(path).with_suffix("").parts
        parts = parts[1:] if parts[0] == "kit" else parts[2:]  # after kit, or services/NAME
        if figures["summary"]["num_statements"]:
            by_module[".".join(parts).removesuffix(".__init__")] = figures
    return by_module


def wants(figures: dict[str, dict[str, Any]], whole: set[str]) -> Iterator[str]:
    """Yield a sentence for each module that is tested too little."""
    for name in sorted(whole - figures.keys()):
        yield f"{name} is listed as an engine in pyproject.toml, and there is no such module"
    for name, report in sorted(figures.items()):
        least = OF_ENGINES if name in whole else OF_OTHERS
        percent = report["summary"]["percent_covered"]
        if percent < least:
            branches = [f"{start}->{end if end > 0 else 'exit'}" for start, end in report["missing_branches"]]
            missing = [*map(str, report["missing_lines"]), *branches]
            shown = ", ".join([*missing[:SHOWN], *["..."][: len(missing) > SHOWN]])
            yield f"{name} is tested to {percent:.1f} %, wanted are {least:.0f} %; not run: {shown}"


def main() -> int:
    """Print the figures, or what is missing; returns the exit status."""
    figures = measured()
    whole = {f"{package}.{name}" for package, names in engines().items() for name in names}
    wanting = list(wants(figures, whole))
    if wanting:
        print("Coverage:", *wanting, sep="\n  ", file=sys.stderr)
        return 1
    summaries = {name: report["summary"] for name, report in figures.items()}
    done, all_there = (
        sum(summary[lines] + summary[branches] for summary in summaries.values())
        for lines, branches in (("covered_lines", "covered_branches"), ("num_statements", "num_branches"))
    )
    least = min(summaries.keys() - whole, key=lambda name: float(summaries[name]["percent_covered"]))
    print(
        f"Coverage, lines and branches: {len(whole)} engines {OF_ENGINES:.0f} %,"
        f" {len(summaries) - len(whole)} other modules {OF_OTHERS:.0f} % or more"
        f" (least: {least}, {summaries[least]['percent_covered']:.1f} %), in all {100 * done / all_there:.1f} %"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
