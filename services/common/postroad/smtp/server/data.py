r"""The mail data after 354 (RFC 5321 §4.1.1.4, RFC 5321 §4.5.2): find its end, undo transparency, check the rules.

Octets are handled in the blocks in which they arrive: one search finds the end of mail data, one replace removes the
stuffed dots, one search and two counts show whether every CR and LF is part of a CRLF. The end of a block is held back
for the next one if `CRLF.CRLF` may begin there, so the blocks may be cut anywhere.

Only CRLF ends a line and only `CRLF.CRLF` ends the data: `LF.LF`, `LF.CRLF` or `CR.CR` are content that no conforming
client sends. It is read to its true end and then refused, so that two receivers can never disagree about where a
message ends (SMTP smuggling).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from postroad.mail.envelope import BodyType
from postroad.mail.reply import BAD_CONTENT, TOO_LARGE, Reply, reply

if TYPE_CHECKING:
    from postroad.smtp.server.service import Limits

END_OF_DATA = b"\r\n.\r\n"
# Regular expressions find the one octet that they begin with by memchr: in half the time of `bytes.find` and, for the
# second, in a third of that of `bytes.count`.
_DOT = re.compile(rb"\r\n[.]")
_BARE_CR = re.compile(rb"\r(?!\n)")

TEXT_LINE_TOO_LONG = reply(550, "5.6.0", "Message content has a line over the limit")
HEADER_TOO_LARGE = reply(552, "5.3.4", "Message header section exceeds the limit")
MISLABELLED = reply(550, "5.6.0", "Message content is 8-bit, and MAIL said BODY=7BIT")

# The worst first: content with several faults gets the same reply, wherever the blocks were cut.
FAULTS = (BAD_CONTENT, TEXT_LINE_TOO_LONG, TOO_LARGE, HEADER_TOO_LARGE, MISLABELLED)


class MailData:
    """One message's data as it arrives."""

    __slots__ = ("_body", "_carry", "_column", "_header_lines", "_held", "_limits", "eight_bit", "refusal", "size")

    def __init__(self, limits: Limits, body: BodyType | None) -> None:
        self._limits = limits
        self._body = body
        # The CRLF of the DATA command itself: data that begin with ".CRLF" end at once (RFC 5321 §4.1.1.4).
        self._held = b"\r\n"
        self._carry: bytes | None = b""  # the last octets before a block; None after the header section
        self._header_lines = -1  # that CRLF does not count as a line
        self._column = 0  # octets since the last LF
        self.size = -2  # octets of content so far, without that CRLF
        self.eight_bit = False
        self.refusal: Reply | None = None

    def receive(self, octets: bytes) -> tuple[bytes, bytes | None]:
        """Take octets; return a block of content, and the octets after the end of data (None before it).

        The block is empty once the content is refused; `refusal` then answers the end of data.
        """
        block = self._held + octets
        # One search is enough for most blocks: the first dot that begins a line is the last line.
        stuffed = _DOT.search(block)
        dot = stuffed.start() if stuffed is not None else -1
        end = block.find(END_OF_DATA, dot) if dot >= 0 else -1
        if end >= 0:
            rest = block[end + len(END_OF_DATA) :]
            block = block[: end + 2]
        else:
            rest = None
            keep = _length_of_beginning(block)
            self._held = block[len(block) - keep :]
            block = block[: len(block) - keep]
        if not block:
            return b"", rest
        begins = self.size < 0
        # RFC 5321 §4.5.2: a dot before other characters on a line is deleted. A trailing CRLF was held back,
        # so the octet after every CRLF is in this block.
        if 0 <= dot != end:
            block = block.replace(b"\r\n.", b"\r\n")
        self._inspect(block)
        if self.refusal is not None:
            return b"", rest
        return block[2:] if begins else block, rest

    def refuse(self, refusal: Reply) -> None:
        """Discard the rest of the data, and answer its end with `refusal`, unless it is refused already."""
        self.refusal = self.refusal or refusal

    def _inspect(self, block: bytes) -> None:
        """Check the block against the rules; the result does not depend on where the blocks were cut."""
        limits = self._limits
        self.size += len(block)
        lines = block.count(b"\n")
        # RFC 5321 §2.3.8: CR and LF appear in CRLF only. NUL: RFC 5322 §4 forbids to send it.
        if lines != block.count(b"\r") or b"\0" in block or _BARE_CR.search(block):
            self._note(BAD_CONTENT)
        if self._has_long_line(block):
            self._note(TEXT_LINE_TOO_LONG)
        if self.size > limits.message_size:  # RFC 1870 §6.3
            self._note(TOO_LARGE)
        if self._carry is not None and self._header_exceeds(self._carry, block, lines):
            self._note(HEADER_TOO_LARGE)
        if not self.eight_bit and not block.isascii():
            self.eight_bit = True
            # RFC 5321 §2.4: the server MAY reject octets that are transmitted against the rule.
            if self._body is BodyType.SEVEN_BIT:
                self._note(MISLABELLED)

    def _note(self, fault: Reply) -> None:
        if self.refusal is None or (self.refusal in FAULTS and FAULTS.index(fault) < FAULTS.index(self.refusal)):
            self.refusal = fault

    def _has_long_line(self, block: bytes) -> bool:
        # RFC 5321 §4.5.3.1.6. Look back from where a line must have ended at the latest: a step is nearly as long as
        # the limit, so a message of 4 KiB takes four steps.
        limit = self._limits.line
        start = -self._column
        while start + limit <= len(block):
            line_end = block.rfind(b"\n", max(start, 0), start + limit)
            if line_end < 0:
                return True
            start = line_end + 1
        last = block.rfind(b"\n", max(start, 0))
        self._column = len(block) - (last + 1 if last >= 0 else start)
        return False

    def _header_exceeds(self, carry: bytes, block: bytes, lines: int) -> bool:
        probe = carry + block
        end = probe.find(b"\r\n\r\n")
        if end >= 0:
            lines = probe.count(b"\n", len(carry), end + 2)
            octets = self.size - len(block) + end + 2 - len(carry)
            self._carry = None
        else:
            octets = self.size
            self._carry = probe[-3:]
        self._header_lines += lines
        return self._header_lines > self._limits.header_lines or octets > self._limits.header_size


def _length_of_beginning(block: bytes) -> int:
    """Return how many octets at the end of `block` could be the beginning of the end of data."""
    for length in (4, 3, 2, 1):
        if block.endswith(END_OF_DATA[:length]):
            return length
    return 0
