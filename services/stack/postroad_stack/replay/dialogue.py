"""A dialogue file, read for replay."""

from __future__ import annotations

import re
from dataclasses import field
from typing import TYPE_CHECKING

from postroad.transcript.script import Said, said
from postroad.value import value

if TYPE_CHECKING:
    from collections.abc import Iterable

_PROTOCOLS = ("smtp", "lmtp", "imap", "pop3", "managesieve")
_HEAD = re.compile(r"# (\w+), session ")
_NAME = re.compile(r"\{\?([^} ]+)\}")
# How a server of each protocol begins.
_GREETINGS = (("* ", "imap"), ("+OK", "pop3"), ("220", "smtp"), ("554", "smtp"), ('"', "managesieve"))


class DialogueError(Exception):
    """A file is no dialogue that can be replayed; the text says why."""


@value
class Dialogue:
    """What is said, in order."""

    protocol: str
    lines: tuple[Said, ...]
    secure: bool = False  # TLS from the first octet
    names: tuple[str, ...] = field(default=())  # of the secrets that the client says

    @property
    def connections(self) -> tuple[int, ...]:
        """The numbers of the connections, in the order in which they begin."""
        return tuple(dict.fromkeys(line.who for line in self.lines))


def read(text: Iterable[str], protocol: str | None = None) -> Dialogue:
    """Read a dialogue; raises `DialogueError`. `protocol` is what it is, if the file does not tell."""
    lines: list[Said] = []
    secure = False
    for number, line in enumerate((line.rstrip("\n") for line in text), 1):
        head = _HEAD.match(line)
        if head is not None and head[1] in _PROTOCOLS:
            protocol = protocol or head[1]
        if line.startswith("@ "):
            words = line[2:].split()
            secure = secure or "secure" in words
            if not {"login", "port=app"}.isdisjoint(words):
                raise DialogueError(f"line {number}: '{line}' asks for what only tests/dialogues has")
        if not line or line.startswith(("#", "@ ")):
            continue
        try:
            lines.append(said(line))
        except ValueError as error:
            raise DialogueError(f"line {number}: {error}") from None
    if not lines:
        raise DialogueError("nothing is said in it")
    spoken = " ".join(line.text for line in lines if line.kind == "C")
    names = dict.fromkeys(_NAME.findall(spoken))
    return Dialogue(protocol or _guessed(lines), tuple(lines), secure, tuple(names))


def _guessed(lines: Iterable[Said]) -> str:
    first = next((line.text for line in lines if line.kind == "S"), "")
    for greeting, protocol in _GREETINGS:
        if first.startswith(greeting):
            return protocol
    raise DialogueError("its protocol is not known: give --protocol")
