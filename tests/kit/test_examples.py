"""The kit's examples, as their readers run them: with a stack that the first test starts."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.harness.processes import plain_environment
from tests.harness.stack import ROOT, WAIT, Port, Stack

if TYPE_CHECKING:
    from pathlib import Path

EXAMPLES = ROOT / "kit" / "examples"
NAMES = sorted(path.name for path in EXAMPLES.glob("test_*.py"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a copy of the examples, far from the settings of our own tests."""
    shutil.copytree(EXAMPLES, tmp_path / "examples", ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "examples" / "pytest.ini").write_text("[pytest]\nasyncio_default_fixture_loop_scope = function\n")
    return tmp_path / "examples"


def run(folder: Path, *command: str, **environ: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", *command],
        cwd=folder,
        env=plain_environment() | {"PATH": os.environ["PATH"]} | environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=3 * WAIT,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


def test_all_of_them_on_a_stack_of_their_own(folder: Path) -> None:
    said = run(folder, "pytest", "-p", "no:mailpit", "-p", "no:cacheprovider", "-W", "error", "--basetemp", "base")
    assert "passed" in said
    assert "skipped" not in said
    assert not (folder / "base" / "postroad" / "data").exists()


def test_unittest_without_pytest(folder: Path, native: Stack) -> None:
    host, port = native.endpoint(Port.WEB)
    said = run(folder, "unittest", "-v", "test_with_unittest", POSTROAD_URL=f"http://{host}:{port}")
    assert "Ran 2 tests" in said


def test_readme_names_them_all() -> None:
    readme = (ROOT / "kit" / "README.md").read_text(encoding="utf-8")
    assert [name for name in NAMES if f"`{name}`" not in readme] == []
