"""vacation (RFC 5230, RFC 6131): to which messages there is a response, and which one."""

from __future__ import annotations

import email
from email.header import decode_header, make_header

import pytest

from postroad_store.sieve.actions import Respond
from postroad_store.sieve.letters import Origin, response
from postroad_store.sieve.message import Message
from tests.store.sieve.toy import MESSAGE, compiled, decide, faults, outcome


def responses(script: str, message: bytes = MESSAGE, **around: object) -> list[Respond]:
    done = outcome(f'require ["vacation", "vacation-seconds", "variables"]; {script}', message, **around)
    assert done.error is None, done.error
    return [action for action in done.actions if isinstance(action, Respond)]


TAGS = [
    ('vacation "gone";', "respond 604800 bob@beta.test Auto: Grüße from  Alice: gone"),
    ('vacation :days 3 "gone";', "respond 259200 bob@beta.test Auto: Grüße from  Alice: gone"),
    ('vacation :days 0 "gone";', "respond 86400 bob@beta.test Auto: Grüße from  Alice: gone"),
    ('vacation :days 9999 "gone";', "respond 7776000 bob@beta.test Auto: Grüße from  Alice: gone"),
    ('vacation :seconds 30 "gone";', "respond 30 bob@beta.test Auto: Grüße from  Alice: gone"),
    ('vacation :seconds 0 "gone";', "respond 0 bob@beta.test Auto: Grüße from  Alice: gone"),
    ('vacation :seconds 99999999 "gone";', "respond 7776000 bob@beta.test Auto: Grüße from  Alice: gone"),
    ('vacation :subject "S" :from "Bob <b@beta.test>" "gone";', "respond 604800 Bob <b@beta.test> S: gone"),
    ('set "a" "nobody"; vacation :from "${a}" "gone";', "respond 604800 bob@beta.test Auto: Grüße from  Alice: gone"),
]


@pytest.mark.parametrize(("script", "action"), TAGS)
def test_tags(script: str, action: str) -> None:
    assert decide(f'require ["vacation", "vacation-seconds", "variables"]; {script}') == [action, "keep"]


def test_a_message_without_subject() -> None:
    (action,) = responses('vacation "gone";', b"To: bob@beta.test\r\n\r\n")
    assert action.subject == "Automated reply"


FIELDS = [
    ("", True),
    ("Auto-Submitted: no", True),
    ("Auto-Submitted: NO; really", True),
    ("Auto-Submitted: auto-generated", False),
    ("Precedence: bulk", False),
    ("Precedence: first-class", True),
    *((f"X-Auto-Response-Suppress: {words}", False) for words in ("All", "OOF", "DR, oof ,RN")),
    ("X-Auto-Response-Suppress: DR, AutoReply", True),  # other responses than those of people who are away
    ("List-Id: <a.b>", False),
    ("List-Unsubscribe: <mailto:a@b.test>", False),
    ("List-Post: NO", False),
    *((f"List-{name}: x", False) for name in ("Id", "Help", "Subscribe", "Unsubscribe", "Owner", "Archive")),
    *((f"Precedence: {name}", False) for name in ("Junk", "list ")),
]


@pytest.mark.parametrize(("field", "answered"), FIELDS)
def test_messages_by_their_fields(field: str, answered: bool) -> None:
    message = f"To: bob@beta.test\r\n{field}".rstrip().encode() + b"\r\n\r\n"
    assert bool(responses('vacation "gone";', message)) is answered


@pytest.mark.parametrize("name", ["To", "Cc", "Bcc", "Resent-To", "Resent-Cc", "Resent-Bcc"])
def test_fields_one_of_which_names_the_user(name: str) -> None:
    assert responses('vacation "gone";', f"{name}: a@b.test, Bob <BOB@beta.test>\r\n\r\n".encode())
    assert not responses('vacation "gone";', f"X-{name}: bob@beta.test\r\n\r\n".encode())


SENDERS = [
    (("alice", "alpha.test"), True),
    (None, False),
    (("MAILER-DAEMON", "alpha.test"), False),
    (("owner-list", "alpha.test"), False),
    (("list-request", "alpha.test"), False),
    (("list-bounces+x", "alpha.test"), False),
    (("no-reply", "alpha.test"), False),
    (("noreply2", "alpha.test"), True),
    (("postmaster", "alpha.test"), True),
    (("BOB", "Beta.test"), False),
]


@pytest.mark.parametrize(("sender", "answered"), SENDERS)
def test_messages_by_their_sender(sender: tuple[str, str] | None, answered: bool) -> None:
    assert bool(responses('vacation "gone";', sender=sender)) is answered


RECIPIENTS = [
    (b"To: bob@beta.test\r\n\r\n", "", True),
    (b"Cc: x@y.test, BOB@BETA.test\r\n\r\n", "", True),
    (b"Resent-Bcc: bob+inbox@beta.test\r\n\r\n", "", True),  # the forward-path
    (b"To: bob+other@beta.test\r\n\r\n", "", False),
    (b"To: list@beta.test\r\n\r\n", "", False),
    (b"To: list@beta.test\r\n\r\n", ':addresses ["x", "List@beta.test"]', True),
    (b"Subject: x\r\n\r\n", "", False),
]


@pytest.mark.parametrize(("message", "tags", "answered"), RECIPIENTS)
def test_messages_by_their_recipient(message: bytes, tags: str, answered: bool) -> None:
    assert bool(responses(f'vacation {tags} "gone";', message)) is answered


def test_why_there_is_no_response_is_noted() -> None:
    assert outcome('require "vacation"; vacation "gone";', sender=None).notes == (
        "vacation: no response, because the reverse-path is null",
    )
    (note,) = outcome('require ["vacation", "variables"]; vacation :from "${a}" "gone";').notes
    assert note == "vacation: '' is not a mail address, so the account's own is used"


@pytest.mark.parametrize(
    ("sender", "fields", "reason"),
    [
        (None, "", "the reverse-path is null"),
        (("NoReply", "Alpha.test"), "", "nobody reads mail to NoReply@Alpha.test"),
        (("bob", "beta.test"), "", "it is the user's own message"),
        (("bob+inbox", "beta.test"), "", "it is the user's own message"),
        (("a", "b.test"), "List-Id: x\r\nAuto-Submitted: x\r\nPrecedence: bulk\r\n", "it has list-id"),
        (("a", "b.test"), "List-Archive: x\r\n", "it has list-archive"),
        (
            ("a", "b.test"),
            f"Auto-Submitted: no\r\nAuto-Submitted: {'x' * 61}\r\nPrecedence: bulk\r\n",
            f"it is Auto-Submitted: {'x' * 60}",
        ),
        (("a", "b.test"), "Precedence: Bulk \r\n", "its Precedence says that it was sent to many"),
        (
            ("a", "b.test"),
            f"X-Auto-Response-Suppress: all,{'x' * 61}\r\nTo: c@d.test\r\n",
            f"it has X-Auto-Response-Suppress: all,{'x' * 56}",
        ),
        (("a", "b.test"), "To: c@d.test\r\n", "no recipient field names the user"),
    ],
)
def test_the_reason_why_there_is_none(sender: tuple[str, str] | None, fields: str, reason: str) -> None:
    """The first that holds; it is for the user, who wonders why nobody was told."""
    to = "" if "To:" in fields else "To: bob@beta.test\r\n"
    done = outcome('require "vacation"; vacation "gone";', f"{to}{fields}\r\n".encode(), sender=sender)
    assert done.notes == (f"vacation: no response, because {reason}",)


@pytest.mark.parametrize(
    "local_part",
    """\
mailer-daemon|MAILER-DAEMON|listserv|majordomo|mdaemon|noreply|no-reply|donotreply|do-not-reply|do-notreply|bounce|
bounces|owner-list|owner-|list-request|list-owner|list-bounce|list-bounces|list-bounces+a=b|list-bounce-1|bounce+1|
bounces-1""".replace("\n", "").split("|"),
)
def test_addresses_behind_which_nobody_reads(local_part: str) -> None:
    assert not responses('vacation "gone";', sender=(local_part, "alpha.test"))
    assert responses('vacation "gone";', sender=(f"{local_part}x", "alpha.test")) or local_part.startswith(
        ("owner-", "bounce+", "bounces-", "list-bounces+", "list-bounce-")
    )
    assert responses('vacation "gone";', sender=(f"x{local_part}", "alpha.test")) or local_part.startswith("list-")


@pytest.mark.parametrize("end", ["0d", "0a"])
def test_an_address_with_a_line_end_is_none(end: str) -> None:
    """It would begin another header field of the response, or another command of SMTP."""
    require = 'require ["encoded-character", "variables", "vacation"]; '
    written = f"Bob${{hex:{end}}} <b@beta.test>"
    done = outcome(f'{require} set "a" "{written}"; vacation :from "${{a}}" "gone";')
    assert [action.sender for action in done.actions if isinstance(action, Respond)] == ["bob@beta.test"]
    line_end = {"0d": "\r", "0a": "\n"}[end]
    shown = repr(f"Bob{line_end} <b@beta.test>")
    assert done.notes == (f"vacation: {shown} is not a mail address, so the account's own is used",)
    for command in (f'redirect "{written}";', f'vacation :from "{written}" "gone";'):
        (fault,) = faults(f"{require} {command}")
        assert fault.endswith(f"{shown} is not a mail address")
    (error,) = decide(f'{require} set "a" "{written}"; redirect "${{a}}";')
    assert error == f"error line 1: {shown} is not a mail address"


def test_a_mime_response_may_be_made_of_variables() -> None:
    (action,) = responses('set "a" "x"; vacation :mime "${a}";')
    assert (action.reason, action.mime) == ("x", True)
    assert not responses('vacation "x";')[0].mime


def handle(script: str) -> str:
    (action,) = responses(script)
    return action.handle


def test_handles_tell_responses_apart() -> None:
    assert handle('vacation "a";') == handle('vacation :days 3 :addresses "x@y.test" "a";')
    different = ['vacation "a";', 'vacation "b";', 'vacation :subject "a" "a";', 'vacation :mime "a";']
    different += ['vacation :from "a@b.test" "a";', 'vacation :handle "a" "a";', 'vacation :handle "b" "a";']
    assert len({handle(script) for script in different}) == len(different)
    assert handle('vacation :handle "a" "x";') == handle('vacation :handle "a" :subject "s" "y";')
    # RFC 5230 §4.2: not by what the variables have become
    assert handle('set "a" "1"; vacation :subject "${a}" "x";') == handle('set "a" "2"; vacation :subject "${a}" "x";')


ERRORS = [
    ('vacation "a"; vacation "b";', "vacation can be used once"),
    ('vacation "a"; reject "b";', "reject goes with no other action, and only once"),
    ('reject "b"; vacation "a";', "nothing goes with reject"),
    (
        'set "a" "0123456789abcdef";' + 'set "a" "${a}${a}";' * 10 + 'vacation "' + "${a}" * 5 + '";',
        "a vacation response has at most 65536 characters",
    ),
]


@pytest.mark.parametrize(("script", "error"), ERRORS)
def test_errors(script: str, error: str) -> None:
    require = 'require ["vacation", "reject", "variables"]; '
    assert decide(require + script) == [f"error line 1: {error}"]
    if "reject" in script:  # also where no response would be sent
        assert decide(require + script, sender=None) == [f"error line 1: {error}"]


def test_vacation_goes_with_deliveries() -> None:
    script = 'require ["vacation", "fileinto"]; vacation "a"; fileinto "Junk"; redirect "x@y.test";'
    assert len(decide(script)) == 3
    assert decide('require "vacation"; vacation "a"; discard;')[1:] == []


FAULTS = [
    ('vacation :from "nobody" "a";', "'nobody' is not a mail address"),
    ('vacation :mime "Subject: \u00fc\n\na";', "the header fields of a :mime response must be ASCII"),
    ('vacation :days 1 :seconds 1 "a";', ":seconds and :days do not go together"),
    ('vacation :days "1" "a";', ":days takes a number here"),
    ("vacation :days;", ":days takes a number"),
]


@pytest.mark.parametrize(("script", "fault"), FAULTS)
def test_faults(script: str, fault: str) -> None:
    (said,) = faults(f'require ["vacation-seconds"]; {script}')
    assert said.endswith(fault)


def test_seconds_need_their_extension() -> None:
    assert faults('require "vacation"; vacation :seconds 1 "a";') == [
        'line 1, column 30: :seconds needs require "vacation-seconds"'
    ]


def test_a_period_that_is_too_long_is_worth_a_warning() -> None:
    (warning,) = compiled('require "vacation"; vacation :days 91 "a";').warnings
    assert warning == "line 1, column 21: :days is at most 90, which is used instead"
    assert compiled('require "vacation-seconds"; vacation :seconds 7776000 "a";').warnings == ()
    (warning,) = compiled('require "vacation-seconds"; vacation :seconds 7776001 "a";').warnings
    assert warning == "line 1, column 29: :seconds is at most 7776000, which is used instead"


def test_only_a_mime_response_must_be_ascii() -> None:
    assert faults('require "vacation"; vacation "Gr\u00fc\u00dfe";') == []


@pytest.mark.parametrize(
    "sender",
    ["bob", "Bob b@beta.test", "none, b@beta.test", "", "x: y <b@beta.test>", "x: b@beta.test;", "b@beta.test;"],
)
def test_what_is_no_list_of_mailboxes_is_an_error(sender: str) -> None:
    (fault,) = faults(f'require "vacation"; vacation :from "{sender}" "gone";')
    assert fault.endswith(f"{sender!r} is not a mail address")


@pytest.mark.parametrize(
    ("sender", "fields"),
    [
        ("Bob <b@beta.test>", "From: Bob <b@beta.test>\r\n"),
        ("J\u00fcrgen <b@beta.test>", "From: =?utf-8?q?J=C3=BCrgen?= <b@beta.test>\r\n"),
        ("B <b@beta.test>, c@beta.test", "From: B <b@beta.test>, c@beta.test\r\nSender: bob@beta.test\r\n"),
        ("b\u00fc@beta.test", "From: <b\u00fc@beta.test>\r\n"),
        # RFC 2047 §5: no encoded-word within a quoted-string, which a name with a dot would need
        ("=?utf-8?q?J=C3=BC?= B. <b@beta.test>", "From: =?utf-8?b?SsO8IEIu?= <b@beta.test>\r\n"),
        ("=?utf-8?q?a=0D=0AX=3A_b=00?= <b@beta.test>", 'From: "aX: b" <b@beta.test>\r\n'),
        ("B. B <b@beta.test>", 'From: "B. B" <b@beta.test>\r\n'),
        ('\\"B: B; \\\\\\" x\\" <b@beta.test>', 'From: "B: B; \\" x" <b@beta.test>\r\n'),
        ("B <b@[IPv6:2001:db8::1]>", "From: B <b@[IPv6:2001:db8::1]>\r\n"),
        ("J\u00fc <b@beta.test>, b\u00fc@beta.test", "Sender: bob@beta.test\r\n"),
    ],
)
def test_senders_are_written_as_header_fields_have_them(sender: str, fields: str) -> None:
    done = outcome(f'require "vacation"; vacation :from "{sender}" "gone";')
    (action,) = (each for each in done.actions if isinstance(each, Respond))
    origin = Origin("mx.test", "bob@beta.test", 0.0, "unique")
    letter = response(origin, Message(MESSAGE), action, "alice@alpha.test")
    assert fields.encode() + b"To: <alice@alpha.test>\r\n" in letter


def test_the_encoded_words_of_a_long_sender_are_short() -> None:
    """RFC 2047 §2: an encoded-word has at most 75 characters."""
    name = "\u0436" * 60
    done = outcome(r'require "vacation"; vacation :from "\"' + name + r' \\\"x\" <b@beta.test>" "gone";')
    (action,) = (each for each in done.actions if isinstance(each, Respond))
    letter = response(Origin("mx.test", "bob@beta.test", 0.0, "unique"), Message(MESSAGE), action, "alice@alpha.test")
    sender = email.message_from_bytes(letter)["From"]
    assert max(map(len, sender.split())) <= 75
    assert str(make_header(decode_header(sender))) == f'{name} "x <b@beta.test>'


@pytest.mark.parametrize(
    ("header", "fields"),
    [
        ("Message-ID: <a@b>\r\nReferences: old words <1@x>\r\n <2@x>", "<a@b> <1@x> <2@x> <a@b>"),
        ("Message-ID:\r\n <a@b> (mine)\r\nIn-Reply-To: your message of today <1@x>", "<a@b> <1@x> <a@b>"),
        ("Message-ID: <a@b>\r\nIn-Reply-To: <1@x> <2@x>", "<a@b> <a@b>"),
        ("Message-ID: a", "a a"),
        (f"Message-ID: <{'a' * 496}@b>", f"<{'a' * 496}@b> <{'a' * 496}@b>"),  # of 500 octets
        (f"Message-ID: <{'a' * 497}@b>", "None None"),
    ],
)
def test_the_thread_of_a_response(header: str, fields: str) -> None:
    message = f"{header}\r\nTo: bob@beta.test\r\n\r\n".encode()
    (action,) = responses('vacation "gone";', message)
    letter = response(Origin("mx.test", "bob@beta.test", 0.0, "unique"), Message(message), action, "alice@alpha.test")
    parsed = email.message_from_bytes(letter)
    assert f"{parsed['In-Reply-To']} {parsed['References']}".split() == fields.split()


def test_an_answer_to_a_message_without_a_subject_has_one() -> None:
    said = decide('require "vacation"; vacation "gone";', b"From: alice@alpha.test\r\nTo: bob@beta.test\r\n\r\nx")
    assert "respond 604800 bob@beta.test Automated reply: gone" in said
