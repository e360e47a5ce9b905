from __future__ import annotations

import pytest

from postroad.mail.address import Address
from postroad.mail.envelope import BodyType, Envelope, Recipient
from postroad.mail.reply import EnhancedStatus, Reply, reply
from postroad.smtp.client.outcome import Deferred, Failed, deferred, failed
from postroad_relay.queue.spool.record import (
    Kind,
    Message,
    Progress,
    RecordError,
    content_at,
    decode_message,
    decode_progress,
    encode_done,
    encode_message,
    encode_progress,
    number_of,
    peek,
    queue_id,
)

ENVELOPE = Envelope(
    reverse_path=Address("alice", "alpha.test"),
    recipients=(Recipient(Address("bob", "beta.test")), Recipient(Address('o"dd one', "[127.0.0.9]"))),
    body=BodyType.EIGHT_BIT_MIME,
    smtputf8=True,
)

MESSAGES = [
    Message(queue_id(1), 1.25, ENVELOPE, "<a@alpha.test>", 7, eight_bit=True, utf8_header=True),
    Message(queue_id(2), 0.0, Envelope(None, (Recipient(Address("почта", "пример.test")),)), None, 7),
    Message(
        queue_id(3),
        0.0,
        Envelope(
            None,
            (Recipient(Address("bob", "beta.test"), (("NOTIFY", "NEVER"), ("X", None))),),
            parameters=(("ENVID", "1"), ("Y", None)),
        ),
        None,
        7,
    ),
    Message(queue_id(2**60), 1e9, Envelope(None), None, 7, spilled=True, reports=queue_id(5)),
    Message(queue_id(4), 0.0, Envelope(None), None, 7, login="käy"),
    Message(queue_id(6), 0.0, Envelope(None, world="shop"), None, 7),
]


def test_a_message_is_of_the_world_file_unless_its_envelope_says_another() -> None:
    assert [message.world for message in MESSAGES[-2:]] == ["default", "shop"]


@pytest.mark.parametrize("message", MESSAGES)
@pytest.mark.parametrize("content", [b"content", (b"cont", b"ent")])
def test_a_message_comes_back_as_it_went(message: Message, content: bytes | tuple[bytes, ...]) -> None:
    record = b"".join(encode_message(message, content))
    assert peek(record) == (Kind.MESSAGE, message.queue_id)
    decoded, start = decode_message(memoryview(record))
    assert decoded == message
    assert record[start:] == b"content"
    assert content_at(record[:13]) == start
    assert decode_message(record[:start]) == (message, start)


@pytest.mark.parametrize(
    "progress",
    [
        Progress(),
        Progress(
            due=12.5,
            attempts=3,
            done=frozenset({0, 7}),
            failed={
                1: Failed(EnhancedStatus(5, 1, 1), "no", "mx[127.0.0.9]", reply(550, "5.1.1", "No", "such"), "RCPT TO")
            },
            deferred={
                2: Deferred(EnhancedStatus(4, 2, 0), "later", "mx[127.0.0.9]", Reply(450, None, ("Später",)), "DATA"),
                3: deferred("4.4.1", "refused"),
            },
        ),
        Progress(done=frozenset({0, 1}), reported=frozenset({1}), held=True),
    ],
)
def test_progress_comes_back_as_it_went(progress: Progress) -> None:
    record = encode_progress(queue_id(9), progress)
    assert peek(record) == (Kind.PROGRESS, queue_id(9))
    assert decode_progress(record) == progress


def test_done_is_its_kind_and_queue_id() -> None:
    assert peek(encode_done(queue_id(77))) == (Kind.DONE, queue_id(77))


def test_queue_ids_sort_as_their_numbers() -> None:
    assert queue_id(0x660F703BE1985) == "660F703BE1985"
    assert queue_id(5) < queue_id(16) < queue_id(2**50)
    assert number_of(queue_id(12345)) == 12345


@pytest.mark.parametrize("record", [b"", b"\x01" * 12])
def test_a_record_that_is_cut_off_before_its_length(record: bytes) -> None:
    with pytest.raises(RecordError, match="not a message"):
        content_at(record)


def test_pending_is_who_is_neither_done_nor_failed() -> None:
    progress = Progress(done=frozenset({0}))
    assert progress.pending(MESSAGES[0]) == [1]
    assert Progress(failed={1: failed("5.0.0", "no")}).pending(MESSAGES[0]) == [0]


@pytest.mark.parametrize(
    "record", [b"", b"\x01", b"\x01" * 12, b"\x01" + bytes(8) + b"\x02\x00\x00\x00{}", encode_done(queue_id(1))]
)
def test_what_is_no_message_is_refused(record: bytes) -> None:
    with pytest.raises(RecordError):
        decode_message(record)


def test_a_record_of_another_kind_with_a_head_is_no_message() -> None:
    record = b"".join(encode_message(MESSAGES[0], b""))
    with pytest.raises(RecordError, match="kind 3"):
        decode_message(b"\x03" + record[1:])


@pytest.mark.parametrize("record", [b"", bytes(9) + b"{}", bytes(9) + b"[]", bytes(9) + b"nonsense"])
def test_what_is_no_progress_is_refused(record: bytes) -> None:
    with pytest.raises(RecordError):
        decode_progress(record)


@pytest.mark.parametrize("record", [b"", b"\x05" + bytes(8)])
def test_an_unknown_kind_is_refused(record: bytes) -> None:
    with pytest.raises(RecordError):
        peek(record)
