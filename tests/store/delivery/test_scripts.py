"""Messages for accounts that have a Sieve script: where they go, and what is sent, in one commit."""

from __future__ import annotations

import email
import email.policy
import os
from dataclasses import replace
from importlib.metadata import version
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any

import pytest

from postroad.clock import Clock
from postroad.journal import Kind
from postroad.mail.address import parse_address
from postroad.mail.content import Content
from postroad.mail.envelope import Envelope, Recipient
from postroad.smtp.server.service import Limits, Purpose, Session
from postroad.world.overlay import read_overlay
from postroad_store.delivery.filter import Filter
from postroad_store.delivery.service import Delivery
from postroad_store.delivery.sorting import Sorter
from postroad_store.mail.model.errors import StorageError
from postroad_store.sieve.registry import Registry
from tests.common.world.test_layers import BASE
from tests.harness.pop3 import NOW, Place
from tests.harness.worlds import definition

if TYPE_CHECKING:
    from collections.abc import Iterator
    from email.message import EmailMessage
    from pathlib import Path

    from postroad.mail.reply import Reply
    from postroad_store.mail.model.letter import Posted

LIMITS = Limits(message_size=100_000, header_size=20_000, header_lines=300)  # of the relay
MAIL = b"From: alice@alpha.test\r\nTo: bob@beta.test\r\nSubject: Hi\r\nMessage-ID: <m@x.test>\r\n\r\nbody\r\n"


class Door:
    """A store that takes mail by SMTP or LMTP."""

    def __init__(self, folder: Path) -> None:
        self.place = Place(folder)
        self.now = float(NOW)
        (folder / "sieve").mkdir()
        self.scripts = Filter(
            self.place.storage.scripts, Registry(), folder / "sieve", self.place.accounts.hears_of_server
        )
        self.delivery = Delivery(
            self.place.accounts,
            self.place.storage,
            self.place.journal,
            hostname="mx.postroad.test",
            sorter=lambda: Sorter(self.place.storage, self.scripts, "mx.postroad.test", LIMITS),
            clock=Clock(wall=lambda: self.now),
        )

    def close(self) -> None:
        self.scripts.close()
        self.place.close()

    async def script(self, text: str, login: str = "bob@beta.test", name: str = "main") -> None:
        account = await self.place.storage.account(login)
        await self.place.storage.scripts.put(account, name, text.encode())
        await self.place.storage.scripts.activate(account, name)

    async def deliver(
        self,
        *recipients: str,
        octets: bytes = MAIL,
        sender: str | None = "alice@alpha.test",
        purpose: Purpose = Purpose.TRANSFER,
        smtputf8: bool = False,
    ) -> list[str]:
        """Return the replies."""
        session = Session(purpose, ip_address("127.0.0.25"), 4000, "s1", "relay.postroad.test", True)
        to = tuple(Recipient(parse_address(recipient)) for recipient in recipients or ("bob@beta.test",))
        content = Content(self.place.folder)
        content.write(octets)
        envelope = Envelope(parse_address(sender) if sender else None, to, smtputf8=smtputf8)
        answer = await self.delivery.message(session, envelope, content)
        content.close()
        replies: tuple[Reply, ...] = answer if isinstance(answer, tuple) else (answer,)
        return [str(reply).partition(" stored as")[0] for reply in replies]

    async def mail(self, login: str = "bob@beta.test") -> dict[str, list[tuple[list[str], bytes]]]:
        """Return flags and content of the messages by mailbox."""
        account = await self.place.storage.account(login)
        by_mailbox: dict[str, list[tuple[list[str], bytes]]] = {}
        for name, mailbox in account.mailboxes.items():
            view = self.place.storage.view(mailbox)
            for at, uid in enumerate(view.uids):
                flags = mailbox.flag_names(mailbox.flags[at]).split()
                by_mailbox.setdefault(name, []).append((flags, self.place.storage.content(mailbox, uid) or b""))
        return by_mailbox

    async def names(self, login: str = "bob@beta.test") -> dict[str, int]:
        """Return how many messages there are by mailbox."""
        return {name: len(messages) for name, messages in (await self.mail(login)).items()}

    async def letters(self) -> list[Posted]:
        """Return the letters in the outbox, and empty it."""
        letters = []
        while (posted := self.place.storage.outbox.due(self.now)) is not None:
            letters.append(posted)
            await self.place.storage.outbox.forget(posted.number)
        return letters


def parsed(posted: Posted) -> EmailMessage:
    return email.message_from_bytes(posted.letter.content, policy=email.policy.default)


@pytest.fixture
def door(tmp_path: Path) -> Iterator[Door]:
    door = Door(tmp_path)
    yield door
    door.close()


OK = "250 2.0.0 OK"


async def test_without_a_script_all_is_as_ever(door: Door) -> None:
    assert await door.deliver() == [OK]
    assert await door.names() == {"INBOX": 1}


async def test_a_script_that_is_not_active_does_nothing(door: Door) -> None:
    account = await door.place.storage.account("bob@beta.test")
    await door.place.storage.scripts.put(account, "x", b"discard;")
    await door.deliver()
    await door.script("discard;")
    await door.place.storage.scripts.activate(account, "")
    await door.deliver()
    assert await door.names() == {"INBOX": 2}


CASES = [
    ("", {"INBOX": 1}),
    ("discard;", {}),
    ('require "fileinto"; fileinto "Junk";', {"Junk": 1}),
    ('require "fileinto"; fileinto "Junk"; keep; fileinto "Archive";', {"Junk": 1, "INBOX": 1, "Archive": 1}),
    ('require ["fileinto", "mailbox"]; fileinto :create "Lists/sieve";', {"Lists/sieve": 1}),
    ('require ["fileinto", "special-use"]; fileinto :specialuse "\\\\junk" "None";', {"Junk": 1}),
    ('require ["fileinto", "special-use"]; fileinto :specialuse "\\\\Junk" "Junk";', {"Junk": 1}),
    ('require ["fileinto", "special-use"]; fileinto :specialuse "\\\\All" "Archive";', {"Archive": 1}),
    ('require ["fileinto", "mailbox"]; if mailboxexists "Junk" { fileinto "Junk"; }', {"Junk": 1}),
    ('require ["fileinto", "special-use"]; if specialuse_exists "\\\\Sent" { fileinto "Junk"; }', {"Junk": 1}),
    ('require ["fileinto", "special-use"]; if specialuse_exists "Sent" "\\\\Junk" { fileinto "Junk"; }', {"INBOX": 1}),
    ('require ["environment"]; if environment "remote-ip" "127.0.0.25" { discard; }', {}),
    ('require ["environment"]; if environment "domain" "postroad.test" { discard; }', {}),
    (f'require ["environment"]; if environment "version" "{version("postroad-store")}" {{ discard; }}', {}),
    ('if header :contains "received" "by mx.postroad.test" { discard; }', {}),
    ('require "envelope"; if envelope "to" "bob+x@beta.test" { discard; }', {}),
    # what can't be done keeps the message (RFC 5228 §2.10.6)
    ('require "fileinto"; fileinto "Junk"; fileinto "None";', {"INBOX": 1}),
    ('require ["fileinto", "mailbox"]; fileinto :create "' + "a/" * 30 + 'b";', {"INBOX": 1}),
    # the namespace of other users is no place of the user's own: IMAP would not show what is there
    ('require ["fileinto", "mailbox"]; fileinto :create "Other Users/carol@beta.test/x";', {"INBOX": 1}),
    ('require ["fileinto", "mailbox"]; fileinto :create "Other Users";', {"INBOX": 1}),
    ('require ["fileinto", "mailbox"]; fileinto :create "Other Users2";', {"Other Users2": 1}),
    ('require "ihave"; discard; error "no";', {"INBOX": 1}),
    ("no script at all", {"INBOX": 1}),
]


@pytest.mark.parametrize(("script", "names"), CASES)
async def test_where_messages_go(door: Door, script: str, names: dict[str, int]) -> None:
    await door.script(script)
    assert await door.deliver("bob+x@beta.test") == [OK]
    assert await door.names() == names


async def test_a_mailbox_that_is_made_has_its_use_and_is_subscribed(door: Door) -> None:
    await door.script(
        'require ["fileinto", "mailbox", "special-use"]; fileinto :create :specialuse "\\\\Flagged" "Star";'
    )
    await door.deliver()
    await door.deliver()
    account = await door.place.storage.account("bob@beta.test")
    assert "Star" in account.subscriptions
    assert await door.names() == {"Star": 2}


async def test_flags(door: Door) -> None:
    await door.script(
        'require ["imap4flags", "fileinto"]; addflag ["\\\\Seen", "$Label1"]; fileinto "Junk"; keep :flags "x";'
    )
    await door.deliver()
    mail = await door.mail()
    assert [flags for flags, _ in mail["Junk"]] == [["\\Seen", "$Label1"]]
    assert [flags for flags, _ in mail["INBOX"]] == [["x"]]


async def test_edits(door: Door) -> None:
    await door.script(
        'require ["editheader", "fileinto"]; fileinto "Junk"; deleteheader "subject"; addheader "X-A" "1"; keep;'
    )
    await door.deliver()
    mail = await door.mail()
    ((_, plain),) = mail["Junk"]
    ((_, edited),) = mail["INBOX"]
    assert plain.startswith(b"Return-Path: <alice@alpha.test>\r\nReceived: ")
    assert plain.endswith(MAIL)
    assert edited.startswith(b"X-A: 1\r\nReturn-Path: <alice@alpha.test>\r\nReceived: ")
    assert b"Subject" not in edited
    assert edited.endswith(b"Message-ID: <m@x.test>\r\n\r\nbody\r\n")


async def test_each_account_has_its_own_script(door: Door) -> None:
    await door.script('require "fileinto"; fileinto "Junk";')
    await door.script("discard;", "dave@beta.test")
    assert await door.deliver("bob@beta.test", "dave@beta.test", "alice@alpha.test") == [OK]
    assert await door.names() == {"Junk": 1}
    assert await door.names("dave@beta.test") == {}
    assert await door.names("alice@alpha.test") == {"INBOX": 1}
    kinds = [(entry.kind, entry.detail["account"]) for entry in door.place.history()]
    assert sorted(kinds) == [
        (Kind.FILTERED, "bob@beta.test"),
        (Kind.FILTERED, "dave@beta.test"),
        (Kind.STORED, "alice@alpha.test"),
        (Kind.STORED, "bob@beta.test"),
    ]


async def test_the_journal_has_what_a_script_did(door: Door) -> None:
    await door.script('require "fileinto"; fileinto "Junk"; redirect "x@y.test";')
    await door.deliver()
    await door.script('require "fileinto"; fileinto "None";')
    await door.deliver()
    filtered = [entry for entry in door.place.history() if entry.kind is Kind.FILTERED]
    assert [entry.detail for entry in filtered] == [
        {"account": "bob@beta.test", "actions": ["file", "redirect"]},
        {"account": "bob@beta.test", "actions": [], "error": "there is no mailbox None"},
    ]
    assert {entry.message_id for entry in filtered} == {"<m@x.test>"}


async def test_a_redirect_is_a_letter(door: Door) -> None:
    await door.script('redirect "Dave <dave@gamma.test>";')
    await door.deliver()
    (posted,) = await door.letters()
    assert (posted.letter.sender, posted.letter.recipient) == ("alice@alpha.test", "dave@gamma.test")
    content = posted.letter.content
    assert content.startswith(b"X-Sieve-Redirected-From: bob@beta.test\r\nReceived: ")
    assert content.endswith(MAIL)
    assert b"Return-Path" not in content
    assert await door.names() == {}
    await door.deliver(sender=None)
    (posted,) = await door.letters()
    assert posted.letter.sender == ""


async def test_a_redirect_that_comes_round_is_kept(door: Door) -> None:
    await door.script('redirect "dave@gamma.test";')
    await door.deliver(octets=b"X-Sieve-Redirected-From: Bob@beta.test\r\n" + MAIL)
    assert await door.letters() == []
    assert await door.names() == {"INBOX": 1}


async def test_a_redirect_of_an_edited_message(door: Door) -> None:
    await door.script('require "editheader"; deleteheader "subject"; redirect "dave@gamma.test";')
    await door.deliver(smtputf8=True)
    (posted,) = await door.letters()
    assert b"Subject" not in posted.letter.content
    assert posted.letter.smtputf8


async def test_vacation_is_sent_once_in_its_time(door: Door) -> None:
    await door.script('require "vacation"; vacation :days 1 :subject "Weg \u00fc" "I am gone.\n.\nBob";')
    await door.deliver()
    await door.deliver()
    (posted,) = await door.letters()
    letter = posted.letter
    assert (letter.sender, letter.recipient) == ("", "alice@alpha.test")
    message = parsed(posted)
    assert message["subject"] == "Weg \u00fc"
    assert message["from"] == "bob@beta.test"
    assert message["to"] == "alice@alpha.test"
    assert message["in-reply-to"] == message["references"] == "<m@x.test>"
    assert message["auto-submitted"].startswith("auto-replied")
    assert message.get_content().split() == ["I", "am", "gone.", ".", "Bob"]
    door.now += 86_399
    await door.deliver()
    assert await door.letters() == []
    await door.deliver(sender="carol@alpha.test")
    assert [posted.letter.recipient for posted in await door.letters()] == ["carol@alpha.test"]
    door.now += 2
    await door.deliver()
    assert [posted.letter.recipient for posted in await door.letters()] == ["alice@alpha.test"]
    assert await door.names() == {"INBOX": 5}


async def test_vacation_for_each_message(door: Door) -> None:
    await door.script('require "vacation-seconds"; vacation :seconds 0 "gone";')
    await door.deliver()
    await door.deliver()
    assert len(await door.letters()) == 2


async def test_vacation_with_mime_and_threads(door: Door) -> None:
    await door.script(
        'require "vacation"; vacation :mime "Content-Type: text/html; charset=utf-8\r\n\r\n<b>\u00fc</b>";'
    )
    long = b"References: <a@x.test>\r\n <b@x.test>\r\n"
    await door.deliver(octets=long + MAIL)
    (posted,) = await door.letters()
    message = parsed(posted)
    assert message.get_content_type() == "text/html"
    assert message["references"] == "<a@x.test> <b@x.test> <m@x.test>"
    assert message["subject"] == "Auto: Hi"
    assert message.get_content().strip() == "<b>\u00fc</b>"


async def test_long_lines_of_a_response_are_wrapped(door: Door) -> None:
    await door.script('require "vacation"; vacation "' + "word " * 500 + '";')
    await door.deliver(octets=b"To: bob@beta.test\r\n\r\n")
    (posted,) = await door.letters()
    assert max(map(len, posted.letter.content.split(b"\r\n"))) < 998
    assert "In-Reply-To" not in parsed(posted)


async def test_duplicates(door: Door) -> None:
    await door.script('require ["duplicate", "fileinto"]; if duplicate :seconds 60 { fileinto "Trash"; }')
    await door.deliver()
    await door.deliver()
    await door.deliver(octets=b"Message-ID: <other>\r\n\r\n")
    assert await door.names() == {"INBOX": 2, "Trash": 1}
    door.now += 61
    await door.deliver()
    assert await door.names() == {"INBOX": 3, "Trash": 1}


async def test_what_is_remembered_is_forgotten_in_time(door: Door) -> None:
    await door.script('require "duplicate"; if duplicate :seconds 1 { discard; }')
    for number in range(3):
        await door.deliver(octets=b"Message-ID: <%d>\r\n\r\n" % number)
        door.now += 2
    library = door.place.storage.scripts.library()
    assert library._reader.rows("SELECT count(*) FROM remembered", ()) == [(1,)]
    library.close()


REFUSAL = "550 5.7.1 Not you, Alice. Go away."


@pytest.mark.parametrize("name", ["reject", "ereject"])
async def test_a_refusal_by_smtp(door: Door, name: str) -> None:
    await door.script(f'require "{name}"; {name} "Not you,   Alice.\r\nGo away.";')
    assert await door.deliver() == [REFUSAL]
    assert await door.deliver("bob@beta.test", "bob+x@beta.test") == [REFUSAL]
    assert await door.letters() == []
    assert await door.names() == {}
    refused = [entry for entry in door.place.history() if entry.kind is Kind.REFUSED]
    assert refused[0].detail["reply"] == REFUSAL
    assert refused[0].detail["recipient"] == "bob@beta.test"


async def test_a_long_reason_is_said_in_several_lines(door: Door) -> None:
    """RFC 5429 §2.5: the server may insert CRLFs."""
    await door.script(f'require "reject"; reject "{"no " * 200}\r\n\r\n{"x" * 900}";')
    (said,) = await door.deliver()
    assert said.split() == ["550", "5.7.1", *["no"] * 200, "x" * 400, "x" * 400, "x" * 100]


async def test_ereject_says_it_in_ascii(door: Door) -> None:
    await door.script('require "ereject"; ereject "Gr\u00fc\u00dfe";')
    assert await door.deliver() == ["550 5.7.1 Gr??e"]


async def test_reject_keeps_its_words_in_a_disposition_notification(door: Door) -> None:
    await door.script('require "reject"; reject "Gr\u00fc\u00dfe";')
    assert await door.deliver() == [OK]
    (posted,) = await door.letters()
    assert (posted.letter.sender, posted.letter.recipient) == ("", "alice@alpha.test")
    message = parsed(posted)
    assert message.get_content_type() == "multipart/report"
    assert message.get_param("report-type") == "disposition-notification"
    text, machine, header = message.iter_parts()
    assert "Gr\u00fc\u00dfe" in text.get_content()
    assert b"Final-Recipient: rfc822; bob@beta.test\r\n" in posted.letter.content
    assert b"Disposition: automatic-action/MDN-sent-automatically; deleted\r\n" in posted.letter.content
    assert machine.get_content_type() == "message/disposition-notification"
    assert header.get_content_type() == "text/rfc822-headers"
    assert message["auto-submitted"].startswith("auto-replied")
    assert await door.names() == {}


async def test_ereject_among_others_is_a_delivery_status_notification(door: Door) -> None:
    await door.script('require "ereject"; ereject "no";')
    assert await door.deliver("bob@beta.test", "dave@beta.test") == [OK]
    (posted,) = await door.letters()
    assert b"Action: failed\r\nStatus: 5.7.1\r\n" in posted.letter.content
    assert b"Final-Recipient: rfc822; bob@beta.test\r\n" in posted.letter.content
    assert parsed(posted)["from"].startswith("Mail Delivery")
    assert await door.names("dave@beta.test") == {"INBOX": 1}
    # RFC 3464 §2: never in answer to a null reverse-path
    assert await door.deliver("bob@beta.test", "dave@beta.test", sender=None) == [OK]
    assert await door.letters() == []


async def test_an_alias_is_refused_if_all_refuse(door: Door) -> None:
    await door.script('require "ereject"; ereject "no";')
    await door.script("discard;", "dave@beta.test")
    assert await door.deliver("sales@beta.test") == [OK]
    (posted,) = await door.letters()
    assert posted.letter.recipient == "alice@alpha.test"
    await door.script('require "ereject"; ereject "nor I";', "dave@beta.test")
    assert (await door.deliver("sales@beta.test"))[0].startswith("550 5.7.1 no")
    assert await door.letters() == []


async def test_lmtp_has_a_reply_for_each_recipient(door: Door) -> None:
    await door.script('require "ereject"; ereject "no";')
    replies = await door.deliver("bob@beta.test", "dave@beta.test", "bob+x@beta.test", purpose=Purpose.LMTP)
    assert replies == ["550 5.7.1 no", OK, "550 5.7.1 no"]
    assert await door.letters() == []
    assert await door.deliver("dave@beta.test", purpose=Purpose.LMTP) == [OK]
    assert await door.deliver("bob@beta.test", purpose=Purpose.LMTP) == ["550 5.7.1 no"]


@pytest.mark.parametrize(
    "octets",
    [
        pytest.param(MAIL + b"x" * (LIMITS.message_size - len(MAIL)), id="size"),
        pytest.param(b"Received: from a by b\r\n" * 49 + MAIL, id="hops"),
        pytest.param(b"X-Long: " + b"x" * LIMITS.header_size + b"\r\n" + MAIL, id="header size"),
        pytest.param(b"X: y\r\n" * LIMITS.header_lines + MAIL, id="header lines"),
    ],
)
async def test_what_the_relay_would_refuse_to_send_on_is_kept(
    door: Door, octets: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    """It would be lost: it has grown by trace fields since the relay took it from somebody else."""
    await door.script('redirect "carol@alpha.test";')
    assert await door.deliver(octets=octets) == [OK]
    assert await door.names() == {"INBOX": 1}
    assert await door.letters() == []
    assert "the message kept: the relay would not take it again" in caplog.text


async def test_scripts_include_others(door: Door) -> None:
    account = await door.place.storage.account("bob@beta.test")
    await door.place.storage.scripts.put(account, "part", b'require "fileinto"; fileinto "Junk";')
    await door.place.storage.scripts.put(account, "bad", b"foo;")
    (door.place.folder / "sieve" / "all.sieve").write_text('require "fileinto"; fileinto "Archive";')
    await door.script('require "include"; include "part"; include :global "all"; include :global :optional "../all";')
    await door.deliver()
    assert await door.names() == {"Junk": 1, "Archive": 1}
    await door.script('require "include"; include :global "none";')
    await door.deliver()
    await door.script('require "include"; include "bad";')
    await door.deliver()
    os.mkfifo(door.place.folder / "sieve" / "fifo.sieve")
    await door.script('require "include"; include :global "fifo";')
    await door.deliver()
    await door.script('require "include"; include :optional "none"; discard;')
    await door.deliver()
    assert await door.names() == {"Junk": 1, "Archive": 1, "INBOX": 3}


async def test_an_active_script_that_includes_itself_once_runs_once(door: Door) -> None:
    script = 'require ["include", "editheader", "relational"]; addheader "X-Run" "1"; include :once "main";'
    await door.script(script + 'if header :count "eq" "x-run" "1" { discard; }')
    await door.deliver()
    assert await door.names() == {}


async def test_the_world_may_give_an_account_a_script(door: Door) -> None:
    world = door.place.world
    beta = world.domains["beta.test"]
    bob = replace(beta.accounts["bob"], sieve='require "fileinto"; fileinto "Junk";')
    beta = replace(beta, accounts=dict(beta.accounts) | {"bob": bob})
    door.place.accounts.world = replace(world, domains=dict(world.domains) | {"beta.test": beta})
    await door.deliver()
    assert await door.names() == {"Junk": 1}
    await door.script('require "fileinto"; fileinto "Archive";')  # the account's own comes first
    await door.deliver()
    assert await door.names() == {"Junk": 1, "Archive": 1}


async def test_annotations(door: Door) -> None:
    storage = door.place.storage
    bob = await storage.account("bob@beta.test")
    await storage.metadata.set(bob, bob.inbox, {"/private/comment": b"away"})
    await storage.metadata.set(bob, None, {"/shared/comment": "gr\u00fcn".encode()})
    await door.script(
        'require ["mboxmetadata", "servermetadata", "fileinto"];'
        'if allof (metadata "inbox" "/Private/Comment" "away", servermetadata "/shared/comment" "gr\u00fcn",'
        ' not metadataexists "None" "/private/comment", not servermetadataexists "comment") { fileinto "Junk"; }'
    )
    await door.deliver()
    assert await door.names() == {"Junk": 1}


async def test_what_the_server_says_is_for_the_world_of_its_administrators(door: Door) -> None:
    storage, accounts = door.place.storage, door.place.accounts
    accounts.layers.put(read_overlay(definition("shop"), BASE))
    alice = await storage.account("alice@alpha.test")
    await storage.metadata.set(alice, None, {"/shared/comment": b"green"})
    for login in ("bob@beta.test", "bob@shop.test"):
        await storage.metadata.set(await storage.account(login), None, {"/private/comment": b"own"})
        await door.script(
            'require ["servermetadata", "fileinto"]; if not servermetadata "/private/comment" "own" { discard; }'
            ' if servermetadata "/shared/comment" "green" { fileinto "Junk"; }',
            login,
        )
    assert await door.deliver("bob@beta.test", "bob@shop.test") == [OK]
    assert await door.names("bob@beta.test") == {"Junk": 1}
    assert await door.names("bob@shop.test") == {"INBOX": 1}


async def test_a_changed_script_is_used_from_then_on(door: Door) -> None:
    await door.script("discard;")
    await door.deliver()
    await door.script("keep;")
    await door.deliver()
    assert await door.names() == {"INBOX": 1}


async def test_a_disk_that_fails_leaves_nothing(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    await door.script('require ["duplicate", "vacation"]; vacation "gone"; if duplicate { discard; }')

    async def fail(*_: Any) -> Any:
        raise StorageError("the mail cannot be written")

    with monkeypatch.context() as patched:
        patched.setattr(door.place.storage.outbox, "deliver", fail)
        assert await door.deliver() == ["451 4.3.0 Local error in processing"]
    assert await door.deliver() == [OK]
    assert await door.names() == {"INBOX": 1}
    assert len(await door.letters()) == 1


async def test_a_mistake_of_ours_keeps_the_message(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    await door.script("discard;")

    def fail(*_: Any) -> Any:
        raise TypeError("a mistake")

    monkeypatch.setattr("postroad_store.delivery.filter.run", fail)
    assert await door.deliver() == [OK]
    assert await door.names() == {"INBOX": 1}


async def test_many_scripts_do_not_stay_in_memory(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("postroad_store.delivery.filter.KEPT", 2)
    for _ in range(4):
        await door.script("discard;")
        await door.deliver()
    assert door.scripts._shelf is not None
    assert len(door.scripts._shelf._programs) == 2
