"""The store killed (SIGKILL) under deliveries: nothing that it acknowledged is lost, and it starts again as it was."""

from __future__ import annotations

import itertools
import poplib
import re
import smtplib
import ssl
import subprocess
import sys
import threading
from typing import TYPE_CHECKING

import pytest

from postroad.config import Settings
from postroad_stack import init
from tests.harness.processes import own_settings, plain_environment

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

KILLS = 3
SENDERS = 4
BODY = ("x" * 70 + "\r\n") * 40


@pytest.fixture
def environ(tmp_path: Path) -> Iterator[dict[str, str]]:
    with own_settings(tmp_path) as environ:
        yield environ


def start(environ: dict[str, str]) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-m", "postroad_store"],
        env=plain_environment() | environ,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    with process.stderr as lines:  # later lines meet a closed pipe, which logging puts up with
        assert "msg=ready" in lines.readline()
    return process


class Senders:
    """Send numbered messages as fast as they are taken, over whatever connection there is."""

    def __init__(self, host: str, port: int) -> None:
        self.acknowledged: set[int] = set()
        self._where = (host, port)
        self._numbers = itertools.count()
        self._stop = threading.Event()
        self._more = threading.Condition()
        self._threads = [threading.Thread(target=self._run) for _ in range(SENDERS)]
        for thread in self._threads:
            thread.start()

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                with smtplib.SMTP(*self._where, timeout=5) as client:
                    while not self._stop.is_set():
                        number = next(self._numbers)
                        content = f"Subject: {number}\r\n\r\n{BODY}"
                        client.sendmail("a@x.test", ["bob@beta.test", "dave@beta.test"], content)
                        with self._more:
                            self.acknowledged.add(number)
                            self._more.notify()
            except (OSError, smtplib.SMTPException):
                self._stop.wait(0.02)

    def progress(self, count: int) -> bool:
        """Wait until so many have been acknowledged."""
        with self._more:
            return self._more.wait_for(lambda: len(self.acknowledged) >= count, 30)

    def stop(self) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()


def subjects(host: str, port: int, login: str, password: str) -> list[int]:
    client = poplib.POP3_SSL(host, port, context=ssl._create_unverified_context(), timeout=20)
    client.user(login)
    client.pass_(password)
    count, _ = client.stat()
    numbers = []
    for number in range(1, count + 1):
        _, lines, _ = client.retr(number)
        content = b"\r\n".join([*lines, b""])
        assert content.endswith(BODY.encode()), "a message is cut"
        match = re.search(rb"^Subject: (\d+)\r$", content, re.MULTILINE)
        assert match
        numbers.append(int(match[1]))
    client.quit()
    return numbers


@pytest.mark.slow
def test_what_was_acknowledged_is_there(environ: dict[str, str]) -> None:
    settings = Settings.from_environ(environ)
    init.prepare(settings)
    host = f"{environ['POSTROAD_NETWORK']}.143"
    process = start(environ)
    senders = Senders(host, settings.smtp_port)
    try:
        for _ in range(KILLS):
            before = len(senders.acknowledged)
            assert senders.progress(before + 50)
            process.kill()
            process.wait()
            process = start(environ)
        senders.stop()
        for login, password in (("bob@beta.test", "builder"), ("dave@beta.test", "gravel")):
            delivered = subjects(host, settings.pop3s_port, login, password)
            assert senders.acknowledged <= set(delivered)
            assert len(delivered) == len(set(delivered)), "each was sent once, so none may be there twice"
            # What is there without having been acknowledged was cut off between commit and reply.
            assert len(set(delivered) - senders.acknowledged) <= KILLS * SENDERS
        process.terminate()
        assert process.wait(10) == 0
    finally:
        senders.stop()
        process.kill()
        process.wait()
