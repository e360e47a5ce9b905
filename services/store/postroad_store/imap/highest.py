"""HIGHESTMODSEQ as a client keeps it: up to where it has been told of all changes (RFC 7162 §3.1.2.1, §6).

A client that loses its connection comes back with the highest mod-sequence that it has seen in FETCH responses, or the
last HIGHESTMODSEQ code. It misses every change with a lower one that it has not been told of: an EXPUNGE that had to
wait (RFC 3501 §7.4.1), or the rest of a change that is told in pieces. So the server keeps count of what the client
makes of its answers, and says otherwise where it is not what the client has been told of.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from postroad_store.mail.model.view import View


class Highest:
    """One client's HIGHESTMODSEQ of the selected mailbox."""

    __slots__ = ("_aware", "_client", "_coded", "_sent", "_vague")

    def __init__(self) -> None:
        self._aware = False  # the client takes mod-sequences, and has been told this one
        self._client = 0  # what the client has made of the last tagged response
        # Since then:
        self._coded: int | None = None  # the last code
        self._sent = 0  # the highest in FETCH responses
        self._vague = False  # FETCH responses may have had any

    def selected(self, view: View, *, aware: bool) -> bytes:
        """Return the response of SELECT."""
        self._aware = aware
        self._tagged(view.known_modseq)
        return _response(self._client)

    def fetched(self, modseq: int) -> None:
        """Note that FETCH responses have been sent with mod-sequences up to this."""
        self._sent = max(self._sent, modseq)

    def fetched_any(self) -> None:
        """Note that FETCH responses have been sent with mod-sequences as the messages have them now."""
        self._vague = True

    def due(self, view: View, *, tagged: bool = True) -> int | None:
        """Return what the client must be told before or in a tagged response; None if it will find it by itself.

        RFC 7162 §6: a code counts, even where higher mod-sequences are seen before the tagged response. RFC 7162 §3.1:
        a client that has just told that it takes mod-sequences is given it in any case. Without `tagged`: what it must
        be told while no tagged response is near (RFC 2177).
        """
        known = view.known_modseq
        reached = max(self._client, self._sent) if self._coded is None else self._coded
        if self._vague and known < view.mailbox.modseq:
            reached = view.mailbox.modseq
        due = None if self._aware and reached == known else known
        self._aware = True
        if tagged:
            self._tagged(known)
        elif due is not None:
            self._coded = due
        return due

    def _tagged(self, known: int) -> None:
        self._client, self._coded, self._sent, self._vague = known, None, 0, False

    def response(self, view: View) -> bytes:
        """Return the response that is due while no tagged response is near; nothing if none is."""
        due = self.due(view, tagged=False)
        return b"" if due is None else _response(due)

    def completed(self, view: View, text: bytes, *, coded: bool) -> tuple[bytes, bytes]:
        """Return what comes before a tagged response, and its text, which has the code where there is room for it.

        With `coded` the text has it in any case (RFC 7162 §3.2.7, §3.2.9, RFC 6851 §4.4).
        """
        begins = not self._aware
        due = self.due(view)
        if coded:
            due = self._client
        if due is None:
            return b"", text
        if not coded and (begins or not text.startswith(b"OK ") or text.startswith(b"OK [")):
            return _response(due), text
        return b"", b"OK [HIGHESTMODSEQ %d]%b" % (due, text.removeprefix(b"OK"))


def _response(modseq: int) -> bytes:
    return b"* OK [HIGHESTMODSEQ %d] Highest\r\n" % modseq
