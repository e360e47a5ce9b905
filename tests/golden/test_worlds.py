"""All that is said of worlds that are not valid, fault by fault; POSTROAD_GOLDEN=write writes what is said anew.

Each block of a file begins with a world as JSON: a definition of the API, or the text of a world file (without the
hosts that all have, if it begins with an empty line). What is wrong with it follows. The last block of each has every
kind of fault, one behind the other: none hides another.
"""

from __future__ import annotations

import json
import os
from ipaddress import IPv4Network
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from postroad.world.overlay import OverlayError, read_overlay
from postroad.world.source import WorldError, parse_world
from tests.common.world.test_overlay import BASE
from tests.common.world.test_source import HOSTS

if TYPE_CHECKING:
    from collections.abc import Callable

HERE = Path(__file__).parent / "worlds"


def of_overlay(definition: Any) -> list[str]:
    with pytest.raises(OverlayError) as error:
        read_overlay(definition, BASE)
    faults = error.value.faults
    return [
        f"{fault.field}{'' if fault.line is None else f' (line {fault.line})'}: {fault.sentence}" for fault in faults
    ]


def of_file(text: str) -> list[str]:
    whole = HOSTS + text if text.startswith("\n") else text
    with pytest.raises(WorldError) as error:
        parse_world(whole.encode(), IPv4Network("127.0.0.0/24"))
    return list(error.value.errors)


@pytest.mark.parametrize(("name", "faults_of"), [("overlays", of_overlay), ("files", of_file)])
def test_what_is_said_of_worlds_that_are_not_valid(name: str, faults_of: Callable[[Any], list[str]]) -> None:
    golden = HERE / f"{name}.txt"
    worlds = [block.partition("\n")[0] for block in golden.read_text(encoding="utf-8").split("\n\n")]
    text = "\n".join(
        f"{world}\n" + "".join(f"    {fault}\n" for fault in faults_of(json.loads(world))) for world in worlds
    )
    if os.environ.get("POSTROAD_GOLDEN") == "write":
        golden.write_text(text, encoding="utf-8")
    assert text == golden.read_text(encoding="utf-8")
