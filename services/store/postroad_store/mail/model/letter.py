"""Letters that scripts write, and what they remember."""

from __future__ import annotations

from postroad.value import value


@value
class Memory:
    """A key that an account remembers for so many seconds."""

    account: int
    key: str
    seconds: int


@value
class Letter:
    """A message to send; the sender is empty for the null reverse-path.

    `world` is the ID of the world that it belongs to, empty where its recipient's domain says so anyway.
    It is not sent if what `unless` says is still remembered; otherwise that is remembered with it.
    """

    sender: str
    recipient: str
    content: bytes
    smtputf8: bool = False
    unless: Memory | None = None
    world: str = ""


@value
class Posted:
    """A letter in the outbox; times in seconds since 1970."""

    number: int
    letter: Letter
    written: int
    attempts: int
