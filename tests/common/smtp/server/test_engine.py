"""The engine's side towards its caller; what it says to clients is in the dialogues."""

from __future__ import annotations

import ipaddress

import pytest

from postroad.engine import NEED_DATA, PAUSED, LocalProtocolError, Wait
from postroad.foreign import HTTP_METHODS
from postroad.mail.address import Address
from postroad.mail.envelope import Envelope, Recipient
from postroad.mail.reply import (
    BAD_CONTENT,
    LOCAL_ERROR,
    OK,
    RECIPIENT_OK,
    SENDER_OK,
    SHUTTING_DOWN,
    STORAGE_FULL,
    TIMEOUT,
)
from postroad.sasl.mechanism import Claim
from postroad.sasl.password import Password
from postroad.smtp.extensions import EXTENSIONS
from postroad.smtp.server.commands import HTTP_SPOKEN
from postroad.smtp.server.engine import Engine
from postroad.smtp.server.events import (
    Authenticate,
    Block,
    Close,
    Connected,
    Discard,
    Event,
    Flush,
    Mail,
    Message,
    Rcpt,
    Refused,
    StartTls,
)
from postroad.smtp.server.profile import Profile
from postroad.smtp.server.sequence import State
from postroad.smtp.server.service import Limits, Purpose, Session
from tests.harness.sasl import TLS, nobodys

ENVELOPE = Envelope(Address("a", "alpha.test"), (Recipient(Address("b", "beta.test")),))
TRANSACTION = b"MAIL FROM:<a@alpha.test>\r\nRCPT TO:<b@beta.test>\r\nDATA\r\n"


@pytest.fixture
def session() -> Session:
    return Session(Purpose.SUBMISSION, ipaddress.ip_address("192.0.2.1"), 1, "1")


@pytest.fixture
def engine(session: Session) -> Engine:
    profile = Profile(
        hostname="mx.test",
        limits=Limits(),
        postmaster=Address("postmaster", "mx.test"),
        starttls=True,
        sasl=nobodys("smtp"),
        extensions=EXTENSIONS,
    )
    engine = Engine(profile, session)
    assert engine.next_event() == Connected()
    engine.answer(profile.greeting)
    feed(engine, b"EHLO client.test\r\n")
    return engine


def events(engine: Engine) -> list[Event]:
    happened = []
    while not isinstance(event := engine.next_event(), Wait):
        happened.append(event)
        match event:
            case Mail():
                engine.answer(SENDER_OK)
            case Rcpt():
                engine.answer(RECIPIENT_OK)
    return happened


def feed(engine: Engine, octets: bytes) -> bytes:
    engine.receive_data(octets)
    events(engine)
    return engine.data_to_send()


def test_it_waits_for_each_answer(engine: Engine) -> None:
    engine.receive_data(TRANSACTION)
    assert isinstance(engine.next_event(), Mail)
    assert engine.next_event() is PAUSED
    assert engine.data_to_send() == b""
    engine.answer(SENDER_OK)
    assert isinstance(engine.next_event(), Rcpt)
    assert engine.next_event() is PAUSED
    engine.answer(RECIPIENT_OK)
    assert engine.next_event() is NEED_DATA
    assert engine.data_to_send() == SENDER_OK.encode() + RECIPIENT_OK.encode() + (
        b"354 End data with <CR><LF>.<CR><LF>\r\n"
    )


def test_no_250_before_the_commit(engine: Engine) -> None:
    feed(engine, TRANSACTION)
    engine.receive_data(b"x\r\n.\r\nNOOP\r\nQUIT\r\n")
    assert engine.next_event() == Block(b"x\r\n")
    message = engine.next_event()
    assert isinstance(message, Message)
    assert [str(recipient.address) for recipient in message.envelope.recipients] == ["b@beta.test"]
    assert engine.next_event() is PAUSED
    assert engine.data_to_send() == b""
    assert engine.buffered == len(b"NOOP\r\nQUIT\r\n")
    engine.answer(OK)
    assert engine.next_event() == Close()
    assert engine.data_to_send() == OK.encode() * 2 + b"221 2.0.0 mx.test closing transmission channel\r\n"
    assert engine.next_event() is PAUSED
    engine.receive_data(b"NOOP\r\n")
    assert engine.next_event() is PAUSED
    assert engine.data_to_send() == b""


def test_rcpt_has_the_envelope_so_far(engine: Engine) -> None:
    engine.receive_data(b"MAIL FROM:<> SIZE=7\r\nRCPT TO:<b@beta.test>\r\nRCPT TO:<c@beta.test>\r\n")
    happened = events(engine)
    assert [len(event.envelope.recipients) for event in happened if isinstance(event, Rcpt)] == [0, 1]
    last = happened[-1]
    assert isinstance(last, Rcpt)
    assert last.envelope.reverse_path is None
    assert last.envelope.declared_size == 7


def test_answer_without_a_question(engine: Engine) -> None:
    with pytest.raises(LocalProtocolError, match="no event waits"):
        engine.answer(OK)


def test_content_that_cannot_be_kept(engine: Engine) -> None:
    feed(engine, TRANSACTION)
    engine.receive_data(b"x\r\n" * 10)
    assert isinstance(engine.next_event(), Block)
    engine.refuse_content(STORAGE_FULL)
    engine.receive_data(b"more\r\n")
    assert events(engine) == []
    engine.receive_data(b".\r\nNOOP\r\n")
    assert events(engine) == [Refused("content", STORAGE_FULL, envelope=ENVELOPE)]
    assert engine.data_to_send() == STORAGE_FULL.encode() + OK.encode()


def test_content_refused_with_its_last_block(engine: Engine) -> None:
    feed(engine, TRANSACTION)
    engine.receive_data(b"x\r\n.\r\n")
    assert isinstance(engine.next_event(), Block)
    engine.refuse_content(LOCAL_ERROR)
    assert events(engine) == [Refused("content", LOCAL_ERROR, envelope=ENVELOPE)]
    assert engine.data_to_send() == LOCAL_ERROR.encode()


def test_content_that_is_refused_is_discarded_at_once(engine: Engine) -> None:
    feed(engine, TRANSACTION)
    engine.receive_data(b"x\r\n" * 10)
    assert isinstance(engine.next_event(), Block)
    engine.receive_data(b"bare\nLF\r\n")
    assert events(engine) == [Discard()]
    assert feed(engine, b"x\r\n") == b""
    assert feed(engine, b".\r\n") == BAD_CONTENT.encode()


@pytest.mark.parametrize("method", sorted(HTTP_METHODS))
def test_http_ends_the_session_with_its_first_line(engine: Engine, method: bytes) -> None:
    engine.receive_data(f"{method.decode()} / HTTP/1.1\r\nNOOP\r\n".encode())
    assert events(engine) == [Refused("connection", HTTP_SPOKEN), Close()]
    assert engine.data_to_send() == b"421 4.5.0 mx.test This is SMTP, and the client speaks HTTP\r\n"


def test_http_in_an_exchange_ends_the_session(engine: Engine) -> None:
    assert feed(engine, b"AUTH PLAIN\r\n") == b"334 \r\n"
    engine.receive_data(b"POST /" + b"x" * 13000 + b"\r\n")
    assert events(engine) == [Refused("AUTH", HTTP_SPOKEN), Close()]
    assert engine.data_to_send().startswith(b"421 4.5.0")


def test_a_reply_without_a_question_changes_nothing(engine: Engine) -> None:
    engine.receive_data(b"STARTTLS\r\n")
    assert engine.next_event() == StartTls()
    with pytest.raises(LocalProtocolError, match="no event waits"):
        engine.answer(OK)
    assert engine.next_event() is PAUSED


def test_refused_commands_are_told_with_their_own_names(engine: Engine) -> None:
    engine.receive_data(b"MAIL FROM:<>\r\nMAIL FROM:<a>\r\nnonsense\r\nNOOP\0\r\nRCPT TO:<b>\r\nAUTH PLAIN secret\r\n")
    told = [(event.command, event.argument) for event in events(engine) if isinstance(event, Refused)]
    assert told == [("MAIL", "FROM:<a>"), ("RCPT", "TO:<b>"), ("AUTH", "")]


def test_refuse_content_outside_data_is_nothing(engine: Engine) -> None:
    engine.refuse_content(LOCAL_ERROR)
    assert feed(engine, b"NOOP\r\n") == OK.encode()


def test_much_to_send_is_sent_in_between(engine: Engine) -> None:
    engine.receive_data(b"NOOP\r\n" * 600)
    octets = b""
    flushes = 0
    while not isinstance(event := engine.next_event(), Wait):
        assert event == Flush()
        flushes += 1
        octets += engine.data_to_send()
    assert octets + engine.data_to_send() == OK.encode() * 600
    assert flushes == 2


@pytest.mark.parametrize("octets", [b"", b"MAIL FROM:<>\r\n", TRANSACTION, TRANSACTION + b"x\r\n"])
def test_shut_down_anywhere(engine: Engine, octets: bytes) -> None:
    for line in octets.splitlines(keepends=True):
        feed(engine, line)
    engine.shut_down(SHUTTING_DOWN)
    engine.shut_down(TIMEOUT)
    assert engine.next_event() == Close()
    assert engine.next_event() is PAUSED
    assert engine.data_to_send() == b"421 4.3.2 mx.test Service shutting down\r\n"
    assert engine.state is State.CLOSED


def test_in_transaction(engine: Engine) -> None:
    assert not engine.in_transaction
    for line in (*TRANSACTION.splitlines(keepends=True), b"x\r\n"):
        feed(engine, line)
        assert engine.in_transaction
    feed(engine, b".\r\n")
    engine.answer(OK)
    assert not engine.in_transaction


def test_what_comes_through_tls_is_kept(engine: Engine, session: Session) -> None:
    engine.receive_data(b"STARTTLS\r\n")
    assert engine.next_event() == StartTls()
    engine.data_to_send()
    engine.receive_data(b"EHLO again.test\r\n")  # it may come before the caller knows that the handshake is done
    assert engine.next_event() is PAUSED
    engine.tls_started("TLSv1.3", "TLS_AES_128_GCM_SHA256", TLS)
    assert (session.tls_version, session.client_name, session.extended) == ("TLSv1.3", None, False)
    assert engine.next_event() is NEED_DATA
    assert engine.data_to_send().startswith(b"250-mx.test\r\n")
    assert session.client_name == "again.test"


def test_a_password_is_not_shown(engine: Engine) -> None:
    engine.receive_data(b"AUTH PLAIN AGFsaWNlAHNlY3JldA==\r\n")
    event = engine.next_event()
    assert isinstance(event, Authenticate)
    assert event.claim == Claim("PLAIN", "alice", Password("secret"))
    assert "secret" not in repr(event)


def test_what_a_mistyped_quit_gets_is_no_event(engine: Engine) -> None:
    """Refusals of MAIL, RCPT and AUTH are: an administrator looks for these."""
    events(engine)
    engine.receive_data(b"EHLO c\r\nQUIT now\r\n")
    assert not [event for event in events(engine) if isinstance(event, Refused)]
    assert b"\r\n501 " in engine.data_to_send()


@pytest.mark.parametrize(("more", "code"), [(0, b"504 5.5.4 "), (1, b"500 5.5.2 Line too long\r\n")])
def test_the_longest_line(engine: Engine, more: int, code: bytes) -> None:
    assert engine.profile.longest_line == 12288  # RFC 4954 §4
    answer = feed(engine, b"AUTH X " + b"x" * (12288 - len(b"AUTH X \r\n") + more) + b"\r\n")
    assert answer.startswith(code)


def test_a_mechanism_that_is_not_ascii_is_not_known(engine: Engine) -> None:
    assert feed(engine, b"AUTH \xff\r\n").startswith(b"504 5.5.4 ")


def test_an_exchange_that_ends_leaves_no_transaction_open(engine: Engine) -> None:
    for end in (b"*\r\n", b"!\r\n"):
        assert feed(engine, b"AUTH LOGIN\r\n").startswith(b"334 ")
        assert feed(engine, end).startswith(b"501 5.")
        assert feed(engine, b"RCPT TO:<b@beta.test>\r\n").startswith(b"503 5.5.1 ")


def test_content_that_is_refused_counts_as_one_error(session: Session) -> None:
    profile = Profile(
        hostname="mx.test",
        limits=Limits(errors=2),
        postmaster=Address("postmaster", "mx.test"),
        starttls=False,
        extensions=EXTENSIONS,
    )
    for contents in (1, 2):
        engine = Engine(profile, session)
        assert engine.next_event() == Connected()
        engine.answer(profile.greeting)
        feed(engine, b"EHLO client.test\r\n")
        for _ in range(contents):
            feed(engine, TRANSACTION)
            assert feed(engine, b"a\nb\r\n.\r\n") == BAD_CONTENT.encode()
        replies = [feed(engine, b"BOGUS\r\n")[:3] for _ in range(3 - contents)]
        assert replies == [b"500"] * (2 - contents) + [b"421"]
        assert engine.buffered == 0
