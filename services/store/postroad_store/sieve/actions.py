"""What a script has decided: actions in their order (RFC 5228 §2.10).

`header` is the edited header section that the message has for this action, None for the one that it came with
(RFC 5293 §3: an edit has an effect on later actions alone).
"""

from __future__ import annotations

from dataclasses import field
from typing import TypeAlias

from postroad.value import value


@value
class File:
    """Store the message: keep (`mailbox` None: the INBOX), or fileinto. `special_use` is preferred (RFC 8579 §4)."""

    mailbox: str | None = None
    flags: tuple[str, ...] = ()
    create: bool = False
    special_use: str | None = None
    header: bytes | None = None
    copy: bool = field(default=False, compare=False)  # the implicit keep stays (RFC 3894 §3)

    @property
    def place(self) -> tuple[str | None, str | None]:
        """Where the message goes."""
        return self.mailbox, self.special_use


@value
class Redirect:
    """Send the message on."""

    address: str
    header: bytes | None = None
    copy: bool = field(default=False, compare=False)


@value
class Reject:
    """Refuse the message (RFC 5429); `early` is ereject, which prefers a refusal while the client is connected."""

    reason: str
    early: bool


@value
class Respond:
    """Send a vacation response to the sender, unless one with this handle went there less than `seconds` ago."""

    handle: str
    seconds: int
    reason: str
    subject: str
    sender: str  # of the From field
    mime: bool


@value
class Remember:
    """Remember an ID, so that `duplicate` finds it again for so many seconds (RFC 7352 §3)."""

    key: str
    seconds: int


Action: TypeAlias = File | Redirect | Reject | Respond | Remember


@value
class Outcome:
    """All that a run has decided. `error` says why it was given up; then the message is kept, and nothing else."""

    actions: tuple[Action, ...]
    error: str | None = None
    notes: tuple[str, ...] = ()  # for the log

    @property
    def is_plain_keep(self) -> bool:
        """Whether the message goes where it would without a script."""
        return self.actions == (File(),)
