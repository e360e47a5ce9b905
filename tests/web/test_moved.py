"""`postroad import` and `postroad export` against a running stack; Python's own `mailbox` reads what comes out."""

from __future__ import annotations

import contextlib
import json
import mailbox
from typing import TYPE_CHECKING

import pytest

from postroad_stack.__main__ import main
from tests.harness.stack import Port

if TYPE_CHECKING:
    from pathlib import Path

    from tests.harness.stack import Stack, User

FILES = {
    "cur/1.host:2,FS": b"Subject: one\n\nFrom here\n",
    "new/2.host": b"Subject: two\n\nthere\n",
    ".Sent.v1\\2e2/cur/3.host:2,S": b"Subject: three\n\nx\n",
    ".Gel&APY-scht/new/4.host": b"Subject: four\n\nx\n",
}


@pytest.fixture
def url(stack: Stack) -> str:
    host, port = stack.endpoint(Port.WEB)
    return f"http://{host}:{port}"


@pytest.fixture
def user(stack: Stack, url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> User:
    """Return an account with the mail of a Maildir."""
    for name, content in FILES.items():
        path = tmp_path / "in" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    account = stack.fresh_user()
    assert main(["import", account.address, str(tmp_path / "in"), "--url", url]) == 0
    assert capsys.readouterr().err.splitlines() == [
        "INBOX: 2 messages",
        "Gelöscht: 1 messages",
        "Sent/v1.2: 1 messages",
    ]
    return account


def export(user: User, folder: Path, url: str, *options: str) -> Path:
    assert main(["export", user.address, str(folder), "--url", url, *options]) == 0
    return folder


def subjects(box: mailbox.Mailbox[mailbox.Message]) -> list[str]:
    with contextlib.closing(box):
        return sorted(message["Subject"] for message in box)


def test_a_maildir_comes_out_as_it_went_in(user: User, url: str, tmp_path: Path) -> None:
    box = mailbox.Maildir(export(user, tmp_path / "out", url))
    read = {message["Subject"]: (message.as_bytes(), message.get_flags()) for message in box}
    assert read == {"one": (FILES["cur/1.host:2,FS"], "FS"), "two": (FILES["new/2.host"], "")}
    assert {"Sent.v1\\2e2", "Gel&APY-scht"} <= set(box.list_folders())
    assert subjects(box.get_folder("Gel&APY-scht")) == ["four"]


def test_mbox_files(user: User, url: str, tmp_path: Path) -> None:
    folder = export(user, tmp_path / "out", url, "--format", "mbox")
    assert subjects(mailbox.mbox(folder / "INBOX.mbox")) == ["one", "two"]
    assert subjects(mailbox.mbox(folder / "Sent/v1.2.mbox")) == ["three"]


def test_eml_files_of_one_mailbox(user: User, url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = ("--format", "eml", "--mailbox", "INBOX", "--json")
    folder = export(user, tmp_path / "out", url, *options)
    assert json.loads(capsys.readouterr().out)["mailboxes"][0]["name"] == "INBOX"
    assert sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.eml")) == [
        "INBOX/1.eml",
        "INBOX/2.eml",
    ]
    assert (folder / "INBOX/1.eml").read_bytes() == FILES["cur/1.host:2,FS"].replace(b"\n", b"\r\n")
    again = ["import", user.address, str(folder / "INBOX"), "--mailbox", "Old", "--url", url, "--json"]
    assert main(again) == 0
    assert json.loads(capsys.readouterr().out)["mailboxes"][0]["stored"] == 2


def test_refusals(user: User, url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def refused(*arguments: str) -> tuple[int, str]:
        status = main([*arguments, "--url", url])
        return status, capsys.readouterr().err.strip()

    out = tmp_path / "out"
    assert refused("export", user.address, str(tmp_path)) == (
        2,
        f"{tmp_path} is not empty: name a folder that does not exist yet",
    )
    assert refused("export", user.address, str(out), "--mailbox", "Nowhere") == (
        1,
        f"{user.address} has no mailbox Nowhere",
    )
    assert refused("import", user.address, str(tmp_path / "none"))[0] == 1
    (tmp_path / "empty.eml").touch()
    status, sentence = refused("import", user.address, str(tmp_path / "empty.eml"))
    assert (status, "has no octets" in sentence) == (2, True)
    assert refused("import", "nobody@nowhere.test", str(tmp_path / "in"))[0] == 1
    assert main(["export", user.address, str(out), "--url", "http://127.0.0.1:1"]) == 3
