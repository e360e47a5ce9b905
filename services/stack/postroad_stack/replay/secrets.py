"""What is said in place of a secret's name, and of content that a dialogue does not have."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from dataclasses import field
from typing import TYPE_CHECKING

from postroad.transcript.script import expand
from postroad.value import value

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_PIECE = re.compile(r"\{\?([^}]+)\}")
_CONTENT = re.compile(r"content (\d+) (\S+)")
# RFC 3501 §9: what an atom may have; the password of LOGIN is quoted where it has something else.
_ATOM = re.compile(rb"[^\s(){%*\"\\\]\x00-\x1f\x7f-\xff]+")
_LOGIN = re.compile(r"\S+ +LOGIN ", re.IGNORECASE)
_STAMP = re.compile(rb"<[^<>\s]+>")


class MissingError(Exception):
    """A secret has no value; the text is its name."""


@value
class Secrets:
    """The values. With user and password the usual ones are computed: PLAIN, LOGIN, CRAM-MD5, APOP."""

    values: Mapping[str, str] = field(default_factory=dict)
    user: str | None = None
    password: str | None = None
    contents: Sequence[bytes] = ()

    def missing(self, names: Sequence[str]) -> list[str]:
        """Return the names that have no value."""
        return [name for name in names if name != "content" and not self._has(name)]

    def _has(self, name: str) -> bool:
        known = self.user is not None and self.password is not None
        return name in self.values or (known and name.partition(".")[0] in _COMPUTED)

    def spoken(self, text: str, heard: Sequence[bytes], *, atoms: bool = False) -> bytes:
        """Return the octets of a line with all names replaced; raises `MissingError`.

        `heard` has the server's lines so far, the first and the last of which may be challenges; `atoms`: a value in
        IMAP's LOGIN is quoted where it has to be.
        """
        octets = b""
        end = 0
        for match in _PIECE.finditer(text):
            value = self._value(match[1], heard)
            if atoms and _LOGIN.match(text) and not _ATOM.fullmatch(value):
                value = b'"' + value.replace(b"\\", b"\\\\").replace(b'"', b'\\"') + b'"'
            octets += expand(text[end : match.start()]) + value
            end = match.end()
        return octets + expand(text[end:])

    def _value(self, name: str, heard: Sequence[bytes]) -> bytes:
        content = _CONTENT.fullmatch(name)
        if content is not None:
            return self._content(int(content[1]), content[2])
        if name in self.values:
            return expand(self.values[name])
        if not self._has(name):
            raise MissingError(name)
        return _computed(name, (self.user or "").encode(), (self.password or "").encode(), heard)

    def _content(self, size: int, digest: str) -> bytes:
        """Return the content that is meant, or else some other of the same size."""
        for content in self.contents:
            if hashlib.sha256(content).hexdigest().startswith(digest):
                return content
        if self.contents:
            return self.contents[0]
        start = b"Subject: replayed\r\n\r\n"
        return (start + b"x" * max(0, size - len(start) - 2) + b"\r\n")[-size:] if size else b""


_COMPUTED = frozenset({"user", "password", "plain", "login", "cram-md5", "apop"})


def _computed(name: str, user: bytes, password: bytes, heard: Sequence[bytes]) -> bytes:
    kind, _, number = name.partition(".")
    match kind:
        case "user":
            return user
        case "plain":  # RFC 4616 §2
            return base64.b64encode(b"\0" + user + b"\0" + password)
        case "login":
            return base64.b64encode(password if number else user)
        case "cram-md5":  # RFC 2195 §2
            challenge = base64.b64decode(heard[-1].split(b" ")[-1].strip(b'"')) if heard else b""
            return base64.b64encode(user + b" " + hmac.new(password, challenge, "md5").hexdigest().encode())
        case "apop":  # RFC 1939 §7
            stamp = _STAMP.search(heard[0]) if heard else None
            digest = hashlib.md5((stamp[0] if stamp else b"") + password, usedforsecurity=False)
            return digest.hexdigest().encode()
        case _:
            return password
