"""Zones as master files: what is printed reads the same."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from postroad.dns.masterfile import parse
from postroad.dns.name import ROOT
from postroad_dns import zones
from postroad_dns.zones import format_zone
from tests.dns.world import GOLDEN, zone
from tests.harness.stack import DEFAULT_WORLD

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(("file", "apex"), [("rfc", "example."), ("child", "child.example.")])
def test_a_printed_zone_reads_the_same(file: str, apex: str) -> None:
    first = zone((GOLDEN / f"{file}.zone").read_text(), apex)
    assert zone(format_zone(first), apex) == first


def test_the_zones_of_the_world_are_printed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "world.toml"
    path.write_text(DEFAULT_WORLD)
    monkeypatch.setenv("POSTROAD_WORLD", str(path))
    assert zones.main() == 0
    records = parse(capsys.readouterr().out, ROOT, 1)
    assert {"alpha.test.", "www.beta.test.", "0.0.127.in-addr.arpa.", "."} <= {str(record.owner) for record in records}
    path.unlink()
    assert zones.main() == 1
    assert "cannot be read" in capsys.readouterr().err
