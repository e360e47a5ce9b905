"""The programs as an administrator calls them: sentences and exit statuses."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from postroad_store.keeping.__main__ import main
from postroad_store.mail.database.connection import FILE
from postroad_store.mail.storage import Storage
from tests.store.keeping.conftest import LOGIN, spoil

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def data(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("POSTROAD_DATA", str(folder.parent))
    return folder


def test_fsck(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["fsck"]) == 0
    assert capsys.readouterr().out == "The mail is as it should be.\n"
    spoil(data, "UPDATE mailboxes SET modseq = 1 WHERE name = 'Work'")
    fault = f"{LOGIN} Work: HIGHESTMODSEQ is 1, though a message has MODSEQ 10"
    assert main(["fsck"]) == 1
    assert capsys.readouterr().out.splitlines() == [
        fault,
        "Faults: 1. Stop the store, and mend them with: postroad fsck --repair",
    ]
    assert main(["fsck", "--json"]) == 1
    assert json.loads(capsys.readouterr().out) == {"faults": [fault], "left": [fault]}
    assert main(["fsck", "--repair"]) == 0
    assert capsys.readouterr().out == f"{fault} (mended)\n"
    assert main(["fsck", "--json"]) == 0


def test_backup_and_restore(data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target = tmp_path / "backup"
    assert main(["backup", str(target)]) == 0
    assert capsys.readouterr().out == f"{target} has 15 messages\n"
    assert main(["backup", str(target)]) == 2
    assert capsys.readouterr().err == f"{target} exists already: name a file that does not\n"
    assert main(["restore", str(target)]) == 0
    assert capsys.readouterr().out == f"15 messages are back; what was there is {data / FILE}.before-1 now\n"
    assert main(["backup", str(tmp_path / "no/such/folder")]) == 2
    assert capsys.readouterr().err


async def test_compact(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    storage = Storage(data)
    work = (await storage.account(LOGIN)).selectable("Work")
    await storage.expunge(work, [9], only_deleted=False)
    assert main(["compact"]) == 2
    assert "is held by another process: stop that one first" in capsys.readouterr().err
    storage.close()
    before = (data / FILE).stat().st_size
    assert main(["compact"]) == 0
    assert capsys.readouterr().out.endswith(" MB now\n")
    assert (data / FILE).stat().st_size < before - 1_000_000
    assert main(["fsck"]) == 0


def test_what_is_no_database(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (data / FILE).write_bytes(b"no database" * 1000)
    assert main(["fsck"]) == 2
    assert "it is damaged" in capsys.readouterr().err


def test_a_bad_setting(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("POSTROAD_NETWORK", "here")
    assert main(["fsck"]) == 2
    assert "POSTROAD_NETWORK" in capsys.readouterr().err
