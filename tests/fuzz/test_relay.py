"""Whatever a server, a disk or a sender comes up with: the relay's readers and engines keep their promises."""

from __future__ import annotations

import email
import email.policy
import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from postroad.engine import Wait
from postroad.mail.address import Address
from postroad.mail.envelope import Envelope, Recipient
from postroad.mail.header import read_header
from postroad.smtp.client.engine import Client
from postroad.smtp.client.events import Finished, Ready, SendContent, StartTls, Transaction
from postroad.smtp.client.outcome import Failed, from_reply
from postroad.smtp.client.reply import ReplyError, ReplyReader
from postroad.smtp.client.transitions import State
from postroad.smtp.extensions import EXTENSIONS
from postroad_relay.dsn.report import report
from postroad_relay.queue.spool import QueueId
from postroad_relay.queue.spool.log import Log, Position
from postroad_relay.queue.spool.record import Message, RecordError, decode_message, decode_progress, peek
from postroad_relay.submission.fixup import fix_up
from tests.relay.dsns import HOST, REPORTER

ALICE, BOB, DAVE = Address("alice", "alpha.test"), Address("bob", "beta.test"), Address("dave", "beta.test")
TO = (Recipient(BOB), Recipient(DAVE))

reply_lines = st.one_of(
    st.sampled_from(
        [
            b"220 hi\r\n",
            b"250 OK\r\n",
            b"250-mx\r\n250-PIPELINING\r\n250-STARTTLS\r\n250 SIZE 100\r\n",
            b"250-mx\r\n250 PIPELINING\r\n",
            b"354 go\r\n",
            b"421 4.3.2 bye\r\n",
            b"450 4.2.1 later\r\n",
            b"452 4.5.3 too many\r\n",
            b"550 5.1.1 no\r\n",
            b"552 too much\r\n",
            b"250-half",
        ]
    ),
    st.binary(max_size=20),
)


@settings(max_examples=300)
@given(st.lists(reply_lines, max_size=25), st.booleans())
def test_every_transaction_ends_with_an_outcome_for_each_recipient(said: list[bytes], size_matters: bool) -> None:
    client = Client("relay.test", HOST, EXTENSIONS)
    transactions = finished = 0
    for octets in [*said, None]:
        if octets is None:
            client.receive_eof()
        else:
            client.receive_data(octets)
        while not isinstance(event := client.next_event(), Wait):
            match event:
                case StartTls():
                    client.tls_started()
                case SendContent():
                    client.content(b"Subject: hi\r\n\r\n.\r\n")
                    client.end_content()
                case Ready():
                    transactions += 1
                    client.send(Transaction(Envelope(ALICE, TO), 101 if size_matters else 10))
                case Finished():
                    finished += 1
                    assert len(event.outcomes) == 2
                    if client.state is State.READY and transactions < 5:
                        transactions += 1
                        client.send(Transaction(Envelope(None, TO), 10))
        client.data_to_send()
    assert finished == transactions
    assert client.state is State.CLOSED


@settings(max_examples=200)
@given(st.binary(max_size=200), st.integers(1, 200))
def test_replies_do_not_depend_on_where_the_octets_are_cut(octets: bytes, cut: int) -> None:
    def read(pieces: list[bytes]) -> list[object]:
        reader, heard = ReplyReader(), list[object]()
        try:
            for piece in pieces:
                reader.feed(piece)
                while (reply := reader.next()) is not None:
                    heard.append(reply)
        except ReplyError as error:
            heard.append(str(error))
        return heard

    assert read([octets]) == read([octets[:cut], octets[cut:]])


@settings(max_examples=100)
@given(
    st.lists(st.binary(max_size=60), min_size=1, max_size=8),
    st.lists(st.tuples(st.floats(0, 0.999), st.binary(min_size=1, max_size=12)), max_size=4),
    st.integers(0, 100),
)
def test_recovery_gives_back_what_was_written_and_nothing_else(
    records: list[bytes], scratches: list[tuple[float, bytes]], cut: int
) -> None:
    with tempfile.TemporaryDirectory() as name:
        log = Log(Path(name))
        log.recover(lambda position, record: None)
        positions = log.append([(record,) for record in records])
        log.close()
        (path,) = Path(name).iterdir()
        octets = bytearray(path.read_bytes())
        for where, scratch in scratches:
            start = int(where * len(octets))  # the header too
            octets[start : start + len(scratch)] = scratch
        whole = bytes(octets[: max(32, len(octets) - cut)])
        path.write_bytes(whole)
        recovered: dict[Position, bytes] = {}
        again = Log(Path(name))
        again.recover(lambda position, record: recovered.__setitem__(position, bytes(record)))
        again.close()
        written = dict(zip(positions, records, strict=True))
        assert recovered.items() <= written.items()
        for position, record in written.items():
            end = position.offset + 20 + len(record)
            if not scratches and end <= len(whole):
                assert recovered[position] == record


@settings(max_examples=200)
@given(st.binary(max_size=100))
def test_a_record_is_read_or_refused(octets: bytes) -> None:
    for read in (peek, decode_message, decode_progress):
        try:
            read(octets)
        except RecordError:
            continue


@settings(max_examples=200)
@given(st.binary(max_size=300))
def test_a_header_section_is_read_whatever_it_is(section: bytes) -> None:
    header = read_header(section)
    added = fix_up(header, now=0.0, new_id="<new@x.test>")
    again = read_header(added.fields + header.separator + section)
    assert again.has_date
    assert again.has_message_id
    assert not again.is_missing


replies = st.builds(
    lambda code, text: b"%d %s\r\n" % (code, text.replace(b"\r", b"").replace(b"\n", b"")),
    st.integers(500, 599),
    st.binary(max_size=2000),
)


@settings(max_examples=150)
@given(st.binary(max_size=300), st.lists(replies, min_size=1, max_size=3), st.booleans())
def test_a_dsn_can_be_parsed_whatever_the_server_said(content: bytes, said: list[bytes], smtputf8: bool) -> None:
    failures: dict[int, Failed] = {}
    for index, octets in enumerate(said):
        reader = ReplyReader()
        reader.feed(octets)
        reply = reader.next()
        assert reply is not None
        outcome = from_reply(reply, host=HOST, command="RCPT TO")
        assert isinstance(outcome, Failed)
        failures[index] = outcome
    recipients = tuple(Recipient(Address(f"u{index}", "beta.test")) for index in range(len(said)))
    original = Message(QueueId("1"), 0.0, Envelope(ALICE, recipients, smtputf8=smtputf8), None, len(content))
    dsn = report(
        original,
        failures,
        content,
        reporter=REPORTER,
        queue_id=QueueId("2"),
        now=0.0,
        unique="0123456789abcdef01234567",
    )
    assert dsn is not None
    message = email.message_from_bytes(dsn.content, policy=email.policy.default)
    assert message.get_content_type() == "multipart/report"
    parts = message.get_payload()
    assert isinstance(parts, list)
    assert len(parts) == 3
