"""Bad days: services killed under load, a full disk, and what must hold then."""

from __future__ import annotations

import contextlib
import imaplib
import os
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.harness.load import Load, arrivals, check_accounts
from tests.harness.mailboxes import arrived, imap
from tests.harness.needs import require
from tests.harness.processes import ProcessStack
from tests.harness.smtp import Refused, relay_session, submission
from tests.harness.stack import ALICE, BOB, Service
from tests.mail.corpus import simple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

SOON = {"POSTROAD_RETRY": "100ms 200ms 500ms"}
ROUNDS = 4


@pytest.mark.parametrize(
    "killed",
    [(Service.DNS,), (Service.RELAY,), (Service.STORE,), (Service.DNS, Service.RELAY, Service.STORE)],
    ids="-".join,
)
def test_killed_under_load(tmp_path: Path, killed: tuple[Service, ...], figure: Callable[[str, object], None]) -> None:
    with ProcessStack(tmp_path / "stack", settings=SOON) as stack:
        with Load(stack, BOB) as load:
            for _ in range(ROUNDS):
                load.wait_for_more(100)
                stack.kill(*killed)
                stack.start(*killed)
            load.wait_for_more(100)
        counts = arrivals(stack, BOB, load.acknowledged)
        twice = check_accounts(stack, load, counts, kills=ROUNDS)
        figure("acknowledged", len(load.acknowledged))
        figure("twice", twice)
        if Service.RELAY not in killed and Service.STORE not in killed:
            assert twice == 0, "a name server that was away is no reason to deliver twice"
        stack.check_logs()


@pytest.mark.parametrize("stopped", [Service.RELAY, Service.STORE])
def test_stopped_under_load(tmp_path: Path, stopped: Service) -> None:
    """SIGTERM is no kill: every final dot gets its reply, and what is under way comes to its end."""
    with ProcessStack(tmp_path / "stack", settings=SOON) as stack:
        with Load(stack, BOB) as load:
            for _ in range(ROUNDS):
                load.wait_for_more(100)
                stack.stop(stopped)
                stack.start(stopped)
            load.wait_for_more(100)
        counts = arrivals(stack, BOB, load.acknowledged)
        assert check_accounts(stack, load, counts, kills=0) == 0
        assert not load.unanswered
        stack.check_logs()


def test_nothing_known_delivered_comes_again(tmp_path: Path) -> None:
    """Kill everything when all has arrived: what was delivered is gone from the queue for good."""
    with ProcessStack(tmp_path / "stack", settings=SOON) as stack:
        with relay_session(stack) as session:
            for number in range(20):
                session.mail("a@client.example", [BOB.address], simple(f"Number {number}"))
        arrived(stack, BOB, count=20)
        stack.wait_journal(Service.RELAY, "delivered", count=20)
        stack.kill(*Service)
        stack.start(*Service)
        with relay_session(stack) as session:
            session.mail("a@client.example", [BOB.address], simple("The last"))
        contents = arrived(stack, BOB, where=lambda content: b"Subject: The last" in content)
        assert len(contents) == 1
        assert len(arrived(stack, BOB, count=21)) == 21


@contextlib.contextmanager
def small_disk(folder: Path, megabytes: int) -> Iterator[None]:
    """Mount a small file system on a folder."""
    folder.mkdir(parents=True)
    mounted = os.geteuid() == 0 and (
        subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m,mode=0700", "tmpfs", str(folder)],
            capture_output=True,
            check=False,
        ).returncode
        == 0
    )
    require(mounted, "a small file system cannot be mounted here (not root, or not allowed)")
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def fill(folder: Path) -> Path:
    """Write a file until the file system is full, and return it."""
    ballast = folder / "ballast"
    with ballast.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(b"\0" * 4096)
    return ballast


def test_relay_disk_full(tmp_path: Path) -> None:
    folder = tmp_path / "stack"
    spool = folder / "data" / "spool"
    with small_disk(spool, 12), ProcessStack(folder, settings=SOON) as stack:
        with submission(stack, ALICE) as session:
            # The message alone is larger than the disk: found out in mid-DATA.
            session.envelope(ALICE.address, [BOB.address])
            reply = session.data(simple("Too large for the disk", b"0123456789abcde\r\n" * 1_000_000))
            assert (reply.code, reply.text[:5]) == (452, "4.3.1")

            ballast = fill(spool)
            for size in (10, 50_000):
                with pytest.raises(Refused) as refusal:
                    session.mail(ALICE.address, [BOB.address], simple("No room", b"0123456789abcde\r\n" * size))
                assert refusal.value.reply.code == 452
                assert refusal.value.reply.text.startswith("4.3.1")
                session.must("RSET")

            ballast.unlink()
            session.mail(ALICE.address, [BOB.address], simple("Room again"))
        (content,) = arrived(stack, BOB)
        assert b"Subject: Room again" in content
        # Nothing half-written: a restart brings up nothing that was refused.
        stack.restart(Service.RELAY)
        with submission(stack, ALICE) as session:
            session.mail(ALICE.address, [BOB.address], simple("The last"))
        assert len(arrived(stack, BOB, count=2)) == 2


def test_store_disk_full(tmp_path: Path) -> None:
    folder = tmp_path / "stack"
    mail = folder / "data" / "mail"
    with small_disk(mail, 12), ProcessStack(folder, settings=SOON) as stack:
        with submission(stack, ALICE) as session:
            session.mail(ALICE.address, [BOB.address], simple("Before"))
            arrived(stack, BOB)

            ballast = fill(mail)
            session.mail(ALICE.address, [BOB.address], simple("During", b"0123456789abcde\r\n" * 60_000))
            with imap(stack, BOB) as client:
                # What is there can be read, nothing can be added.
                client.select_folder("INBOX")
                assert list(client.fetch([1], ["BODY.PEEK[]"])) == [1]
                with pytest.raises(imaplib.IMAP4.error):
                    client.append("INBOX", simple("By APPEND", b"0123456789abcde\r\n" * 60_000))
            ballast.unlink()
            session.mail(ALICE.address, [BOB.address], simple("After"))
        subjects = [
            content.partition(b"Subject: ")[2].partition(b"\r\n")[0] for content in arrived(stack, BOB, count=3)
        ]
        assert sorted(subjects) == [b"After", b"Before", b"During"]
        (event, *_) = stack.wait_journal(Service.RELAY, "deferred")
        assert "452" in str(event)
