"""POP3 sessions on real storage: login and lock, reading, removing, and what goes wrong."""

from __future__ import annotations

import asyncio
import base64
import logging
import sqlite3
from typing import TYPE_CHECKING, Any

import pytest

from postroad.clock import Clock
from postroad.journal import Kind
from postroad.world.guesses import TooManyGuesses
from postroad_store.mail.database.connection import FILE
from postroad_store.mail.model.errors import StorageError
from postroad_store.pop3 import engine as engine_module
from postroad_store.pop3 import session as module
from postroad_store.pop3.events import Retrieve
from postroad_store.pop3.shared import MAX_LOGINS, TOO_SOON
from postroad_store.protocol.contract import Event, Farewell
from tests.harness.pop3 import LOGIN, NOW, Place, Wire
from tests.harness.scram import ScramClient

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ONE = b"Subject: one\r\n\r\n.dot\r\nlast\r\n"
TWO = b"Subject: two\r\n\r\n"
LARGE = b"Subject: large\r\n\r\n" + b".line of a large message\r\n" * 40_000


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    place = Place(tmp_path)
    yield place
    place.close()


async def logged_in(place: Place) -> Wire:
    wire = Wire(place, secure=True)
    said = await wire.exchange(LOGIN)
    assert said == b"+OK Postroad ready. <1@mx.test>\r\n+OK\r\n+OK Logged in.\r\n"
    return wire


class TestLogin:
    async def test_wrong_password_and_unknown_user_are_told_alike(self, place: Place) -> None:
        wire = Wire(place, secure=True)
        await wire.exchange(b"")
        answers = {
            await wire.exchange(f"USER {user}\r\nPASS wrong\r\n".encode())
            for user in ("bob@beta.test", "x@beta.test", "x")
        }
        assert answers == {b"+OK\r\n-ERR [AUTH] Authentication failed.\r\n"}

    async def test_what_is_refused_leaves_a_trace(
        self, place: Place, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        caplog.set_level(logging.INFO, logger="postroad_store.pop3")
        assert b"Plaintext" in await Wire(place).exchange(b"USER bob@beta.test\r\n")
        await Wire(place, secure=True).exchange(b"USER bob@beta.test\r\nPASS wrong\r\n")
        await logged_in(place)
        await Wire(place, secure=True).exchange(LOGIN)

        async def too_many(*_: object) -> None:
            raise TooManyGuesses

        monkeypatch.setattr(place.accounts, "authenticate", too_many)
        assert (await Wire(place, secure=True).exchange(LOGIN)).endswith(
            b"-ERR [SYS/TEMP] Too many failed logins, try again later.\r\n"
        )
        refused = [vars(record) for record in caplog.records if record.getMessage() == "pop3 login failed"]
        assert [line["reply"].split(" ")[1:3] for line in refused] == [
            ["[AUTH]", "Plaintext"],
            ["[AUTH]", "Authentication"],
            ["[IN-USE]", "Maildrop"],
            ["[SYS/TEMP]", "Too"],
        ]
        assert {(line["login"], line["peer"]) for line in refused} == {("bob@beta.test", Wire.peer)}
        entries = place.history()
        assert [(entry.kind, entry.detail["command"]) for entry in entries] == [(Kind.REFUSED, "AUTH")] * 4
        assert [entry.detail["reply"] for entry in entries] == [line["reply"] for line in refused]

    async def test_an_alias_has_no_password(self, place: Place) -> None:
        wire = Wire(place, secure=True)
        assert b"[AUTH]" in await wire.exchange(b"USER sales@beta.test\r\nPASS builder\r\n")

    async def test_login_names_in_any_spelling_are_one_maildrop(self, place: Place) -> None:
        await logged_in(place)
        wire = Wire(place, secure=True)
        assert b"-ERR [IN-USE] " in await wire.exchange(b"USER BOB@Beta.Test\r\nPASS builder\r\n")

    async def test_the_lock_is_given_back_with_the_connection(self, place: Place) -> None:
        first = await logged_in(place)
        first.session.end()
        first.session.end()
        await logged_in(place)

    async def test_the_lock_is_given_back_at_quit(self, place: Place) -> None:
        first = await logged_in(place)
        assert await first.exchange(b"QUIT\r\n") == b"+OK Logging out.\r\n"
        await logged_in(place)

    async def test_two_logins_at_one_time(self, place: Place) -> None:
        first, second = Wire(place, secure=True), Wire(place, secure=True)
        said = await asyncio.gather(first.exchange(LOGIN), second.exchange(LOGIN))
        assert sorted(b"IN-USE" in answer for answer in said) == [False, True]

    @pytest.mark.parametrize("error", [StorageError("broken"), RuntimeError("bug")])
    async def test_mail_that_cannot_be_opened(
        self, place: Place, monkeypatch: pytest.MonkeyPatch, error: Exception
    ) -> None:
        def fail(*_: Any, **__: Any) -> Any:
            raise error

        with monkeypatch.context() as patch:
            patch.setattr(place.storage, "view", fail)
            wire = Wire(place, secure=True)
            assert (await wire.exchange(LOGIN)).endswith(b"-ERR [SYS/TEMP] Internal error occurred.\r\n")
        await logged_in(place)  # the lock is free

    async def test_recent_is_left_for_imap(self, place: Place) -> None:
        await place.put(ONE)
        await logged_in(place)
        view = place.storage.view(await place.inbox())
        assert len(view.recent) == 1


class TestReading:
    async def test_the_maildrop_is_a_snapshot(self, place: Place) -> None:
        await place.put(ONE)
        wire = await logged_in(place)
        await place.put(TWO)
        assert await wire.exchange(b"STAT\r\nLIST\r\n") == b"+OK 1 %d\r\n+OK 1 messages:\r\n1 %d\r\n.\r\n" % (
            len(ONE),
            len(ONE),
        )

    async def test_others_run_while_many_messages_are_listed_and_removed(
        self, place: Place, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(engine_module, "MANY", 2)
        monkeypatch.setattr(module, "MANY", 2)
        await place.put(*[TWO] * 6)
        wire = await logged_in(place)
        wire.feed(b"UIDL\r\nNOOP\r\n")
        lines = []
        for _ in range(3):
            await asyncio.sleep(0)
            lines.append(wire.received.count(b"\n"))
        assert lines == [3, 5, 7]
        assert (
            await wire.exchange(b"")
            == b"+OK\r\n" + b"".join(b"%d %08x%08x\r\n" % (n, n, NOW) for n in range(1, 7)) + b".\r\n+OK\r\n"
        )
        for number in range(1, 6):
            await wire.exchange(b"DELE %d\r\n" % number)
        assert await wire.exchange(b"QUIT\r\n") == b"+OK Logging out, messages deleted.\r\n"
        assert [entry.detail["uid"] for entry in place.history() if entry.kind == Kind.REMOVED] == [1, 2, 3, 4, 5]

    async def test_unique_ids_outlive_the_session(self, place: Place) -> None:
        await place.put(ONE, TWO)
        wire = await logged_in(place)
        assert await wire.exchange(b"UIDL 2\r\n") == b"+OK 2 00000002%08x\r\n" % NOW
        await wire.exchange(b"DELE 1\r\nQUIT\r\n")
        wire = await logged_in(place)
        assert await wire.exchange(b"UIDL 1\r\n") == b"+OK 1 00000002%08x\r\n" % NOW

    async def test_retr(self, place: Place) -> None:
        await place.put(ONE, TWO)
        wire = await logged_in(place)
        assert (
            await wire.exchange(b"RETR 1\r\n")
            == b"+OK %d octets\r\n" % len(ONE) + ONE.replace(b"\n.", b"\n..") + b".\r\n"
        )
        assert await wire.exchange(b"RETR 2\r\n") == b"+OK %d octets\r\n" % len(TWO) + TWO + b".\r\n"

    @pytest.mark.parametrize(
        ("content", "lines", "sent"),
        [
            (ONE, 0, b"Subject: one\r\n\r\n"),
            (ONE, 1, b"Subject: one\r\n\r\n..dot\r\n"),
            (ONE, 9, b"Subject: one\r\n\r\n..dot\r\nlast\r\n"),
            (TWO, 3, TWO),
            (b"Subject: no body\r\n", 3, b"Subject: no body\r\n"),
            (b"\r\n.body alone\r\n", 1, b"\r\n..body alone\r\n"),
        ],
    )
    async def test_top(self, place: Place, content: bytes, lines: int, sent: bytes) -> None:
        await place.put(content)
        wire = await logged_in(place)
        said = await wire.exchange(b"TOP 1 %d\r\n" % lines)
        assert said.partition(b"\r\n")[2] == sent + b".\r\n"

    async def test_many_in_one_go_are_all_right_and_in_order(self, place: Place) -> None:
        contents = [b"Subject: %d\r\n\r\n" % number + b"x" * (number * 700) + b"\r\n" for number in range(60)]
        await place.put(*contents)
        wire = await logged_in(place)
        numbers = [*range(1, 61), 5, 6, 7, 60, 1, 2]
        said = await wire.exchange(b"".join(b"RETR %d\r\n" % number for number in numbers))
        expected = [b"+OK %d octets\r\n%s.\r\n" % (len(contents[n - 1]), contents[n - 1]) for n in numbers]
        assert said == b"".join(expected)

    async def test_a_message_that_imap_has_expunged(self, place: Place) -> None:
        await place.put(ONE, LARGE)
        wire = await logged_in(place)
        await place.storage.expunge(await place.inbox(), only_deleted=False, uids=[1, 2])
        for command in (b"RETR 1", b"TOP 1 1", b"RETR 2", b"TOP 2 1"):
            assert await wire.exchange(command + b"\r\n") == b"-ERR Message is expunged.\r\n"

    @pytest.mark.parametrize("command", [b"RETR 1\r\n", b"TOP 1 1\r\n"])
    async def test_a_message_that_cannot_be_read(
        self, place: Place, monkeypatch: pytest.MonkeyPatch, command: bytes
    ) -> None:
        def fail(*_: Any, **__: Any) -> Any:
            raise StorageError("broken")

        await place.put(ONE)
        wire = await logged_in(place)
        monkeypatch.setattr(place.storage, "fetch", fail)
        assert await wire.exchange(command) == b"-ERR [SYS/TEMP] Internal error occurred.\r\n"

    async def test_what_a_client_took_is_noted(self, place: Place) -> None:
        await place.put(ONE, LARGE)
        wire = await logged_in(place)
        await wire.exchange(b"RETR 1\r\nTOP 1 0\r\nTOP 2 0\r\nRETR 2\r\nDELE 2\r\nQUIT\r\n")
        assert [(entry.kind, entry.detail["uid"]) for entry in place.history()] == [
            (Kind.RETRIEVED, 1),
            (Kind.RETRIEVED, 2),
            (Kind.REMOVED, 2),
        ]


class TestLargeMessages:
    async def test_retr_in_pieces(self, place: Place) -> None:
        await place.put(LARGE)
        wire = await logged_in(place)
        said = await wire.exchange(b"RETR 1\r\nNOOP\r\n")
        assert said == b"+OK %d octets\r\n" % len(LARGE) + LARGE.replace(b"\n.", b"\n..") + b".\r\n+OK\r\n"

    @pytest.mark.parametrize("lines", [0, 1, 20_000, 39_999, 40_000, 50_000])
    async def test_top(self, place: Place, lines: int) -> None:
        await place.put(LARGE)
        wire = await logged_in(place)
        header, _, body = LARGE.partition(b"\r\n\r\n")
        top = header + b"\r\n\r\n" + b"".join(body.splitlines(keepends=True)[:lines])
        said = await wire.exchange(b"TOP 1 %d\r\n" % lines)
        assert said == b"+OK %d octets\r\n" % len(top) + top.replace(b"\n.", b"\n..") + b".\r\n"

    async def test_a_slow_reader_is_waited_for(self, place: Place) -> None:
        await place.put(LARGE)
        wire = await logged_in(place)
        wire.feed(b"RETR 1\r\n")
        wire.may_write(writable=False)
        for _ in range(20):
            await asyncio.sleep(0)
        assert 0 < len(wire.received) < 2 * module.PIECE + 100
        wire.may_write(writable=True)
        await wire.idle()
        assert wire.received.endswith(b"\r\n.\r\n")

    async def test_what_is_expunged_in_the_midst_is_sent_whole(self, place: Place) -> None:
        await place.put(LARGE)
        wire = await logged_in(place)
        wire.feed(b"RETR 1\r\n")
        wire.may_write(writable=False)
        await asyncio.sleep(0)
        await place.storage.expunge(await place.inbox(), [1], only_deleted=False)
        wire.may_write(writable=True)
        await wire.idle()
        assert wire.received == b"+OK %d octets\r\n%b.\r\n" % (len(LARGE), LARGE.replace(b"\n.", b"\n.."))
        for command in (b"RETR 1\r\n", b"TOP 1 5\r\n"):
            wire.received.clear()
            assert await wire.exchange(command) == b"-ERR Message is expunged.\r\n"

    async def test_where_octets_are_missing_the_connection_is_closed(self, place: Place) -> None:
        await place.put(LARGE)
        wire = await logged_in(place)
        wire.feed(b"RETR 1\r\n")
        wire.may_write(writable=False)
        await asyncio.sleep(0)
        with sqlite3.connect(place.folder / "mail" / FILE) as database:
            database.execute("DELETE FROM octets")
        database.close()
        wire.may_write(writable=True)
        await wire.idle()
        assert wire.closed
        assert not wire.received.endswith(b".\r\n")

    async def test_a_crash_in_the_midst_closes_too(self, place: Place) -> None:
        await place.put(LARGE)
        wire = await logged_in(place)
        wire.session.engine.begin_message(10)
        wire.session.failed(Retrieve(1, None))
        assert wire.closed


class TestUpdate:
    async def test_only_quit_removes(self, place: Place) -> None:
        await place.put(ONE, TWO)
        wire = await logged_in(place)
        await wire.exchange(b"DELE 1\r\n")
        wire.session.farewell(Farewell.IDLE)
        wire.session.end()
        wire = await logged_in(place)
        assert (await wire.exchange(b"STAT\r\n")).startswith(b"+OK 2 ")
        assert await wire.exchange(b"DELE 1\r\nQUIT\r\n") == (
            b"+OK Marked to be deleted.\r\n+OK Logging out, messages deleted.\r\n"
        )
        assert wire.closed
        wire = await logged_in(place)
        assert await wire.exchange(b"STAT\r\n") == b"+OK 1 %d\r\n" % len(TWO)

    async def test_what_another_session_expunged_meanwhile_is_no_error(self, place: Place) -> None:
        await place.put(ONE, TWO)
        wire = await logged_in(place)
        await wire.exchange(b"DELE 1\r\nDELE 2\r\n")
        await place.storage.expunge(await place.inbox(), [1], only_deleted=False)
        assert await wire.exchange(b"QUIT\r\n") == b"+OK Logging out, messages deleted.\r\n"

    async def test_a_disk_that_fails_is_told_and_removes_nothing(
        self, place: Place, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        async def fail(*_: Any, **__: Any) -> Any:
            raise StorageError("broken")

        await place.put(ONE)
        wire = await logged_in(place)
        with monkeypatch.context() as patch:
            patch.setattr(place.storage, "expunge", fail)
            said = await wire.exchange(b"DELE 1\r\nQUIT\r\n")
        assert said.endswith(b"-ERR [SYS/TEMP] Some deleted messages were not removed.\r\n")
        assert wire.closed
        wire = await logged_in(place)
        assert (await wire.exchange(b"STAT\r\n")).startswith(b"+OK 1 ")


async def test_an_event_of_another_engine_is_a_bug(place: Place) -> None:
    wire = Wire(place)
    with pytest.raises(TypeError):
        wire.session.handle(Event())
    with pytest.raises(TypeError):
        wire.session.handle(Retrieve(1, None))


async def test_a_crash_is_answered_without_details(place: Place) -> None:
    await place.put(ONE)
    wire = await logged_in(place)
    wire.session.failed(Retrieve(1, None))
    wire.flush()
    assert wire.received == b"-ERR [SYS/TEMP] Internal error occurred.\r\n"


async def test_stls_starts_anew(place: Place) -> None:
    wire = Wire(place)
    assert (await wire.exchange(b"STLS\r\nUSER evil\r\n")).endswith(b"+OK Begin TLS negotiation now.\r\n")
    assert wire.handshake
    wire.secured()
    assert await wire.exchange(LOGIN) == b"+OK\r\n+OK Logged in.\r\n"


class TestMechanisms:
    """What the dialogues do not reach."""

    async def test_a_login_that_is_cancelled_at_the_last_word_gives_the_maildrop_back(self, place: Place) -> None:
        client = ScramClient("SCRAM-SHA-256", "bob@beta.test", "builder", nonce="abc")
        wire = Wire(place, secure=True)
        await wire.exchange(b"")
        first = await wire.exchange(b"AUTH SCRAM-SHA-256 " + base64.b64encode(client.first) + b"\r\n")
        final = client.final(base64.b64decode(first.strip()[2:]))
        last = await wire.exchange(base64.b64encode(final) + b"\r\n")
        assert last == b"+ " + base64.b64encode(client.verifier) + b"\r\n"
        assert b"[IN-USE]" in await Wire(place, secure=True).exchange(LOGIN)
        assert await wire.exchange(b"*\r\n") == b"-ERR Authentication cancelled\r\n"
        assert (await Wire(place, secure=True).exchange(LOGIN)).endswith(b"+OK Logged in.\r\n")

    async def test_a_lost_connection_gives_it_back_too(self, place: Place) -> None:
        client = ScramClient("SCRAM-SHA-1", "bob@beta.test", "builder", nonce="abc")
        wire = Wire(place, secure=True)
        await wire.exchange(b"")
        first = await wire.exchange(b"AUTH SCRAM-SHA-1 " + base64.b64encode(client.first) + b"\r\n")
        await wire.exchange(base64.b64encode(client.final(base64.b64decode(first.strip()[2:]))) + b"\r\n")
        wire.session.end()
        assert (await Wire(place, secure=True).exchange(LOGIN)).endswith(b"+OK Logged in.\r\n")

    async def test_what_is_noted_names_the_mechanism(self, place: Place, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level(logging.INFO, logger="postroad_store.pop3")
        wrong = base64.b64encode(b"\0bob@beta.test\0wrong-secret")
        await Wire(place, secure=True).exchange(b"AUTH PLAIN " + wrong + b"\r\n")
        await Wire(place, secure=True).exchange(LOGIN)
        assert [vars(record)["mechanism"] for record in caplog.records] == ["PLAIN", "PASSWORD"]
        (entry,) = place.history()
        assert entry.detail["mechanism"] == "PLAIN"
        assert "wrong-secret" not in caplog.text + repr(entry)

    async def test_a_large_message_that_needs_utf8(self, place: Place) -> None:
        await place.put("Subject: ü\r\n\r\n".encode() + b"x" * 400_000)
        wire = Wire(place, secure=True)
        await wire.exchange(LOGIN)
        assert await wire.exchange(b"RETR 1\r\n") == b"-ERR [UTF8] Message needs UTF8 mode.\r\n"

    async def test_delays_are_forgotten(self, tmp_path: Path) -> None:
        clock = Clock(steady=lambda: 0.0)
        place = Place(tmp_path, {"POSTROAD_POP3_LOGIN_DELAY": "60"})
        shared = place.shared
        shared._clock = clock
        for number in range(MAX_LOGINS + 5):
            assert shared.lock(f"{number}") is None
        assert len(shared._logins) == MAX_LOGINS
        shared.unlock("7")
        assert shared.lock("7") == TOO_SOON
        clock.push(61)
        assert shared.lock("7") is None
        assert len(shared._logins) == 1
        place.close()
