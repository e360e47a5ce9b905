"""One file and one entry in the list: a made-up extension through the server's engine and the client's."""

from __future__ import annotations

from ipaddress import ip_address

import pytest

from postroad.engine import Wait
from postroad.mail.address import Address
from postroad.mail.envelope import Envelope, Recipient
from postroad.mail.reply import OK, RECIPIENT_OK, SENDER_OK
from postroad.smtp.client.engine import Client
from postroad.smtp.client.events import Finished, Ready, SendContent, Transaction
from postroad.smtp.client.outcome import Delivered, Failed
from postroad.smtp.extensions import EXTENSIONS, without
from postroad.smtp.server.engine import Engine
from postroad.smtp.server.events import Block, Connected, Mail, Message, Rcpt
from postroad.smtp.server.profile import Profile
from postroad.smtp.server.service import Limits, Purpose, Session
from tests.common.smtp.extensions.toy import NO_COLOUR, TOO_BRIGHT, TOY

WITH_TOY = (*EXTENSIONS, TOY)
ALICE, BOB, DAVE = Address("alice", "alpha.test"), Address("bob", "beta.test"), Address("dave", "beta.test")
GIFT = Envelope(ALICE, (Recipient(BOB, (("WRAP", None),)), Recipient(DAVE)), parameters=(("COLOUR", "red"),))
CONTENT = b"Subject: toy\r\n\r\nhi\r\n"


class Server:
    """An engine that accepts all."""

    def __init__(self, extensions: tuple[object, ...] = WITH_TOY) -> None:
        self.profile = Profile(
            hostname="mx.test",
            limits=Limits(),
            postmaster=ALICE,
            extensions=extensions,  # type: ignore[arg-type]
            starttls=False,
        )
        self.engine = Engine(self.profile, Session(Purpose.TRANSFER, ip_address("192.0.2.1"), 1, "1"))
        self.taken: list[tuple[Envelope, bytes]] = []
        self.content = b""

    def feed(self, octets: bytes) -> bytes:
        self.engine.receive_data(octets)
        while not isinstance(event := self.engine.next_event(), Wait):
            match event:
                case Connected():
                    self.engine.answer(self.profile.greeting)
                case Mail():
                    self.engine.answer(SENDER_OK)
                case Rcpt():
                    self.engine.answer(RECIPIENT_OK)
                case Block(octets):
                    self.content += octets
                case Message(envelope):
                    self.taken.append((envelope, self.content))
                    self.engine.answer(OK)
        return self.engine.data_to_send()

    def say(self, *lines: str) -> list[str]:
        return self.feed("".join(f"{line}\r\n" for line in lines).encode()).decode().splitlines()


@pytest.fixture
def server() -> Server:
    server = Server()
    server.feed(b"")
    assert "250-TOY 1" in server.say("EHLO client.test")
    return server


def converse(server: Server, client: Client, envelope: Envelope) -> tuple[list[str], Finished]:
    """Have the client bring a message; return its command lines, and what it came to."""
    sent = b""
    client.receive_data(server.feed(b""))
    finished: Finished | None = None
    while finished is None:
        match client.next_event():
            case Ready():
                client.send(Transaction(envelope, len(CONTENT)))
            case SendContent():
                client.content(CONTENT)
                client.end_content()
            case Finished() as event:
                finished = event
            case _:
                octets = client.data_to_send()
                sent += octets
                client.receive_data(server.feed(octets))
    return [line for line in sent.decode().splitlines() if line[:4] in {"MAIL", "RCPT", "NOOP"}], finished


def test_it_goes_from_client_to_server() -> None:
    server = Server()
    lines, finished = converse(server, Client("relay.test", "mx", WITH_TOY), GIFT)
    assert lines == [
        "NOOP toy",
        "MAIL FROM:<alice@alpha.test> SIZE=20 COLOUR=red",
        "RCPT TO:<bob@beta.test> WRAP",
        "RCPT TO:<dave@beta.test>",
    ]
    assert all(isinstance(outcome, Delivered) for outcome in finished.outcomes)
    ((envelope, content),) = server.taken
    assert (envelope.recipients, envelope.parameters) == (GIFT.recipients, GIFT.parameters)
    assert content == CONTENT


def test_a_server_that_lacks_it_gets_what_needs_no_toy() -> None:
    server = Server(EXTENSIONS)
    lines, finished = converse(server, Client("relay.test", "mx", WITH_TOY), GIFT)
    assert lines == ["MAIL FROM:<alice@alpha.test> SIZE=20", "RCPT TO:<dave@beta.test>"]
    gift, plain = finished.outcomes
    assert isinstance(gift, Failed)
    assert (str(gift.status), gift.reason) == ("5.3.3", "mx takes no gifts (no TOY)")
    assert isinstance(plain, Delivered)


def test_a_client_that_lacks_it_keeps_the_parameters_to_itself() -> None:
    server = Server()
    lines, finished = converse(server, Client("relay.test", "mx", EXTENSIONS), GIFT)
    assert lines[0] == "MAIL FROM:<alice@alpha.test> SIZE=20"
    assert all(isinstance(outcome, Delivered) for outcome in finished.outcomes)


@pytest.mark.parametrize(
    ("lines", "answers"),
    [
        (["MAIL FROM:<> COLOUR"], ["501 5.5.4 Syntax error in parameters"]),
        (["MAIL FROM:<> COLOUR=Red"], ["501 5.5.4 Syntax error in parameters"]),
        (["MAIL FROM:<> COLOUR=pink"], [str(TOO_BRIGHT)]),
        (["MAIL FROM:<> WRAP"], ["555 5.5.4 Parameter not recognized or not implemented"]),
        (["MAIL FROM:<>", "RCPT TO:<b@beta.test> WRAP"], [str(SENDER_OK), str(NO_COLOUR)]),
        (
            ["MAIL FROM:<> SIZE=1 COLOUR=red", "RCPT TO:<b@beta.test> WRAP=1", "RCPT TO:<b@beta.test> wrap", "TOY"],
            [str(SENDER_OK), "501 5.5.4 Syntax error in parameters", str(RECIPIENT_OK), "250 2.0.0 red"],
        ),
        (["TOY"], ["503 5.5.1 Bad sequence of commands: send MAIL first"]),
        (["HELO x", "MAIL FROM:<>", "RCPT TO:<b@beta.test> WRAP"], ["250 mx.test", str(SENDER_OK), "555 5.5.4 Par"]),
    ],
)
def test_the_server_reads_it(server: Server, lines: list[str], answers: list[str]) -> None:
    said = server.say(*lines)
    assert len(said) == len(answers)
    assert all(line.startswith(answer) for line, answer in zip(said, answers, strict=True))


def test_it_has_its_room_in_the_line_and_its_word_in_help(server: Server) -> None:
    assert server.profile.verbs[b"MAIL"].line == 1065 + 100
    assert server.profile.verbs[b"RCPT"].line == 512 + 12
    assert "TOY" in server.say("HELP")[0]


def test_hidden_it_is_as_if_it_were_not_implemented() -> None:
    server = Server(without({"TOY"}, WITH_TOY))
    server.feed(b"")
    assert not any("TOY" in line for line in server.say("EHLO client.test"))
    assert server.say("MAIL FROM:<> COLOUR=red") == ["555 5.5.4 Parameter not recognized or not implemented"]
    assert server.say("MAIL FROM:<>", "TOY") == [str(SENDER_OK), "502 5.5.1 Command not implemented"]
    assert "TOY" not in server.say("HELP")[0]
