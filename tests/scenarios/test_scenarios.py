"""Each folder beside this file is a scenario: a world, messages, and what is expected (tests/harness/scenario.py)."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.harness.processes import ProcessStack
from tests.harness.scenario import Scenario

if TYPE_CHECKING:
    from tests.harness.stack import Stack

FOLDERS = sorted(file.parent for file in Path(__file__).parent.glob("*/scenario.toml"))


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_scenario(folder: Path, tmp_path: Path) -> None:
    scenario = Scenario(folder)
    with ProcessStack(tmp_path / "stack", world=scenario.world, settings=scenario.settings) as stack:
        scenario.run(stack)
        stack.check_logs()


@pytest.mark.compose
@pytest.mark.xdist_group("compose")
@pytest.mark.parametrize("name", ["01-two-domains", "03-nobody", "04-outside-captured", "19-trace"])
def test_scenario_in_containers(name: str, composed: Stack) -> None:
    Scenario(Path(__file__).parent / name).run(composed)
