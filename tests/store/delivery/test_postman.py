"""The postman: letters get to the relay, whatever it says at first, and are forgotten then."""

from __future__ import annotations

import asyncio
import ipaddress
from ipaddress import IPv4Network
from typing import TYPE_CHECKING

import pytest

from postroad.clock import Clock
from postroad.config import Settings
from postroad.world.source import parse_world
from postroad_store.delivery.postman import GIVEN_UP, WAITS, AppDoor, Postman, app_door
from postroad_store.mail.model.errors import StorageError
from postroad_store.mail.model.letter import Letter
from postroad_store.mail.storage import Storage
from tests.harness.smtphost import Mail, SmtpHost
from tests.harness.stack import DEFAULT_WORLD

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

LETTER = Letter("", "alice@alpha.test", b"Subject: x\r\n\r\n.body\r\n")


class Post:
    """An outbox with its postman, and a relay that says what the test wants."""

    def __init__(self, folder: Path) -> None:
        self.clock = Clock()
        self.storage = Storage(folder / "mail", clock=self.clock)
        self.outbox = self.storage.outbox
        self.port = 0
        self.postman = Postman(self.outbox, self.door, self.clock)
        self.forgotten = asyncio.Event()
        self.postponed = asyncio.Event()
        forget, postpone = self.outbox.forget, self.outbox.postpone

        async def forgetting(number: int) -> None:
            await forget(number)
            self.forgotten.set()

        async def postponing(number: int, due: float) -> None:
            await postpone(number, due)
            self.postponed.set()

        self.outbox.forget = forgetting  # type: ignore[method-assign]
        self.outbox.postpone = postponing  # type: ignore[method-assign]

    def door(self) -> AppDoor:
        return AppDoor("relay.postroad.test", ipaddress.ip_address("127.0.0.1"), self.port)

    async def wait_for_the_next_attempt(self) -> None:
        """Let the time of the next attempt come, once the postman waits for it."""
        while self.postman._timer is None:  # noqa: ASYNC110 - it does not say when it begins to wait
            await asyncio.sleep(0)
        self.clock.push(WAITS[-1] + 1)

    async def write(self, *letters: Letter) -> None:
        await self.outbox.deliver([], letters, [], self.clock.now())


@pytest.fixture
async def post(tmp_path: Path) -> AsyncIterator[Post]:
    post = Post(tmp_path)
    yield post
    await post.postman.stop()
    post.storage.close()


async def test_a_letter_goes_out_at_once(post: Post) -> None:
    heard: list[Mail] = []

    def accept(mail: Mail) -> str:
        heard.append(mail)
        return "250 2.0.0 OK: queued as abc"

    async with SmtpHost(accept) as host:
        post.port = host.port
        post.postman.start()
        await post.write(
            LETTER, Letter("bob@beta.test", "x@y.test", "Subject: \u00fc\r\n\r\n\u00fc".encode(), smtputf8=True)
        )
        await post.forgotten.wait()
        post.forgotten.clear()
        await post.forgotten.wait()
        assert post.outbox.next_due() is None
    assert [(mail.sender, mail.recipients, mail.content) for mail in heard] == [
        ("", ["alice@alpha.test"], LETTER.content),
        ("bob@beta.test", ["x@y.test"], "Subject: \u00fc\r\n\r\n\u00fc\r\n".encode()),
    ]


async def test_letters_of_an_earlier_run_are_taken_up(post: Post) -> None:
    await post.write(LETTER)
    async with SmtpHost() as host:
        post.port = host.port
        post.postman.start()
        await post.forgotten.wait()
    assert post.outbox.due(post.clock.now()) is None


@pytest.mark.parametrize(
    "refusals",
    [
        {"RCPT": "451 4.3.0 later"},
        {"EHLO": "421 4.3.2 later"},
        None,  # nobody listens
    ],
)
async def test_what_can_not_be_sent_now_is_sent_later(post: Post, refusals: dict[str, str] | None) -> None:
    async with SmtpHost(refusals=refusals or {}) as host:
        post.port = host.port if refusals else 1
        post.postman.start()
        await post.write(LETTER)
        await post.postponed.wait()
        posted = post.outbox.due(post.clock.now() + WAITS[0] + 1)
        assert posted is not None
        assert posted.attempts == 1
        host.refusals = {}
        post.port = host.port
        await post.wait_for_the_next_attempt()
        await post.forgotten.wait()
    assert post.outbox.next_due() is None


@pytest.mark.parametrize("letter", [LETTER, Letter("", "nobody", b"x"), Letter("a@-", "x@y.test", b"x")])
async def test_what_is_refused_is_dropped(post: Post, letter: Letter, caplog: pytest.LogCaptureFixture) -> None:
    async with SmtpHost(refusals={"RCPT": "550 5.1.1 no"}) as host:
        post.port = host.port
        post.postman.start()
        await post.write(letter)
        await post.forgotten.wait()
    assert "a script's letter is dropped" in caplog.text


async def test_a_letter_that_nobody_takes_is_given_up(post: Post, caplog: pytest.LogCaptureFixture) -> None:
    post.port = 1
    await post.write(LETTER)
    post.clock.push(GIVEN_UP + 1)
    post.postman.start()
    await post.forgotten.wait()
    assert "a script's letter is given up" in caplog.text


async def test_an_outbox_that_fails_is_tried_again(post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    failed = asyncio.Event()

    def fail(_now: float) -> None:
        failed.set()
        raise StorageError("the mail cannot be read")

    async with SmtpHost() as host:
        post.port = host.port
        with monkeypatch.context() as patched:
            patched.setattr(post.outbox, "due", fail)
            await post.write(LETTER)
            post.postman.start()
            await failed.wait()
        await post.wait_for_the_next_attempt()
        await post.forgotten.wait()
    assert post.outbox.next_due() is None


async def test_a_mistake_of_ours_delays_one_letter_alone(
    post: Post, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def mistaken(_number: int) -> AppDoor:
        raise KeyError("no such thing")

    async with SmtpHost() as host:
        post.port = host.port
        with monkeypatch.context() as patched:
            patched.setattr(post.postman, "_door", lambda: mistaken(1))
            post.postman.start()
            await post.write(LETTER)
            await post.postponed.wait()
        assert "unforeseen error with a script's letter" in caplog.text
        await post.wait_for_the_next_attempt()
        await post.forgotten.wait()


async def test_a_postman_that_has_not_begun_can_stop(post: Post) -> None:
    await post.postman.stop()


def test_the_app_door_is_the_relays_or_the_front() -> None:
    world = parse_world(DEFAULT_WORLD.encode(), IPv4Network("127.0.0.0/24"))
    settings = Settings.from_environ({})
    assert str(app_door(settings, world)) == "relay.postroad.test[127.0.0.1]"
    settings = Settings.from_environ({"POSTROAD_LISTEN": "0.0.0.0"})
    assert str(app_door(settings, world)) == "relay.postroad.test[127.0.0.25]"
