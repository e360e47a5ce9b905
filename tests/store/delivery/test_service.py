"""Final delivery, as the SMTP receiver asks for it."""

from __future__ import annotations

import itertools
import re
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any

import pytest

from postroad.clock import Clock
from postroad.journal import Kind
from postroad.mail.address import parse_address
from postroad.mail.content import Content
from postroad.mail.envelope import Envelope, Recipient
from postroad.mail.reply import LOCAL_ERROR, MAIL_LOOP, RECIPIENT_OK, SENDER_OK, STORAGE_FULL, TOO_LARGE, Reply
from postroad.sasl.mechanism import Claim
from postroad.sasl.password import Password
from postroad.smtp.server.events import Refused
from postroad.smtp.server.service import Answer, Limits, Purpose, Session
from postroad_store.delivery.filter import Filter
from postroad_store.delivery.queue_ids import QueueIds
from postroad_store.delivery.service import Delivery
from postroad_store.delivery.sorting import Sorter
from postroad_store.mail.model.errors import StorageError, StorageFull
from postroad_store.sieve.registry import Registry
from tests.harness.pop3 import NOW, Place

if TYPE_CHECKING:
    from pathlib import Path

SESSION = Session(Purpose.TRANSFER, ip_address("127.0.0.25"), 4000, "s1", "relay.postroad.test", True, "TLSv1.3", "AES")
MAIL = b"Message-ID: <m@x.test>\r\nSubject: x\r\n\r\n.body\r\n"


def delivery(place: Place) -> Delivery:
    scripts = Filter(place.storage.scripts, Registry(), place.folder, place.accounts.hears_of_server)
    return Delivery(
        place.accounts,
        place.storage,
        place.journal,
        hostname="mx.postroad.test",
        sorter=lambda: Sorter(place.storage, scripts, "mx", Limits()),
        clock=Clock(wall=lambda: NOW),
    )


def envelope(*recipients: str, sender: str | None = "alice@alpha.test") -> Envelope:
    return Envelope(
        parse_address(sender) if sender else None,
        tuple(Recipient(parse_address(recipient)) for recipient in recipients),
    )


async def deliver(place: Place, octets: bytes, to: Envelope) -> Answer:
    content = Content(place.folder)
    content.write(octets)
    try:
        return await delivery(place).message(SESSION, to, content)
    finally:
        content.close()


async def stored(place: Place, login: str) -> list[bytes]:
    inbox = await place.inbox(login)
    view = place.storage.view(inbox)
    return [place.storage.content(inbox, uid) or b"" for uid in view.uids]


class TestPolicy:
    @pytest.mark.parametrize(
        ("environ", "recipient", "answer"),
        [
            ({}, "bob@beta.test", str(RECIPIENT_OK)),
            ({}, "sales+x@beta.test", str(RECIPIENT_OK)),
            ({}, "nobody@alpha.test", str(RECIPIENT_OK)),
            ({}, "nobody@beta.test", "550 5.1.1 No such user here"),
            ({}, "x@elsewhere.example", str(RECIPIENT_OK)),
            ({"POSTROAD_OUTSIDE": "bounce"}, "x@elsewhere.example", "550 5.7.1 Relaying denied"),
            ({"POSTROAD_UNKNOWN_USERS": "create"}, "nobody@beta.test", str(RECIPIENT_OK)),
        ],
    )
    def test_rcpt(self, tmp_path: Path, environ: dict[str, str], recipient: str, answer: str) -> None:
        place = Place(tmp_path, environ)
        try:
            said = delivery(place).rcpt(SESSION, envelope(), Recipient(parse_address(recipient)))
        finally:
            place.close()
        assert str(said) == answer

    async def test_everyone_may_connect_and_nobody_logs_in(self, place: Place) -> None:
        service = delivery(place)
        assert service.connect(SESSION) is None
        assert service.mail(SESSION, envelope(sender=None)) is SENDER_OK
        assert await service.authenticate(SESSION, Claim("PLAIN", "bob@beta.test", Password("builder"))) is None

    async def test_what_is_refused_is_noted(self, place: Place) -> None:
        service = delivery(place)
        service.rcpt(SESSION, envelope(), Recipient(parse_address("nobody@beta.test")))
        service.refused(SESSION, Refused("MAIL", TOO_LARGE, "FROM:<alice@alpha.test> SIZE=99999999"))
        service.refused(SESSION, Refused("content", TOO_LARGE, envelope=envelope("bob@beta.test")))
        service.handshake_failed(SESSION, "the client closed the connection")
        rcpt, mail, content, tls = entries = place.history()
        assert {entry.kind for entry in entries} == {Kind.REFUSED}
        assert rcpt.detail["recipient"] == "nobody@beta.test"
        assert rcpt.detail["reply"] == "550 5.1.1 No such user here"
        assert mail.detail["argument"] == "FROM:<alice@alpha.test> SIZE=99999999"
        assert (content.detail["sender"], content.detail["recipients"]) == ("alice@alpha.test", ["bob@beta.test"])
        assert (tls.detail["command"], tls.detail["peer"]) == ("TLS", "127.0.0.25")
        assert tls.detail["reason"] == "the client closed the connection"


class TestMessage:
    async def test_what_is_stored_is_what_came_behind_two_fields(self, place: Place) -> None:
        answer = await deliver(place, MAIL, envelope("bob@beta.test"))
        match = re.fullmatch(r"250 2\.0\.0 OK stored as ([0-9a-f]+)", str(answer))
        assert match
        (content,) = await stored(place, "bob@beta.test")
        assert content.endswith(MAIL)
        fields = content.removesuffix(MAIL)
        assert re.fullmatch(
            rb"Return-Path: <alice@alpha\.test>\r\n"
            rb"Received: from relay\.postroad\.test \(\[127\.0\.0\.25\]\)\r\n"
            rb"\t\(using TLSv1\.3 with cipher AES\)\r\n"
            rb"\tby mx\.postroad\.test with ESMTPS id " + match[1].encode() + rb"\r\n"
            rb"\tfor <bob@beta\.test>;\r\n"
            rb"\t[A-Z][a-z]{2}, 01 Mar 2026 \d\d:00:00 [+-]\d{4}\r\n",
            fields,
        )

    async def test_the_null_reverse_path(self, place: Place) -> None:
        await deliver(place, MAIL, envelope("bob@beta.test", sender=None))
        (content,) = await stored(place, "bob@beta.test")
        assert content.startswith(b"Return-Path: <>\r\nReceived: ")

    async def test_an_account_gets_a_message_once_however_many_recipients_lead_there(self, place: Place) -> None:
        to = envelope("sales@beta.test", "bob@beta.test", "bob+x@beta.test", "BOB@beta.test")
        await deliver(place, MAIL, to)
        assert len(await stored(place, "bob@beta.test")) == 1
        assert len(await stored(place, "dave@beta.test")) == 1
        bob, dave = place.history()
        assert (bob.kind, bob.message_id, bob.queue_id) == (Kind.STORED, "<m@x.test>", dave.queue_id)
        assert bob.detail["recipients"] == ["sales@beta.test", "bob@beta.test", "bob+x@beta.test", "BOB@beta.test"]
        assert dave.detail["recipients"] == ["sales@beta.test"]
        assert (dave.detail["account"], dave.detail["mailbox"], dave.detail["uid"]) == ("dave@beta.test", "INBOX", 1)

    async def test_capture_and_created_accounts(self, tmp_path: Path) -> None:
        place = Place(tmp_path, {"POSTROAD_UNKNOWN_USERS": "create"})
        await deliver(place, MAIL, envelope("x@elsewhere.example", "new+tag@beta.test"))
        assert len(await stored(place, "capture@postroad.test")) == 1
        assert len(await stored(place, "new@beta.test")) == 1
        assert {event.detail["account"]: event.detail.get("captured") for event in place.history()} == {
            "capture@postroad.test": True,
            "new@beta.test": None,
        }
        place.close()

    async def test_mail_for_the_capture_account_itself_is_not_captured(self, place: Place) -> None:
        await deliver(place, MAIL, envelope("capture@postroad.test"))
        assert "captured" not in place.history()[0].detail

    async def test_the_journal_has_every_message_id(self, place: Place) -> None:
        await deliver(place, b"Message-ID: <a@b>\r\nMessage-ID: <c@d>\r\n\r\n", envelope("bob@beta.test"))
        (event,) = place.history()
        assert (event.message_id, event.detail["further_message_ids"]) == ("<a@b>", ["<c@d>"])

    async def test_a_message_without_message_id_or_header(self, place: Place) -> None:
        await deliver(place, b"\r\nbody\r\n", envelope("bob@beta.test"))
        (content,) = await stored(place, "bob@beta.test")
        assert content.endswith(b"\r\n\r\nbody\r\n")
        assert place.history()[0].message_id is None

    @pytest.mark.parametrize(("fields", "taken"), [(49, True), (50, True), (51, False)])
    async def test_loops_end_one_field_after_the_relay_has_found_none(
        self, place: Place, fields: int, taken: bool
    ) -> None:
        answer = await deliver(place, b"Received: x\r\n" * fields + MAIL, envelope("bob@beta.test"))
        assert (answer != MAIL_LOOP) is taken
        assert len(await stored(place, "bob@beta.test")) == taken

    @pytest.mark.parametrize("octets", [b"hello world\r\n", b" folded: nothing\r\n", b"hello world\r\n\r\nA: b\r\n"])
    async def test_a_body_without_a_header_section_stays_the_body(self, place: Place, octets: bytes) -> None:
        await deliver(place, octets, envelope("bob@beta.test"))
        (content,) = await stored(place, "bob@beta.test")
        head, _, body = content.partition(b"\r\n\r\n")
        assert head.startswith(b"Return-Path: <alice@alpha.test>\r\nReceived: ")
        assert body == octets

    @pytest.mark.parametrize(
        ("error", "answer"), [(StorageFull("full"), STORAGE_FULL), (StorageError("broken"), LOCAL_ERROR)]
    )
    async def test_a_disk_that_fails(
        self, place: Place, monkeypatch: pytest.MonkeyPatch, error: Exception, answer: Reply
    ) -> None:
        async def fail(*_: Any) -> Any:
            raise error

        with monkeypatch.context() as patch:
            patch.setattr(place.storage, "append", fail)
            assert await deliver(place, MAIL, envelope("bob@beta.test")) == answer
        assert await stored(place, "bob@beta.test") == []
        assert place.history() == []

    async def test_a_recipient_that_has_gone_since_rcpt(self, place: Place) -> None:
        assert await deliver(place, MAIL, envelope("bob@beta.test", "nobody@beta.test")) == LOCAL_ERROR
        assert await stored(place, "bob@beta.test") == []


def test_queue_ids_differ_though_the_clock_stands_still_or_goes_back() -> None:
    ids = QueueIds(Clock(wall=itertools.chain([10.0, 10.0, 10.0], [9.0, 11.0]).__next__))
    given = [ids.next() for _ in range(5)]
    assert len(set(given)) == 5
    assert given == sorted(given)
