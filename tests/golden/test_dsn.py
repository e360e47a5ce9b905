"""Delivery status notifications, octet by octet; POSTROAD_GOLDEN=write writes them anew."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.relay.dsns import CASES, Case

HERE = Path(__file__).parent / "dsn"


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_dsn_is_the_golden_one(case: Case) -> None:
    path = HERE / f"{case.name.replace(' ', '-')}.eml"
    content = case.report().content
    if os.environ.get("POSTROAD_GOLDEN") == "write":
        path.write_bytes(content)
    assert content == path.read_bytes()
