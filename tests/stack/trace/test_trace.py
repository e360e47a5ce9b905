"""`postroad trace`: which events are one message's, and what is printed of them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from postroad.journal import JournalReader, Kind
from postroad.journal.finding import find
from postroad_stack.trace.command import main
from postroad_stack.trace.printing import render

if TYPE_CHECKING:
    from pathlib import Path


class Past:
    """Writes journals; an event a millisecond."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.now = 0

    def note(
        self, service: str, kind: str, queue_id: str | None = None, message_id: str | None = None, **detail: Any
    ) -> None:
        self.now += 1
        day, milliseconds = divmod(self.now, 1000)
        entry = {"time": f"2026-01-{day + 1:02}T23:59:59.{milliseconds:03}000Z", "service": service, "kind": kind}
        entry |= {"queue_id": queue_id} if queue_id else {}
        entry |= {"message_id": message_id} if message_id else {}
        with (self.directory / f"{service}.jsonl").open("a") as file:
            file.write(json.dumps(entry | detail, ensure_ascii=False, separators=(",", ":")) + "\n")

    def trace(self, name: str) -> str:
        return "\n".join(render(find(JournalReader(self.directory), name)))


@pytest.fixture
def past(tmp_path: Path) -> Past:
    """Two messages: one to two recipients of whom one is unknown, with its notification; one of someone else."""
    past = Past(tmp_path)
    sent, other, dsn = "<one@x.test>", "<other@x.test>", "<dsn@relay.test>"
    past.note("relay", "accepted", "Q1", sent, peer="127.0.0.1", client="c.test", port="submission", protocol="ESMTPSA",
              tls="TLSv1.3", login="alice@alpha.test", sender="alice@alpha.test",
              recipients=["bob@beta.test", "nobody@beta.test"])  # fmt: skip
    past.note("relay", "queued", "Q1", sent, size=1234)
    past.note("relay", "accepted", "Q2", other, sender="x@x.test", recipients=["bob@beta.test"])
    past.note("relay", "resolved", "Q1", sent, domain="beta.test", mx=["10 mx.postroad.test"])
    past.note("relay", "attempted", "Q1", sent, host="mx.postroad.test [127.0.0.143]:25", tls="TLSv1.3",
              recipients=["bob@beta.test", "nobody@beta.test"])  # fmt: skip
    past.note("store", "stored", "S1", sent, reverse_path="alice@alpha.test", recipients=["bob@beta.test"],
              account="bob@beta.test", mailbox="INBOX", uid_validity=7, uid=3, size=1300, peer="127.0.0.25",
              client="relay.test", tls="TLSv1.3")  # fmt: skip
    past.note("relay", "delivered", "Q1", sent, recipient="bob@beta.test", host="mx.postroad.test",
              reply="250 2.0.0 OK stored as S1")  # fmt: skip
    past.note("relay", "failed", "Q1", sent, recipient="nobody@beta.test", host="mx.postroad.test",
              reply="550 5.1.1 No such\x1b[2J user\nhere")  # fmt: skip
    past.note("relay", "reported", "Q1", sent, dsn_queue_id="Q3", dsn_message_id=dsn, to="alice@alpha.test")
    past.note("relay", "queued", "Q3", dsn, reports="Q1", reports_message_id=sent, size=900)
    past.note("store", "stored", "S3", dsn, reverse_path="", recipients=["alice@alpha.test"],
              account="alice@alpha.test", mailbox="INBOX", uid_validity=8, uid=3, size=950)  # fmt: skip
    past.note("relay", "delivered", "Q3", dsn, recipient="alice@alpha.test", host="mx", reply="250 OK stored as S3")
    past.note("store", "stored", "S2", other, reverse_path="x@x.test", recipients=["bob@beta.test"],
              account="bob@beta.test", mailbox="INBOX", uid_validity=7, uid=4, size=1)  # fmt: skip
    for uids in (3, "2:4", "9,3", "9", "5:7", 4):
        past.note(
            "store", "retrieved", account="bob@beta.test", mailbox="INBOX", uid_validity=7, uid=uids, protocol="imap"
        )
    past.note("store", "removed", account="bob@beta.test", mailbox="INBOX", uid_validity=6, uid=3, protocol="pop3")
    past.note("store", "removed", account="bob@beta.test", mailbox="INBOX", uid_validity=7, uid=3, protocol="pop3")
    return past


@pytest.mark.parametrize("name", ["<one@x.test>", "one@x.test", " <one@x.test> ", "Q1", "S1", "q1", "s1"])
def test_a_message_is_found_by_each_of_its_names(past: Past, name: str) -> None:
    text = past.trace(name)
    assert text.startswith("Message <one@x.test>\n  queue ID Q1, S1\n")
    assert "other@x.test" not in text


def test_what_is_printed(past: Past) -> None:
    lines = past.trace("<one@x.test>").splitlines()
    assert lines[:4] == [
        "Message <one@x.test>",
        "  queue ID Q1, S1",
        "  was reported on in <dsn@relay.test>",
        "  2026-01-01, times in UTC",
    ]
    section = lines[4 : lines.index("")]
    assert [line.split(maxsplit=5)[3:5] for line in section] == [
        ["relay", "accepted"],
        ["relay", "queued"],
        ["relay", "resolved"],
        ["relay", "attempted"],
        ["store", "stored"],
        ["relay", "delivered"],
        ["relay", "failed"],
        ["relay", "reported"],
        ["store", "retrieved"],
        ["store", "removed"],
    ]
    assert [line.split(maxsplit=5)[5] for line in section] == [
        (
            "from alice@alpha.test for bob@beta.test, nobody@beta.test by c.test [127.0.0.1] on submission with ESMTPSA"
            " over TLSv1.3 as alice@alpha.test"
        ),
        "1234 octets",
        "beta.test: MX 10 mx.postroad.test",
        "bob@beta.test, nobody@beta.test to mx.postroad.test [127.0.0.143]:25 over TLSv1.3",
        (
            "bob@beta.test INBOX UID 3 for bob@beta.test from alice@alpha.test (1300 octets) by relay.test [127.0.0.25]"
            " over TLSv1.3"
        ),
        "bob@beta.test: mx.postroad.test said 250 2.0.0 OK stored as S1",
        "nobody@beta.test: mx.postroad.test said 550 5.1.1 No such\\x1b[2J user\\x0ahere",
        "to alice@alpha.test in <dsn@relay.test> (queue ID Q3)",
        "bob@beta.test INBOX UID 3 by imap (3 times, last at 23:59:59)",
        "bob@beta.test INBOX UID 3 by pop3",
    ]
    assert len({line.index(line.split(maxsplit=5)[3]) for line in section}) == 1, "the columns are not aligned"


@pytest.mark.parametrize("name", ["<dsn@relay.test>", "Q3", "S3", "Q1"])
def test_a_notification_and_its_message_are_linked_both_ways(past: Past, name: str) -> None:
    text = past.trace(name)
    assert text.index("Message <one@x.test>") < text.index("Message <dsn@relay.test>")
    assert "was reported on in <dsn@relay.test>" in text
    assert "is a notification about <one@x.test>" in text
    assert "900 octets to report on <one@x.test>" in text
    assert "alice@alpha.test INBOX UID 3 for alice@alpha.test from <> (950 octets)" in text


def test_a_message_without_message_id_is_followed_by_the_reply(tmp_path: Path) -> None:
    past = Past(tmp_path)
    past.note("relay", "accepted", "Q9", sender="", recipients=["bob@beta.test"])
    past.note("relay", "delivered", "Q9", recipient="bob@beta.test", host="mx", reply="250 OK stored as S9")
    past.note("store", "stored", "S9", account="bob@beta.test", mailbox="INBOX", uid=1)
    for name in ("Q9", "S9"):
        text = past.trace(name)
        assert text.startswith("Message without Message-ID\n  queue ID Q9, S9\n")
        assert "from <>" in text


def test_deferred_and_expired_and_no_mx(tmp_path: Path) -> None:
    past = Past(tmp_path)
    past.note("relay", "resolved", "Q", domain="x.test", mx=[], reason="the name server does not answer", extra=[1, 2])
    past.note("relay", "deferred", "Q", recipient="a@x.test", reason="no route", next=1_767_225_600.5)
    past.now = 1500
    past.note("relay", "expired", "Q", recipient="a@x.test", host="mx.x.test")
    text = past.trace("Q")
    assert "x.test: no MX (the name server does not answer) extra=1, 2" in text
    assert "a@x.test: no route (again at 00:00:00)" in text
    assert "01-02 23:59:59.501" in text
    assert "+1440 min" in text
    assert "a@x.test: mx.x.test" in text


def test_a_reason_that_has_the_reply_in_it_says_it_once(tmp_path: Path) -> None:
    past = Past(tmp_path)
    reply = "550 5.1.1 No such user"
    detail = {"recipient": "a@x.test", "host": "mx", "reply": reply, "reason": f"mx said: {reply}", "status": "5.1.1"}
    past.note("relay", "failed", "Q", **detail)
    assert past.trace("Q").endswith(f"a@x.test: mx said: {reply}")


def test_a_reason_that_has_the_host_in_it_says_it_once(tmp_path: Path) -> None:
    past = Past(tmp_path)
    reason = "mx.x.test[127.0.0.9] does not take 8-bit content (no 8BITMIME)"
    past.note("relay", "failed", "Q", recipient="a@x.test", host="mx.x.test[127.0.0.9]", reason=reason)
    past.note("relay", "failed", "Q", recipient="b@x.test", host="mx.x.test[127.0.0.9]", reply="250 OK", reason=reason)
    first, second = past.trace("Q").splitlines()[-2:]
    assert first.endswith(f"a@x.test: {reason}")
    assert second.endswith(f"b@x.test: mx.x.test[127.0.0.9] said 250 OK {reason}")


def test_a_long_list_is_cut(tmp_path: Path) -> None:
    past = Past(tmp_path)
    past.note("relay", "accepted", "Q", sender="x@x.test", recipients=[f"u{number}@x.test" for number in range(100)])
    assert past.trace("Q").endswith("u6@x.test, u7@x.test and 92 more")


def test_names_that_json_escapes(tmp_path: Path) -> None:
    past = Past(tmp_path)
    past.note("relay", "accepted", "Q", '<"a\\b"@ü.test>', sender="x@x.test")
    assert '"a\\b"@ü.test' in past.trace('"a\\b"@ü.test')


def test_escapes_of_a_stranger_reach_no_terminal(tmp_path: Path) -> None:
    """In headings, in links and in what is said of them: a Message-ID is a stranger's words (CWE-150)."""
    past = Past(tmp_path)
    name = "<\x1b]0;x\x07\u202e\u2066\U000e0041@\x9b.test>"
    past.note("relay\x1b[2J", "accepted", "Q\x1b", name, sender="\u202ea@x.test", recipients=["b@x.test\x1b"])
    past.note("relay", "queued", "Q\x1b", name, size=1)
    past.note("relay", "reported", "Q\x1b", name, dsn_queue_id="D", dsn_message_id="<d\x1b>", to="\x1b")
    past.note("relay", "queued", "D", "<d\x1b>", reports="Q\x1b", reports_message_id=name)
    text = past.trace(name)
    assert all(line.isprintable() for line in text.splitlines())
    assert text.startswith(r"Message <\x1b]0;x\x07\u202e\u2066\udb40\udc41@\u009b.test>" "\n" r"  queue ID Q\x1b")


def test_removal_alone_has_no_queue_id(tmp_path: Path) -> None:
    past = Past(tmp_path)
    past.note("store", "removed", None, "<m@x.test>", account="a", mailbox="INBOX", uid_validity="?", uid=1)
    assert past.trace("m@x.test").startswith("Message <m@x.test>\n  no queue ID\n")


def test_what_a_script_has_done(tmp_path: Path) -> None:
    past = Past(tmp_path)
    past.note("store", "filtered", "S1", "<a@x.test>", account="bob@beta.test", actions=["file", "redirect"])
    past.note("store", "filtered", "S1", "<a@x.test>", account="dave@beta.test", actions=[], error="line 1: no")
    text = past.trace("S1")
    assert "filtered  by the script of bob@beta.test: file, redirect" in text
    assert "filtered  by the script of dave@beta.test: kept, because the script failed: line 1: no" in text


def test_every_kind_can_be_told(tmp_path: Path) -> None:
    past = Past(tmp_path)
    for kind in Kind:
        past.note("relay", kind, "Q", "<m@x.test>")
    text = past.trace("Q")
    assert all(kind in text for kind in Kind)


def test_a_message_is_followed_from_mailbox_to_mailbox(tmp_path: Path) -> None:
    past = Past(tmp_path)
    here = {"account": "bob@beta.test", "protocol": "imap"}
    past.note("store", "stored", "S1", "<m@x.test>", **here, mailbox="INBOX", uid_validity=7, uid=5)
    past.note("store", "copied", **here, mailbox="INBOX", uid_validity=7, uid=6, to="B", to_uid_validity=8, to_uid=1)
    past.note(
        "store", "moved", **here, mailbox="INBOX", uid_validity=7, uid="1:2,5", to="A", to_uid_validity=9, to_uid="4:6"
    )
    past.note("store", "renamed", **here, mailbox="A", uid_validity=9, to="Z")
    past.note("store", "retrieved", **here, mailbox="Z", uid_validity=9, uid=6)
    past.note("store", "retrieved", **here, mailbox="Z", uid_validity=9, uid=5)
    past.note("store", "moved", **here, mailbox="Z", uid_validity=9, uid=6, to="Y", to_uid_validity="?", to_uid=1)
    past.note("store", "removed", **here, mailbox="Z", uid_validity=9)
    lines = past.trace("<m@x.test>").splitlines()
    assert [line.split(maxsplit=4)[4].split(maxsplit=1) for line in lines[4:]] == [
        ["moved", "bob@beta.test INBOX UID 1:2,5 to A UID 4:6 by imap"],
        ["renamed", "bob@beta.test A to Z by imap"],
        ["retrieved", "bob@beta.test Z UID 6 by imap"],
        ["moved", "bob@beta.test Z UID 6 to Y UID 1 by imap"],
        ["removed", "bob@beta.test Z by imap"],
    ]


def test_a_message_is_found_by_each_of_its_message_ids(tmp_path: Path) -> None:
    past = Past(tmp_path)
    further = ["<second@x.test>", "<third@x.test>"]
    past.note("relay", "accepted", "Q", "<first@x.test>", sender="x@x.test", further_message_ids=further)
    past.note("relay", "queued", "Q", "<first@x.test>", size=1)
    past.note("relay", "accepted", "R", "<other@x.test>", sender="x@x.test", further_message_ids="<second@x.test>")
    for name in ("<first@x.test>", "second@x.test", "<third@x.test>", "Q"):
        lines = past.trace(name).splitlines()
        assert lines[0] == "Message <first@x.test>, <second@x.test>, <third@x.test>"
        assert [line.split()[4] for line in lines[3:]] == ["accepted", "queued"]
        assert lines[3].endswith(" accepted  from x@x.test")


@pytest.fixture
def refusals(tmp_path: Path) -> Past:
    """What was refused: to a session before its message, to a message, to a message by its content, to a guesser."""
    past = Past(tmp_path)
    past.note("relay", "refused", command="RCPT", sender="a@x.test", recipient="nobody@beta.test", peer="192.0.2.1",
              client="c.test", port="submission", session="s1", reply="550 5.1.1 No such user")  # fmt: skip
    past.note("relay", "refused", command="AUTH", login="alice@alpha.test", peer="192.0.2.9", port="submission",
              session="s2", reply="535 5.7.8 Authentication failed")  # fmt: skip
    past.note("relay", "accepted", "Q", "<one@x.test>", sender="a@x.test", recipients=["b@x.test"], session="s1")
    past.note("relay", "refused", None, "<big@x.test>", command="content", peer="192.0.2.1", session="s1",
              sender="a@x.test", recipients=["dave@x.test", "erin@x.test"], reply="552 5.3.4 Too large")  # fmt: skip
    past.note("store", "refused", None, None, command="TLS", peer="192.0.2.9", reason="unknown ca\x1b")
    return past


def test_refusals_in_the_session_of_a_message_are_on_its_road(refusals: Past) -> None:
    lines = refusals.trace("one@x.test").splitlines()
    assert [line.split(maxsplit=5)[4:] for line in lines[3:]] == [
        [
            "refused",
            (
                "RCPT from a@x.test for nobody@beta.test by c.test [192.0.2.1] on submission in session s1"
                " got 550 5.1.1 No such user"
            ),
        ],
        ["accepted", "from a@x.test for b@x.test"],
    ]


def test_what_the_store_does_is_in_the_time_of_a_world_whose_clock_was_pushed(tmp_path: Path) -> None:
    past, sent = Past(tmp_path), "<one@x.test>"
    past.now = 5000
    past.note("relay", "accepted", "Q", sent, sender="a@x.test", recipients=["b@x.test"])
    past.note("relay", "attempted", "Q", sent, attempt=1, recipients=["b@x.test"])
    past.note("relay", "delivered", "Q", sent, attempt=1, recipient="b@x.test", reply="250 2.0.0 OK stored as S")
    past.now = 10
    place: dict[str, Any] = {"account": "b@x.test", "mailbox": "INBOX", "uid_validity": 7}
    past.note("store", "stored", "S", sent, recipients=["b@x.test"], uid=3, **place)
    past.note("store", "retrieved", uid="3", protocol="imap", **place)
    lines = past.trace("one@x.test").splitlines()
    assert [line.split()[4] for line in lines[3:]] == ["accepted", "attempted", "stored", "delivered", "retrieved"]
    assert lines[2] == "  2026-01-06, times in UTC"


def test_refusals_in_a_session_between_relay_and_store_are_of_other_messages(tmp_path: Path) -> None:
    past = Past(tmp_path)
    past.note("relay", "accepted", "Q", "<one@x.test>", sender="a@x.test", recipients=["b@x.test"], session="s1")
    past.note("relay", "attempted", "Q", "<one@x.test>", attempt=1, recipients=["b@x.test"], session="s2")
    past.note("store", "refused", command="RCPT", recipient="nobody@else.test", session="s3", reply="550 No such user")
    past.note("store", "stored", "S", "<one@x.test>", recipients=["b@x.test"], session="s3")
    assert [line.split()[4] for line in past.trace("one@x.test").splitlines()[3:]] == [
        "accepted",
        "attempted",
        "stored",
    ]


def test_a_refused_content_is_found_by_its_message_id(refusals: Past) -> None:
    lines = refusals.trace("<big@x.test>").splitlines()
    assert lines[:2] == ["Message <big@x.test>", "  no queue ID"]
    assert lines[4].endswith(
        "refused  content from a@x.test for dave@x.test, erin@x.test [192.0.2.1] in session s1 got 552 5.3.4 Too large"
    )


@pytest.mark.parametrize(
    ("name", "commands"),
    [
        ("192.0.2.9", ["AUTH", "TLS"]),
        ("192.0.2.1", ["RCPT", "content"]),
        ("s2", ["AUTH"]),
        ("alice@alpha.test", ["AUTH"]),
        ("nobody@beta.test", ["RCPT"]),
        ("a@x.test", ["RCPT", "content"]),
        ("erin@x.test", ["content"]),
    ],
)
def test_refusals_are_found_by_whom_they_met(
    refusals: Past, capsys: pytest.CaptureFixture[str], name: str, commands: list[str]
) -> None:
    assert main([name, "--journal", str(refusals.directory)]) == 0
    first, *lines = capsys.readouterr().out.splitlines()
    assert first == "  2026-01-01, times in UTC"
    assert [line.split()[5] for line in lines] == commands
    assert all(line.isprintable() for line in lines)


class TestCommand:
    def test_prints(self, past: Past, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["one@x.test", "--journal", str(past.directory)]) == 0
        assert capsys.readouterr().out.startswith("Message <one@x.test>\n")

    def test_nothing_found(self, past: Past, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["nope", "--journal", str(past.directory)]) == 1
        assert capsys.readouterr().err.startswith("No message with the ID nope is in the journal (")

    def test_no_journal(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("POSTROAD_DATA", str(tmp_path))
        assert main(["x"]) == 1
        assert capsys.readouterr().err.startswith(f"There is no journal in {tmp_path / 'journal'}")

    def test_bad_settings(self, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("POSTROAD_NETWORK", "x")
        assert main(["x"]) == 1
        assert "POSTROAD_NETWORK=x" in capsys.readouterr().err

    def test_a_journal_that_may_not_be_read(
        self, past: Past, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def refuse(*_: object) -> int:
            raise PermissionError(13, "Permission denied", "relay.jsonl")

        monkeypatch.setattr("postroad.journal.reader.open_regular", refuse)
        assert main(["one@x.test", "--journal", str(past.directory)]) == 1
        assert capsys.readouterr().err == "The journal cannot be read: [Errno 13] Permission denied: 'relay.jsonl'\n"
