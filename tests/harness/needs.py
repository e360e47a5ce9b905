"""The one rule for what this machine lacks: skip with the reason, or fail where every test is asked for."""

from __future__ import annotations

import os
import shutil
import subprocess

import pytest

TEST_ALL = os.environ.get("POSTROAD_TEST_ALL") == "1"


def require(available: bool, reason: str) -> None:
    """Skip the test with the reason when something is not there; with POSTROAD_TEST_ALL=1 fail it."""
    if available:
        return
    if TEST_ALL:
        pytest.fail(f"{reason}, and POSTROAD_TEST_ALL=1 asks for every test")
    pytest.skip(reason)


def require_program(name: str) -> str:
    """Return the path of a program, or skip."""
    path = shutil.which(name)
    require(path is not None, f"{name} is not installed (tests/debian-packages.txt)")
    assert path is not None
    return path


def require_docker() -> None:
    """Skip unless a Docker engine with Compose v2 answers."""
    answers = shutil.which("docker") is not None and all(
        subprocess.run(command, capture_output=True, timeout=60, check=False).returncode == 0
        for command in (["docker", "info"], ["docker", "compose", "version"])
    )
    require(answers, "no Docker engine with Compose v2 answers")
