"""The SMTP client against scripted servers: `S:` is what the server says, `C:` what the client must send then.

Every script is run with the server's octets whole and one by one. A line `!` makes the adapter do something.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from postroad.engine import NEED_DATA, PAUSED, LocalProtocolError, Wait
from postroad.mail.address import Address, parse_address
from postroad.mail.envelope import BodyType, Envelope, Recipient
from postroad.smtp.client.engine import BLOCK_TIMEOUT, Client
from postroad.smtp.client.events import Event, Finished, Ready, Refused, SendContent, StartTls, Transaction
from postroad.smtp.client.outcome import Deferred, Delivered, Failed, Outcome
from postroad.smtp.client.transitions import State
from postroad.smtp.extensions import EXTENSIONS

if TYPE_CHECKING:
    from collections.abc import Callable

SERVER = "mx.test[127.0.0.9]"
ALICE = Address("alice", "alpha.test")
BOB = Address("bob", "beta.test")
DAVE = Address("dave", "beta.test")


def mail(
    *recipients: Address,
    reverse_path: Address | None = ALICE,
    size: int = 8,
    eight_bit: bool = False,
    utf8_header: bool = False,
    **parameters: Any,
) -> Transaction:
    to = tuple(map(Recipient, recipients or (BOB,)))
    return Transaction(Envelope(reverse_path, to, **parameters), size, eight_bit, utf8_header)


ONE = mail()
TWO = mail(BOB, DAVE)


class Talk:
    """A client in a scripted conversation."""

    def __init__(self, *, step: int | None = None, starttls: bool = True) -> None:
        self.client = Client("relay.test", SERVER, EXTENSIONS, starttls=starttls)
        self.step = step
        self.events: list[Event] = []

    def run(self, script: str, transaction: Transaction = ONE) -> list[Event]:
        expected, sent = b"", b""
        for line in filter(None, map(str.strip, script.splitlines())):
            side, _, text = line.partition(" ")
            if side == "C:":
                expected += self.octets(text)
                continue
            sent += self.client.data_to_send()
            assert sent == expected, f"before {line!r}"
            if side == "S:":
                octets = self.octets(text)
                for start in range(0, len(octets), self.step or len(octets)):
                    self.client.receive_data(octets[start : start + (self.step or len(octets))])
            else:
                self.act(text, transaction)
            while not isinstance(event := self.client.next_event(), Wait):
                self.events.append(event)
        sent += self.client.data_to_send()
        assert sent == expected, "at the end"
        events, self.events = self.events, []
        return events

    @staticmethod
    def octets(text: str) -> bytes:
        return text.replace("\\r\\n", "\r\n").encode() + b"\r\n"

    def act(self, what: str, transaction: Transaction) -> None:
        match what.split():
            case ["send"]:
                self.client.send(transaction)
            case ["content", *lines]:
                self.client.content("".join(line + "\r\n" for line in lines).encode())
                self.client.end_content()
            case ["half"]:
                self.client.content(b"half\r\n")
            case ["tls"]:
                self.client.tls_started()
            case ["quit"]:
                self.client.quit()
            case ["eof", *words]:
                self.client.receive_eof(*([" ".join(words)] if words else []))
            case other:
                raise AssertionError(other)


@pytest.fixture(params=[None, 1], ids=["whole", "octets"])
def talk(request: pytest.FixtureRequest) -> Talk:
    return Talk(step=request.param)


OPENING = """
    S: 220 mx.test ESMTP
    C: EHLO relay.test
"""
PIPELINING = OPENING + "    S: 250-mx.test\\r\\n250-PIPELINING\\r\\n250-SIZE 1000\\r\\n250-8BITMIME\\r\\n250 SMTPUTF8\n"
PLAIN = OPENING + "    S: 250 mx.test\n"


def statuses(event: Event) -> list[str]:
    assert isinstance(event, Finished)
    return [word(outcome) for outcome in event.outcomes]


def word(outcome: Outcome) -> str:
    if isinstance(outcome, Delivered):
        return "delivered"
    return f"{type(outcome).__name__.lower()} {outcome.status}"


# -- the way to READY ---------------------------------------------------------------------------------------------


def test_greeting_and_ehlo(talk: Talk) -> None:
    assert talk.client.timeout == 300
    assert talk.client.next_event() is NEED_DATA
    assert talk.client.extensions == {}
    assert talk.run(PIPELINING) == [Ready()]
    assert talk.client.state is State.READY
    assert talk.client.next_event() is PAUSED
    assert talk.client.extensions == {"PIPELINING": "", "SIZE": "1000", "8BITMIME": "", "SMTPUTF8": ""}


def test_a_server_that_does_not_know_ehlo_gets_helo(talk: Talk) -> None:
    events = talk.run("""
        S: 220-mx.test\\r\\n220 old
        C: EHLO relay.test
        S: 502 what?
        C: HELO relay.test
        S: 250-mx.test\\r\\n250 PIPELINING
    """)
    assert events == [Ready()]
    assert talk.client.extensions == {}


@pytest.mark.parametrize(
    ("script", "outcome", "reason"),
    [
        (
            "S: 554 no mail here",
            "failed 5.0.0",
            "host mx.test[127.0.0.9] said: 554 no mail here (in reply to the connection)",
        ),
        ("S: 521 5.3.2 no mail here", "failed 5.3.2", "521 5.3.2 no mail here"),
        ("S: 421 4.7.0 too many", "deferred 4.7.0", "421 4.7.0 too many (in reply to the connection)"),
        ("S: 450 later", "deferred 4.0.0", "450 later"),
        ("S: 250 what?", "deferred 4.5.0", "said 250 what? to the connection"),
        ("S: 354 what?", "deferred 4.5.0", "said 354 what? to the connection"),
        ("S: SSH-2.0", "deferred 4.4.2", "it sent no reply: 'SSH-2.0??' (in reply to the connection)"),
        ("! eof", "deferred 4.4.2", "host mx.test[127.0.0.9]: lost connection (in reply to the connection)"),
        ("! eof timeout", "deferred 4.4.2", "timeout"),
        (OPENING + "    S: 450 busy", "deferred 4.0.0", "450 busy (in reply to EHLO)"),
        (OPENING + "    S: 502 no\n    C: HELO relay.test\n    S: 550 5.7.1 go", "failed 5.7.1", "(in reply to HELO)"),
        (OPENING + "    S: 250-a\\r\\n251 b", "deferred 4.4.2", "changes its code from 250 to 251 (in reply to EHLO)"),
        (PLAIN.replace("250 mx", "220 mx"), "deferred 4.5.0", "said 220 mx.test to EHLO"),
    ],
)
def test_a_session_that_does_not_come_about(talk: Talk, script: str, outcome: str, reason: str) -> None:
    (event,) = talk.run(script)
    assert isinstance(event, Refused)
    assert word(event.outcome) == outcome
    assert reason in event.outcome.reason
    assert talk.client.state is State.CLOSED
    talk.client.receive_data(b"220 late\r\n")
    talk.client.receive_eof()
    assert talk.client.next_event() is PAUSED
    assert talk.client.timeout == BLOCK_TIMEOUT  # no command is waited for


# -- TLS ----------------------------------------------------------------------------------------------------------

OFFER = OPENING + "    S: 250-mx.test\\r\\n250-STARTTLS\\r\\n250 PIPELINING\n"


def test_starttls_is_used_where_offered(talk: Talk) -> None:
    assert talk.run(OFFER + "    C: STARTTLS\n    S: 220 go ahead\n") == [StartTls()]
    assert talk.client.timeout == BLOCK_TIMEOUT
    events = talk.run("""
        ! tls
        C: EHLO relay.test
        S: 250-mx.test\\r\\n250-STARTTLS\\r\\n250 SIZE
    """)
    assert events == [Ready()]
    assert talk.client.secure
    assert "PIPELINING" not in talk.client.extensions  # what was said before TLS is forgotten


def test_without_a_context_starttls_is_not_asked_for() -> None:
    assert Talk(starttls=False).run(OFFER) == [Ready()]


@pytest.mark.parametrize("refusal", ["454 4.7.0 not now", "501 5.5.4 no"])
def test_a_refused_starttls_leaves_the_session_in_plaintext(talk: Talk, refusal: str) -> None:
    assert talk.run(OFFER + f"    C: STARTTLS\n    S: {refusal}\n") == [Ready()]
    assert not talk.client.secure


@pytest.mark.parametrize("more", ["250 injected", "250-injected", "x"])
def test_plaintext_after_the_agreement_ends_the_session(more: str) -> None:
    (event,) = Talk().run(OFFER + f"    C: STARTTLS\n    S: 220 go\\r\\n{more}\n")
    assert isinstance(event, Refused)
    assert ": it sent more after agreeing to STARTTLS (" in event.outcome.reason


def test_a_line_feed_alone_is_no_reply() -> None:
    client = Client("relay.test", SERVER, EXTENSIONS)
    client.receive_data(b"\n")
    assert isinstance(client.next_event(), Refused)


def test_what_came_before_the_handshake_is_forgotten() -> None:
    talk = Talk()
    assert talk.run(OFFER + "    C: STARTTLS\n    S: 220 go ahead\n") == [StartTls()]
    talk.client.receive_data(b"250 half a line")
    assert talk.run("! tls\nC: EHLO relay.test") == []
    assert talk.client.extensions == {}  # RFC 3207 §4.2
    assert talk.run("S: 250-mx.test\\r\\n250 SIZE 7") == [Ready()]
    assert talk.client.extensions == {"SIZE": "7"}


def test_a_connection_lost_in_the_handshake(talk: Talk) -> None:
    _, event = talk.run(OFFER + "    C: STARTTLS\n    S: 220 go\n    ! eof\n")
    assert isinstance(event, Refused)
    assert event.outcome.reason.endswith("lost connection (while starting TLS)")


# -- transactions -------------------------------------------------------------------------------------------------


def test_one_message_pipelined(talk: Talk) -> None:
    events = talk.run(
        PIPELINING
        + """
        ! send
        C: MAIL FROM:<alice@alpha.test> SIZE=8
        C: RCPT TO:<bob@beta.test>
        C: DATA
        S: 250 2.1.0 OK
        S: 250 2.1.5 OK
        S: 354 go ahead
        ! content .dot
        C: ..dot
        C: .
        S: 250 2.0.0 queued as 1
    """
    )
    assert [type(event) for event in events] == [Ready, SendContent, Finished]
    assert statuses(events[-1]) == ["delivered"]
    (outcome,) = events[-1].outcomes  # type: ignore[union-attr]
    assert isinstance(outcome, Delivered)
    assert (outcome.host, str(outcome.reply)) == (SERVER, "250 2.0.0 queued as 1")
    assert talk.client.state is State.READY


STEPS = """
    ! send
    C: MAIL FROM:<alice@alpha.test>
    S: 250 OK
    C: RCPT TO:<bob@beta.test>
    S: 250 OK
    C: RCPT TO:<dave@beta.test>
    S: 251 will forward
    C: DATA
    S: 354 go
    ! content body
    C: body
    C: .
    S: 250 OK
"""


def test_without_pipelining_each_command_waits(talk: Talk) -> None:
    events = talk.run(PLAIN + STEPS, TWO)
    assert statuses(events[-1]) == ["delivered", "delivered"]


def test_one_transaction_after_the_other_and_quit(talk: Talk) -> None:
    events = talk.run(PLAIN + STEPS + STEPS, TWO)
    assert [type(event) for event in events] == [Ready, SendContent, Finished, SendContent, Finished]
    assert talk.run("! quit\nC: QUIT\nS: 221 bye\n") == []
    assert talk.client.state is State.CLOSED


def test_who_was_accepted_before_counts_no_more(talk: Talk) -> None:
    talk.run(PLAIN + STEPS, TWO)
    (event,) = talk.run(
        """
        ! send
        C: MAIL FROM:<alice@alpha.test>
        S: 250 OK
        C: RCPT TO:<bob@beta.test>
        S: 550 5.1.1 no
        C: RCPT TO:<dave@beta.test>
        S: 550 5.1.1 no
    """,
        TWO,
    )
    assert statuses(event) == ["failed 5.1.1", "failed 5.1.1"]
    # What was left open is reset, once.
    reset = STEPS.replace("! send\n", "! send\n    C: RSET\n    S: 250 OK\n")
    assert statuses(talk.run(reset, TWO)[-1]) == statuses(talk.run(STEPS, TWO)[-1]) == ["delivered", "delivered"]


@pytest.mark.parametrize("code", [500, 501, 599])
def test_any_5yz_to_ehlo_leads_to_helo(talk: Talk, code: int) -> None:
    assert talk.run(OPENING + f"    S: {code} what?\n    C: HELO relay.test\n    S: 250 mx.test\n") == [Ready()]


def test_a_reply_to_mail_that_means_nothing(talk: Talk) -> None:
    talk.run(PLAIN)
    (event,) = talk.run("! send\nC: MAIL FROM:<alice@alpha.test>\nS: 300 what\n")
    assert statuses(event) == ["deferred 4.5.0"]


def test_dots_are_stuffed_in_each_content_anew() -> None:
    talk = Talk()
    opened = (
        "! send\nC: MAIL FROM:<alice@alpha.test>\nS: 250 OK\nC: RCPT TO:<bob@beta.test>\nS: 250 OK\nC: DATA\nS: 354 go"
    )
    talk.run(PLAIN + opened)
    talk.client.content(b"no line end")
    talk.client.end_content()
    assert talk.client.data_to_send() == b"no line end\r\n.\r\n"
    talk.run(f"S: 250 OK\n{opened}")
    talk.client.content(b".dot\r\n")
    assert talk.client.data_to_send() == b"..dot\r\n"


def test_a_connection_lost_between_transactions_is_of_no_interest(talk: Talk) -> None:
    events = talk.run(f"{PLAIN}{STEPS}    ! eof\n", TWO)
    assert [type(event) for event in events] == [Ready, SendContent, Finished]


def test_the_null_reverse_path(talk: Talk) -> None:
    talk.run(PLAIN + "    ! send\n    C: MAIL FROM:<>\n", mail(reverse_path=None))


def test_waiting_times_are_those_of_rfc_5321(talk: Talk) -> None:
    times = []
    for script in (
        OPENING,
        "S: 502 no\nC: HELO relay.test",
        "S: 250 mx.test",
        "! send\nC: MAIL FROM:<alice@alpha.test>",
        "S: 250 OK\nC: RCPT TO:<bob@beta.test>",
        "S: 250 OK\nC: DATA",
        "S: 354 go",
        "! content x\nC: x\nC: .",
        "S: 250 OK\n! quit\nC: QUIT",
    ):
        talk.run(script)
        times.append(talk.client.timeout)
    assert times == [300, 300, 180, 300, 300, 120, 180, 600, 5]


@pytest.mark.parametrize(
    ("replies", "expected"),
    [
        # RCPT, RCPT, DATA
        (["250 OK", "550 5.1.1 no", "354 go"], ["delivered", "failed 5.1.1"]),
        (["450 4.2.1 later", "250 OK", "354 go"], ["deferred 4.2.1", "delivered"]),
        (["452 4.5.3 too many", "552 too many", None], ["deferred 4.5.3", "deferred 4.5.3"]),
        (["552 5.5.3 too many", "552 5.2.2 full", None], ["deferred 4.5.3", "failed 5.2.2"]),
        (["550 no", "553 no", None], ["failed 5.0.0", "failed 5.0.0"]),
        (["300 what", "550 4.1.1 mixed up", None], ["deferred 4.5.0", "failed 5.0.0"]),
        (["250 OK", "250 OK", "451 4.3.0 later"], ["deferred 4.3.0", "deferred 4.3.0"]),
        (["250 OK", "550 5.1.1 no", "554 5.6.0 no"], ["failed 5.6.0", "failed 5.1.1"]),
        (["250 OK", "250 OK", "250 what"], ["deferred 4.5.0", "deferred 4.5.0"]),
    ],
)
@pytest.mark.parametrize("pipelining", [True, False])
def test_every_recipient_has_its_own_reply(
    talk: Talk, replies: list[str | None], expected: list[str], pipelining: bool
) -> None:
    first, second, third = replies
    content = ["! content body", "C: body", "C: .", "S: 250 OK"] if third is not None and third[:3] == "354" else []
    commands = ["C: RCPT TO:<bob@beta.test>", "C: RCPT TO:<dave@beta.test>", "C: DATA"]
    command = "C: MAIL FROM:<alice@alpha.test>"
    if pipelining:
        answers = [f"S: {reply}" for reply in ("250 OK", first, second, third or "503 5.5.1 no recipients")]
        script = [command + " SIZE=8", *commands, *answers, *content]
    else:
        script = [command, "S: 250 OK", commands[0], f"S: {first}", commands[1], f"S: {second}"]
        if third is not None:
            script += [commands[2], f"S: {third}", *content]
    talk.run(PIPELINING if pipelining else PLAIN)
    events = talk.run("\n".join(["! send", *script]), TWO)
    assert statuses(events[-1]) == expected
    assert talk.client.state is State.READY
    # What was left open is reset before the next transaction.
    again = f"! send\n{'' if content else 'C: RSET' + chr(10)}"
    if content:
        talk.run(
            again + (command + (" SIZE=8" if pipelining else "")) + ("\n" + "\n".join(commands) if pipelining else ""),
            TWO,
        )
    elif pipelining:
        talk.run(again + command + " SIZE=8\n" + "\n".join(commands), TWO)
    else:
        talk.run(again + "S: 250 OK\n" + command, TWO)


@pytest.mark.parametrize("pipelining", [True, False])
def test_a_refused_reverse_path_is_everyones_outcome(talk: Talk, pipelining: bool) -> None:
    talk.run(PIPELINING if pipelining else PLAIN)
    if pipelining:
        script = """
            ! send
            C: MAIL FROM:<alice@alpha.test> SIZE=8
            C: RCPT TO:<bob@beta.test>
            C: RCPT TO:<dave@beta.test>
            C: DATA
            S: 550 5.7.1 not you
            S: 503 5.5.1 what?
            S: 250 OK
            S: 503 5.5.1 what?
        """
    else:
        script = """
            ! send
            C: MAIL FROM:<alice@alpha.test>
            S: 550 5.7.1 not you
        """
    (event,) = talk.run(script, TWO)
    assert statuses(event) == ["failed 5.7.1", "failed 5.7.1"]
    assert isinstance(event, Finished)
    assert all(isinstance(outcome, Failed) and outcome.command == "MAIL FROM" for outcome in event.outcomes)


def test_354_with_nobody_left_is_answered_with_a_lone_dot(talk: Talk) -> None:
    talk.run(PIPELINING)
    events = talk.run("""
        ! send
        C: MAIL FROM:<alice@alpha.test> SIZE=8
        C: RCPT TO:<bob@beta.test>
        C: DATA
        S: 250 OK
        S: 550 5.1.1 no
        S: 354 go
        C: .
    """)
    states = [talk.client.state]
    events += talk.run("S: 554 5.5.1 no recipients\n")
    assert [statuses(event) for event in events] == [["failed 5.1.1"]]
    assert [*states, talk.client.state] == [State.FINAL, State.READY]


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        ("550 5.6.0 no", "failed 5.6.0"),
        ("452 4.3.1 full", "deferred 4.3.1"),
        ("400 4.3.1 wait", "deferred 4.3.1"),
        ("300 what", "deferred 4.5.0"),
    ],
)
def test_the_reply_to_the_final_dot_is_that_of_all_who_were_accepted(talk: Talk, reply: str, expected: str) -> None:
    talk.run(PLAIN)
    events = talk.run(STEPS.replace("S: 250 OK\n", f"S: {reply}\n").replace(f"S: {reply}", "S: 250 OK", 2), TWO)
    assert statuses(events[-1]) == [expected, expected]


# -- what the server can't take -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("extensions", "transaction", "sent"),
    [
        ("SIZE", ONE, "MAIL FROM:<alice@alpha.test> SIZE=8"),
        ("SIZE 0", ONE, "MAIL FROM:<alice@alpha.test> SIZE=8"),
        ("SIZE 8", ONE, "MAIL FROM:<alice@alpha.test> SIZE=8"),
        ("SIZE 7k", ONE, "MAIL FROM:<alice@alpha.test> SIZE=8"),  # and the rest: no size-value (RFC 1870 §3)
        ("SIZE -7", ONE, "MAIL FROM:<alice@alpha.test> SIZE=8"),
        ("SIZE 7 7", ONE, "MAIL FROM:<alice@alpha.test> SIZE=8"),
        ("SIZE 7\N{SUPERSCRIPT TWO}", ONE, "MAIL FROM:<alice@alpha.test> SIZE=8"),
        ("SIZE \N{ARABIC-INDIC DIGIT ONE}", ONE, "MAIL FROM:<alice@alpha.test> SIZE=8"),
        ("SIZE " + "0" * 20 + "7", ONE, "MAIL FROM:<alice@alpha.test> SIZE=8"),
        ("8BITMIME", ONE, "MAIL FROM:<alice@alpha.test>"),
        ("8BITMIME", mail(body=BodyType.SEVEN_BIT), "MAIL FROM:<alice@alpha.test> BODY=7BIT"),
        (
            "8BITMIME",
            mail(eight_bit=True, body=BodyType.EIGHT_BIT_MIME),
            "MAIL FROM:<alice@alpha.test> BODY=8BITMIME",
        ),
        (
            "SMTPUTF8",
            mail(smtputf8=True, reverse_path=parse_address("почта@пример.test")),
            "MAIL FROM:<почта@пример.test> SMTPUTF8",
        ),
        ("8BITMIME", mail(eight_bit=True), "MAIL FROM:<alice@alpha.test> BODY=8BITMIME"),
        (
            "8BITMIME",
            mail(eight_bit=True, body=BodyType.SEVEN_BIT),
            "MAIL FROM:<alice@alpha.test> BODY=8BITMIME",
        ),
        ("X", mail(eight_bit=True), "MAIL FROM:<alice@alpha.test>"),
        ("X", mail(body=BodyType.EIGHT_BIT_MIME), "MAIL FROM:<alice@alpha.test>"),
        ("SMTPUTF8", mail(smtputf8=True), "MAIL FROM:<alice@alpha.test>"),
        ("SMTPUTF8", mail(smtputf8=True, utf8_header=True), "MAIL FROM:<alice@alpha.test> SMTPUTF8"),
        ("SMTPUTF8", mail(reverse_path=None, smtputf8=True, utf8_header=True), "MAIL FROM:<> SMTPUTF8"),
        ("SMTPUTF8", mail(reverse_path=None, smtputf8=True), "MAIL FROM:<>"),
        (
            "SMTPUTF8",
            mail(parse_address("почта@пример.test"), smtputf8=True),
            "MAIL FROM:<alice@alpha.test> SMTPUTF8",
        ),
        ("X", mail(smtputf8=True), "MAIL FROM:<alice@alpha.test>"),
        ("X", mail(utf8_header=True), "MAIL FROM:<alice@alpha.test>"),  # 8-bit octets that were not said to be UTF-8
        (
            "X",
            mail(smtputf8=True, reverse_path=parse_address("alice@пример.test")),
            "MAIL FROM:<alice@xn--e1afmkfd.test>",
        ),
    ],
)
def test_parameters_of_mail(talk: Talk, extensions: str, transaction: Transaction, sent: str) -> None:
    talk.run(OPENING + f"    S: 250-mx.test\\r\\n250 {extensions}\n")
    talk.run(f"! send\nC: {sent}\n", transaction)


def test_a_recipient_in_utf8(talk: Talk) -> None:
    transaction = mail(parse_address("почта@пример.test"), parse_address('"a b"@x.test'), smtputf8=True)
    talk.run(PIPELINING)
    talk.run(
        """
        ! send
        C: MAIL FROM:<alice@alpha.test> SIZE=8 SMTPUTF8
        C: RCPT TO:<почта@пример.test>
        C: RCPT TO:<"a b"@x.test>
        C: DATA
    """,
        transaction,
    )


UTF8 = parse_address("почта@пример.test")


@pytest.mark.parametrize(
    ("transaction", "expected"),
    [
        (mail(BOB, DAVE, size=1001), ["failed 5.3.4", "failed 5.3.4"]),
        (mail(eight_bit=True, body=BodyType.EIGHT_BIT_MIME), ["failed 5.6.3"]),
        (mail(size=1001, eight_bit=True, body=BodyType.EIGHT_BIT_MIME), ["failed 5.3.4"]),
        (mail(smtputf8=True, utf8_header=True), ["failed 5.6.9"]),
        (mail(smtputf8=True, reverse_path=UTF8), ["failed 5.6.7"]),
        (mail(UTF8, smtputf8=True, reverse_path=None), ["failed 5.6.7"]),
    ],
)
def test_what_the_server_cannot_take_is_not_sent(talk: Talk, transaction: Transaction, expected: list[str]) -> None:
    talk.run(OPENING + "    S: 250-mx.test\\r\\n250 SIZE 1000\n")
    (event,) = talk.run("! send\n", transaction)
    assert statuses(event) == expected
    assert talk.client.state is State.READY


@pytest.mark.parametrize("limit", ["7", "0000000007", "1"])
def test_a_message_over_the_offered_size_is_not_sent(talk: Talk, limit: str) -> None:
    talk.run(OPENING + f"    S: 250-mx.test\\r\\n250 SIZE {limit}\n")
    (event,) = talk.run("! send\n", ONE)
    assert statuses(event) == ["failed 5.3.4"]  # RFC 1870 §6.1
    assert isinstance(event, Finished)
    (outcome,) = event.outcomes
    assert isinstance(outcome, Failed)
    assert outcome.reason == f"size 8 exceeds the limit {limit} of mx.test[127.0.0.9]"


def test_the_others_go_on_when_one_address_cannot(talk: Talk) -> None:
    talk.run(PLAIN)
    events = talk.run(
        """
        ! send
        C: MAIL FROM:<alice@alpha.test>
        S: 250 OK
        C: RCPT TO:<bob@beta.test>
        S: 250 OK
        C: DATA
        S: 354 go
        ! content x
        C: x
        C: .
        S: 250 OK
    """,
        mail(UTF8, BOB, smtputf8=True),
    )
    assert statuses(events[-1]) == ["failed 5.6.7", "delivered"]


# -- sessions that break ------------------------------------------------------------------------------------------

LINES = [line.strip() for line in STEPS.strip().splitlines()]


@pytest.mark.parametrize("after", [number for number, line in enumerate(LINES) if line.startswith("C:")])
def test_a_connection_lost_in_a_transaction(talk: Talk, after: int) -> None:
    talk.run(PLAIN)
    if LINES[after] == "C: body":
        after += 1  # the final dot goes with it
    event = talk.run("\n".join([*LINES[: after + 1], "! eof"]), TWO)[-1]
    assert isinstance(event, Finished)
    assert statuses(event) == ["deferred 4.4.2", "deferred 4.4.2"]
    assert event.lost
    assert event.uncertain is (LINES[after] == "C: .")
    assert talk.client.state is State.CLOSED


def test_who_has_an_answer_keeps_it_when_the_connection_is_lost(talk: Talk) -> None:
    talk.run(PLAIN)
    (event,) = talk.run(
        """
        ! send
        C: MAIL FROM:<alice@alpha.test>
        S: 250 OK
        C: RCPT TO:<bob@beta.test>
        S: 550 5.1.1 no
        C: RCPT TO:<dave@beta.test>
        ! eof timeout
    """,
        TWO,
    )
    assert statuses(event) == ["failed 5.1.1", "deferred 4.4.2"]
    assert isinstance(event, Finished)
    assert isinstance(event.outcomes[1], Deferred)
    assert event.outcomes[1].reason == f"host {SERVER}: timeout (in reply to RCPT TO)"


def test_a_lone_dot_without_reply_leaves_nothing_uncertain(talk: Talk) -> None:
    talk.run(PIPELINING)
    (event,) = talk.run("""
        ! send
        C: MAIL FROM:<alice@alpha.test> SIZE=8
        C: RCPT TO:<bob@beta.test>
        C: DATA
        S: 250 OK
        S: 550 5.1.1 no
        S: 354 go
        C: .
        ! eof
    """)
    assert isinstance(event, Finished)
    assert not event.uncertain


def test_421_counts_as_the_answer_of_all_who_have_none(talk: Talk) -> None:
    talk.run(PLAIN)
    events = talk.run(STEPS.rsplit("S: 250 OK", 1)[0] + "    S: 421 4.3.2 going down\n", TWO)
    event = events[-1]
    assert isinstance(event, Finished)
    assert statuses(event) == ["deferred 4.3.2", "deferred 4.3.2"]
    assert (event.lost, event.uncertain) == (True, False)


def test_421_to_an_idle_session_closes_it_without_a_word(talk: Talk) -> None:
    assert talk.run(PLAIN + "    S: 421 4.4.2 idle\n") == [Ready()]
    assert talk.client.state is State.CLOSED


def test_421_in_the_midst_of_the_content(talk: Talk) -> None:
    talk.run(PLAIN)
    script = STEPS.split("! content", maxsplit=1)[0] + "! half\n    C: half\n    S: 421 4.3.2 going down\n"
    event = talk.run(script, TWO)[-1]
    assert statuses(event) == ["deferred 4.3.2", "deferred 4.3.2"]
    assert isinstance(event, Finished)
    assert isinstance(event.outcomes[0], Deferred)
    assert event.outcomes[0].reason.endswith("421 4.3.2 going down (in reply to nothing)")


def test_a_reply_that_nobody_asked_for_ends_the_session(talk: Talk) -> None:
    talk.run(PLAIN)
    script = STEPS.split("! content", maxsplit=1)[0] + "! half\n    C: half\n    S: 552 too much\n"
    events = talk.run(script, TWO)
    event = events[-1]
    assert isinstance(event, Finished)
    assert statuses(event) == ["deferred 4.4.2", "deferred 4.4.2"]
    assert isinstance(event.outcomes[0], Deferred)
    assert "it said unasked: 552 too much (while sending the content)" in event.outcomes[0].reason


def test_a_reset_that_is_refused_ends_the_session(talk: Talk) -> None:
    talk.run(PLAIN)
    talk.run("! send\nC: MAIL FROM:<alice@alpha.test>\nS: 450 later\n")
    (event,) = talk.run("! send\nC: RSET\nS: 500 what?\n")
    assert isinstance(event, Finished)
    assert statuses(event) == ["deferred 4.4.2"]
    assert talk.client.state is State.CLOSED


def test_a_connection_lost_after_quit_is_of_no_interest(talk: Talk) -> None:
    assert talk.run(PLAIN + "    ! quit\n    C: QUIT\n    ! eof\n") == [Ready()]
    assert talk.client.state is State.CLOSED


def test_421_to_quit_is_as_good_as_221(talk: Talk) -> None:
    assert talk.run(PLAIN + "    ! quit\n    C: QUIT\n    S: 421 too late\n") == [Ready()]
    assert talk.client.state is State.CLOSED


# -- what the adapter must not do ---------------------------------------------------------------------------------


def test_actions_have_their_states() -> None:
    client = Client("relay.test", SERVER, EXTENSIONS)
    actions: list[Callable[[], None]] = [
        lambda: client.send(ONE),
        client.quit,
        client.tls_started,
        lambda: client.content(b""),
        client.end_content,
    ]
    for action in actions:
        with pytest.raises(LocalProtocolError, match="is not legal in state GREETING"):
            action()


MAIL_SENT = PLAIN + "    ! send\n    C: MAIL FROM:<alice@alpha.test>\n"
RCPT_SENT = MAIL_SENT + "    S: 250 OK\n    C: RCPT TO:<bob@beta.test>\n"
DATA_SENT = RCPT_SENT + "    S: 250 OK\n    C: DATA\n"
CONTENT_SENT = DATA_SENT + "    S: 354 go\n    ! content body\n    C: body\n    C: .\n"


@pytest.mark.parametrize(
    ("script", "where", "timeout"),  # RFC 5321 §4.5.3.2 has the times
    [
        ("", "in reply to the connection", 300),
        (OPENING, "in reply to EHLO", 300),
        (OPENING + "    S: 502 no\n    C: HELO relay.test\n", "in reply to HELO", 300),
        (MAIL_SENT, "in reply to MAIL FROM", 300),
        (RCPT_SENT, "in reply to RCPT TO", 300),
        (DATA_SENT, "in reply to DATA", 120),
        (DATA_SENT + "    S: 354 go\n", "while sending the content", 180),
        (CONTENT_SENT, "in reply to end of DATA", 600),
        (RCPT_SENT + "    S: 550 no\n    ! send\n    C: RSET\n", "in reply to RSET", 300),
    ],
    ids=lambda value: value.split()[-1] if isinstance(value, str) and value.count("\n") == 0 and value else "",
)
def test_where_a_connection_was_lost_and_how_long_it_would_have_waited(
    talk: Talk, script: str, where: str, timeout: float
) -> None:
    talk.run(script)
    assert talk.client.timeout == timeout
    (event,) = talk.run("! eof\n")
    outcome = event.outcome if isinstance(event, Refused) else event.outcomes[0]  # type: ignore[union-attr]
    assert isinstance(outcome, Deferred)
    assert str(outcome.status) == "4.4.2"
    assert outcome.reason == f"host {SERVER}: lost connection ({where})"
