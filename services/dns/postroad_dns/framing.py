"""Messages in a stream (RFC 1035 §4.2.2): each has its length in front, in two octets. Pure."""

from __future__ import annotations


class Framing:
    """Cuts a stream of octets into messages."""

    def __init__(self) -> None:
        self._octets = bytearray()

    @property
    def is_amid(self) -> bool:
        """Whether a piece of a message has come, once all whole ones have been taken."""
        return bool(self._octets)

    def receive_data(self, data: bytes) -> None:
        """Take octets of the stream, in pieces of any size."""
        self._octets += data

    def next_message(self) -> bytes | None:
        """Return the next whole message, or None."""
        octets = self._octets
        end = 2 + int.from_bytes(octets[:2], "big")
        if len(octets) < max(end, 2):
            return None
        message = bytes(octets[2:end])
        del octets[:end]
        return message


def framed(message: bytes) -> bytes:
    """Return the message with its length in front."""
    return len(message).to_bytes(2, "big") + message
