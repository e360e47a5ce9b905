"""How a client wants to be told of changes, by what it has enabled; sessions that have enabled the same share it."""

from __future__ import annotations

from postroad.value import value


@value
class Manner:
    r"""What untagged responses about messages have, apart from their plain form in RFC 3501.

    `modseq`: FETCH responses that nobody has asked for have MODSEQ, and UID as well (RFC 7162 §3.1, §3.2.4).
    `vanished`: VANISHED takes the place of EXPUNGE (RFC 7162 §3.2.10, RFC 9586 §3).
    `uid_only`: UIDFETCH takes the place of FETCH (RFC 9586 §3.3).
    `rev2`: FETCH responses that nobody has asked for have UID, and \Recent is no more (RFC 9051 appendix E).
    """

    modseq: bool = False
    vanished: bool = False
    uid_only: bool = False
    rev2: bool = False


PLAIN = Manner()
