"""What there is to import below a path."""

from __future__ import annotations

import io
import tarfile
from typing import TYPE_CHECKING

import pytest

from postroad_stack.mailboxes.sources import NothingThere, Source, sources

if TYPE_CHECKING:
    from pathlib import Path

MAIL = b"Subject: x\n\nbody\n"
MBOX = b"From a@x.test Thu Jan  1 00:00:00 1970\n" + MAIL


def put(folder: Path, *files: str, content: bytes = MAIL) -> Path:
    for name in files:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return folder


def shown(listed: list[Source], folder: Path) -> dict[str, list[str]]:
    return {source.mailbox: [path.relative_to(folder).as_posix() for path in source.files] for source in listed}


def test_one_file(tmp_path: Path) -> None:
    put(tmp_path, "one.eml")
    put(tmp_path, "box", content=MBOX)
    (message,) = sources(tmp_path / "one.eml", None)
    (mbox,) = sources(tmp_path / "box", "Old")
    assert (message.mailbox, message.media_type) == ("INBOX", "application/x-tar")
    assert (mbox.mailbox, mbox.media_type) == ("Old", "application/mbox")
    assert b"".join(octets for _, octets in mbox.pieces()) == MBOX


def test_a_maildir_with_its_folders(tmp_path: Path) -> None:
    put(tmp_path, "cur/1.host:2,S", "new/2.host", "tmp/3.host", "cur/.hidden", "dovecot-uidlist")
    put(tmp_path, ".Sent/cur/4.host:2,", ".Work.v1\\2e2/new/5.host", ".Gel&APY-scht/cur/6", ".Empty/cur/.keep")
    assert shown(sources(tmp_path, None), tmp_path) == {
        "INBOX": ["cur/1.host:2,S", "new/2.host"],
        "Sent": [".Sent/cur/4.host:2,"],
        "Work/v1.2": [".Work.v1\\2e2/new/5.host"],
        "Gelöscht": [".Gel&APY-scht/cur/6"],
    }
    below = shown(sources(tmp_path, "Old"), tmp_path)
    assert set(below) == {"Old", "Old/Sent", "Old/Work/v1.2", "Old/Gelöscht"}


def test_maildirs_in_folders(tmp_path: Path) -> None:
    put(tmp_path, "cur/1", "Work/cur/2", "Work/2026/new/3")
    assert shown(sources(tmp_path, None), tmp_path) == {
        "INBOX": ["cur/1"],
        "Work": ["Work/cur/2"],
        "Work/2026": ["Work/2026/new/3"],
    }


def test_a_tree(tmp_path: Path) -> None:
    put(tmp_path, "a.eml", "inbox/b.eml", "Work/2026/c.EML", "Work/readme", ".git/d.eml/e.eml", "Work/.f.eml")
    put(tmp_path, "Sent.mbox", "Work/archive", content=MBOX)
    put(tmp_path, "box/cur/1")
    listed = sources(tmp_path, None)
    assert [source.mailbox for source in listed].count("INBOX") == 2
    assert shown(listed, tmp_path) == {
        "Sent": ["Sent.mbox"],
        "Work/2026": ["Work/2026/c.EML"],
        "Work/archive": ["Work/archive"],
        "box": ["box/cur/1"],
        "INBOX": ["a.eml"],
    }


@pytest.mark.parametrize("names", [[], ["readme.md"], ["cur/.keep"]])
def test_no_mail(tmp_path: Path, names: list[str]) -> None:
    put(tmp_path, *names)
    with pytest.raises(NothingThere, match="has no mail"):
        sources(tmp_path, None)


def test_messages_are_sent_as_a_maildir(tmp_path: Path) -> None:
    put(tmp_path, "cur/1.host:2,FS", "new/2.host")
    (source,) = sources(tmp_path, None)
    pieces = list(source.pieces())
    assert [number for number, _ in pieces] == [0, 1, 2]
    with tarfile.open(fileobj=io.BytesIO(b"".join(octets for _, octets in pieces))) as archive:
        entries = archive.getmembers()
        assert [entry.name for entry in entries] == ["cur/0:2,FS", "cur/1"]
        assert [archive.extractfile(entry).read() for entry in entries] == [MAIL, MAIL]  # type: ignore[union-attr]
        assert entries[0].mtime == int((tmp_path / "cur/1.host:2,FS").stat().st_mtime)
