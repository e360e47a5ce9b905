r"""What must not be in a transcript, and the names that are there instead. Pure.

A secret becomes `{?kind}`: `{?password}`, or the mechanism of a SASL response, as in `{?plain}`. Another secret of the
same kind in one session is `{?password.2}`. A secret that comes again, also where no secret is expected, has its name
again. So a dialogue with names can be replayed with other secrets.
"""

from __future__ import annotations

import re

from postroad.transcript.line import text_of

UNKNOWN = "line"  # the kind of a line that nobody understands, and that may be a secret
MOST = 200  # secrets of a session that are looked for
LATEST = 50  # of those that are known by what is written before them: a session of relay and store has one per world
SHORTEST = 5  # octets of a secret that is looked for in all lines; a shorter one would be found everywhere

# RFC 4467 §7: what follows the access identifier and the mechanism of a URL is as good as a password.
_URLAUTH = re.compile(rb"(;URLAUTH=[^\s:\";{]+:[A-Za-z0-9.-]+:)([0-9A-Za-z]+)", re.IGNORECASE)
# By the MAC behind a world's ID the store takes mail for the world's capture box (`postroad.smtp.extensions.world`).
_WORLD = re.compile(rb"( XWORLD=[a-z0-9-]+\.)([0-9a-f]+)", re.IGNORECASE)
# Words behind which a client may have written a password in a command that nobody understands.
_TOUCHY = re.compile(rb"(?:\A|[\s\"(])(?:AUTH|AUTHENTICATE|LOGIN|PASS|PASSWORD|USER|APOP)(?:[\s\")]|\Z)", re.IGNORECASE)
_MECHANISM = re.compile(
    rb"PLAIN|LOGIN|CRAM-MD5|DIGEST-MD5|SCRAM-SHA(?:-\d{1,3}){1,2}(?:-PLUS)?|XOAUTH2|OAUTHBEARER|EXTERNAL|ANONYMOUS|NTLM"
    rb"|GSSAPI|GSS-SPNEGO|GS2-KRB5(?:-PLUS)?",
    re.IGNORECASE,
)
_WRITTEN = ((b"URLAUTH", _URLAUTH), (b"XWORLD", _WORLD))  # secrets inside a command, by a word before them


class Secrets:
    """The secrets of one session."""

    __slots__ = ("_kinds", "_known", "_sought", "_written", "touchy")

    def __init__(self) -> None:
        self._known: dict[bytes, str] = {}
        self._sought: list[bytes] = []  # those that are looked for in all lines
        self._written: dict[bytes, str] = {}  # the latest ones that were found by what is written before them
        self._kinds: dict[str, int] = {}
        self.touchy = False  # whether a login has been tried: what nobody understands may be a password

    def listen(self, line: bytes) -> None:
        """Note whether a client's line speaks of a login."""
        self.touchy = self.touchy or _TOUCHY.search(line) is not None

    def name(self, secret: bytes, kind: str) -> str:
        """Return what is written in place of a secret."""
        if kind == UNKNOWN:
            self._know(secret.partition(b" ")[0], f"{{?{kind}}}")  # a server of IMAP repeats it: it would be the tag
            return f"{{?{kind}}}"
        name = self._known.get(secret)
        if name is None:
            name = self._new_name(kind)
            self._know(secret, name)
        return name

    def _new_name(self, kind: str) -> str:
        count = self._kinds[kind] = self._kinds.get(kind, 0) + 1
        return f"{{?{kind}}}" if count == 1 else f"{{?{kind}.{count}}}"

    def _know(self, secret: bytes, name: str) -> None:
        if secret in self._known:
            return
        self._known[secret] = name
        if len(secret) >= SHORTEST and len(self._known) <= MOST:
            self._sought.append(secret)

    def _read(self, secret: bytes, kind: str) -> None:
        """Know a secret by what is written before it; the latest come last."""
        if len(secret) >= SHORTEST:
            self._written[secret] = self._known.get(secret) or self._written.pop(secret, None) or self._new_name(kind)

    def spoken(self, octets: bytes) -> tuple[str, bool]:
        """Return octets as text without known secrets, and whether there was one."""
        upper = octets.upper()
        for word, secret in _WRITTEN:
            if word in upper:
                for match in secret.finditer(octets):
                    self._read(match[2], word.decode().lower())
        secrets = [secret for secret in (*self._sought, *self._written) if secret in octets]
        pieces: list[str] = []
        end = 0
        while secrets:
            # Of two that begin at the same place the longer one is meant.
            start, _, known = min((octets.find(secret, end), -len(secret), secret) for secret in secrets)
            if start < 0:
                secrets.remove(known)
                continue
            pieces += [text_of(octets[end:start]), self._known.get(known) or self._written[known]]
            end = start + len(known)
        while len(self._written) > LATEST:
            del self._written[next(iter(self._written))]
        return "".join(pieces) + text_of(octets[end:]), bool(pieces)


def mechanism_in(word: bytes) -> str | None:
    """Return the name of a SASL mechanism, None if a word is none: it may be anything."""
    return word.decode("ascii").upper() if _MECHANISM.fullmatch(word) else None
