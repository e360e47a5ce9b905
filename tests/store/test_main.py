"""The store's process: what it opens, how it follows the world, how it ends, what stops its start."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import poplib
import signal
import smtplib
import socket
import ssl
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from postroad import log
from postroad.config import Settings
from postroad.control.client import DoorClient
from postroad.control.token import read_token
from postroad.world.source import load_world
from postroad_stack import init
from postroad_store import __main__ as store
from postroad_store.protocol.listener import CannotListenError
from postroad_store.store import Store
from tests.harness.processes import own_settings
from tests.harness.reactor import on_reactor
from tests.harness.stack import DEFAULT_WORLD

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path


@pytest.fixture
def settings(tmp_path: Path) -> Iterator[Settings]:
    with own_settings(tmp_path) as environ:
        settings = Settings.from_environ(environ)
        init.prepare(settings)
        yield settings


@pytest_asyncio.fixture(loop_scope="session")
async def host(settings: Settings) -> AsyncIterator[str]:
    left = settings.mail_dir / "incoming" / "content-left"
    left.parent.mkdir(parents=True)
    left.write_bytes(b"what a kill left")
    world = load_world(settings.world, settings.network)
    running = Store(settings, world)
    await running.start()
    assert not left.exists()
    yield running.host
    async with asyncio.timeout(10):
        await running.stop()


def deliver(host: str, settings: Settings, *recipients: str) -> None:
    with smtplib.SMTP(host, settings.smtp_port, timeout=10) as client:
        client.sendmail("a@x.test", recipients, "Subject: x\r\n\r\nbody\r\n")


def count(host: str, settings: Settings, login: str, password: str) -> int:
    client = poplib.POP3_SSL(host, settings.pop3s_port, context=ssl._create_unverified_context(), timeout=10)
    client.user(login)
    client.pass_(password)
    messages, _ = client.stat()
    client.quit()
    return messages


@on_reactor
async def test_mail_goes_in_by_smtp_and_out_by_pop3_and_imap(host: str, settings: Settings) -> None:
    await asyncio.to_thread(deliver, host, settings, "bob@beta.test", "postmaster")
    assert await asyncio.to_thread(count, host, settings, "bob@beta.test", "builder") == 1
    assert await asyncio.to_thread(count, host, settings, "postmaster@postroad.test", "postmaster") == 1
    reader, writer = await asyncio.open_connection(host, settings.imap_port)
    assert (await reader.readline()).startswith(b"* OK")
    writer.close()


@on_reactor
async def test_the_control_door_opens_with_the_token(host: str, settings: Settings) -> None:
    await asyncio.to_thread(deliver, host, settings, "bob@beta.test")
    client = DoorClient("store", host, settings.control_port, read_token(settings.control_dir))
    counts = {account["login"]: account["messages"] for account in (await client.get("/accounts"))["accounts"]}
    assert (counts["bob@beta.test"], counts["dave@beta.test"]) == (1, 0)
    (line,) = (await client.journal(0, wait=5.0)).lines
    assert b'"kind":"stored"' in line
    reader, writer = await asyncio.open_connection(host, settings.imap_port)
    await reader.readline()
    assert (await client.get("/figures"))["sessions"] == {"smtp": 0, "pop3": 0, "imap": 1, "managesieve": 0}
    writer.close()
    await client.close()


@on_reactor
async def test_without_a_token_there_is_no_control_door(settings: Settings, caplog: pytest.LogCaptureFixture) -> None:
    (settings.control_dir / "token").unlink()
    running = Store(settings, load_world(settings.world, settings.network))
    with caplog.at_level("INFO"):
        await running.start()
    assert [record.message for record in caplog.records if "control door" in record.message] == [
        (
            f"no control door: there is no token for the control doors in {settings.control_dir / 'token'}:"
            " run postroad init"
        )
    ]
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection(running.host, settings.control_port)
    await running.stop()


@on_reactor
async def test_an_edit_of_the_world_is_taken_up(host: str, settings: Settings) -> None:
    with pytest.raises(smtplib.SMTPRecipientsRefused):
        await asyncio.to_thread(deliver, host, settings, "zoe@beta.test")
    settings.world.write_text(DEFAULT_WORLD.replace("dave", "zoe"))
    async with asyncio.timeout(10):
        while True:
            with contextlib.suppress(smtplib.SMTPRecipientsRefused):
                await asyncio.to_thread(deliver, host, settings, "zoe@beta.test")
                break
            await asyncio.sleep(0.05)
    assert await asyncio.to_thread(count, host, settings, "zoe@beta.test", "gravel") == 1


@on_reactor
async def test_it_serves_until_it_is_told_to_stop(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    ready = asyncio.Event()
    monkeypatch.setattr(log, "ready", lambda **_: ready.set())
    monkeypatch.setattr(gc, "freeze", lambda: None)
    monkeypatch.setattr(gc, "set_threshold", lambda *_: None)
    serving = asyncio.create_task(store._serve(settings, load_world(settings.world, settings.network)))
    async with asyncio.timeout(10):
        await ready.wait()
        host = f"{settings.network.network_address + 143}"
        reader, writer = await asyncio.open_connection(host, settings.imap_port)
        assert (await reader.readline()).startswith(b"* OK")
        signal.raise_signal(signal.SIGTERM)
        assert (await reader.readline()) == b"* BYE Server shutting down.\r\n"
        await serving
    writer.close()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().remove_signal_handler(number)


class TestStart:
    @pytest.fixture(autouse=True)
    def _quiet(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(log, "setup", lambda *_: None)  # pytest's own handlers stay

    def start(self, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> int:
        monkeypatch.setenv("POSTROAD_WORLD", str(settings.world))
        monkeypatch.setenv("POSTROAD_DATA", str(settings.data))
        monkeypatch.setenv("POSTROAD_NETWORK", str(settings.network.network_address).rpartition(".")[0])
        return store.main()

    def test_a_bad_setting(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        monkeypatch.setenv("POSTROAD_IMAP_PORT", "imap")
        assert store.main() == 1
        assert "POSTROAD_IMAP_PORT=imap" in capsys.readouterr().err

    def test_a_bad_world(
        self, settings: Settings, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        settings.world.write_text("capture = 1\n")
        assert self.start(settings, monkeypatch) == 1
        assert "world.toml:1:" in caplog.text

    def test_an_extension_that_cannot_be_hidden(
        self, settings: Settings, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        monkeypatch.setenv("POSTROAD_SMTP_WITHOUT", "SIZE DSN")
        assert self.start(settings, monkeypatch) == 1
        assert "POSTROAD_SMTP_WITHOUT=SIZE,DSN: DSN cannot be hidden; these can: PIPELINING, SIZE," in caplog.text

    def test_no_certificate(
        self, settings: Settings, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        (settings.tls_dir / "cert.pem").unlink()
        assert self.start(settings, monkeypatch) == 1
        assert "run init" in caplog.text

    def test_a_capability_that_cannot_be_hidden(
        self, settings: Settings, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        monkeypatch.setenv("POSTROAD_IMAP_WITHOUT", "MOVE,XYZ")
        assert self.start(settings, monkeypatch) == 1
        assert "POSTROAD_IMAP_WITHOUT=MOVE,XYZ: there is no IMAP capability XYZ; these can be hidden: " in caplog.text

    def test_a_capability_that_need_not_be_asked_for(
        self, settings: Settings, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        monkeypatch.setenv("POSTROAD_IMAP_WITH", "MOVE")
        assert self.start(settings, monkeypatch) == 1
        assert "POSTROAD_IMAP_WITH=MOVE: MOVE is no IMAP capability that is offered on request alone" in caplog.text

    def test_a_limit_that_needs_a_number(
        self, settings: Settings, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        monkeypatch.setenv("POSTROAD_IMAP_WITH", "XLIST,MessageLimit")
        assert self.start(settings, monkeypatch) == 1
        assert "POSTROAD_IMAP_WITH=MessageLimit: POSTROAD_IMAP_MESSAGE_LIMIT is what offers it" in caplog.text

    def test_a_capability_that_the_world_cannot_hide(
        self, settings: Settings, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        text = f"{settings.world.read_text()}\n[domains.'hidden.test']\nimap_without = ['XYZ']\n"
        settings.world.write_text(text)
        assert self.start(settings, monkeypatch) == 1
        line = text.count("\n")
        assert f"world.toml:{line}: imap_without: there is no IMAP capability XYZ; these can be hidden: " in caplog.text


@on_reactor
@pytest.mark.parametrize("port", ["smtp_port", "pop3_port"])
async def test_a_port_that_is_taken(settings: Settings, port: str) -> None:
    host = f"{settings.network.network_address + 143}"
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind((host, getattr(settings, port)))
        taken.listen()
        world = load_world(settings.world, settings.network)
        started = Store(settings, world)
        with pytest.raises((OSError, CannotListenError)):
            await started.start()
        await started.stop()
