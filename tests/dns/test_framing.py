"""Messages cut out of a stream, whatever its pieces are."""

from __future__ import annotations

import pytest

from postroad_dns.framing import Framing, framed

MESSAGES = [b"", b"a", b"\0", b"x" * 255, b"y" * 256, b"", b"z" * 65_535]


@pytest.mark.parametrize("size", [1, 2, 3, 257, 1 << 20])
def test_messages_in_pieces(size: int) -> None:
    stream = b"".join(map(framed, MESSAGES))
    framing = Framing()
    messages = []
    for start in range(0, len(stream), size):
        framing.receive_data(stream[start : start + size])
        while (message := framing.next_message()) is not None:
            messages.append(message)
    assert messages == MESSAGES


def test_a_message_is_whole_at_its_last_octet() -> None:
    framing = Framing()
    for octets, message in ((b"\0", None), (b"\0", b""), (b"\0\1", None), (b"a", b"a"), (b"", None)):
        framing.receive_data(octets)
        assert framing.next_message() == message
