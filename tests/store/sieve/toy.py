"""Scripts that run in memory: `decide` compiles one, runs it for a message, and says what it has decided."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING

from postroad_store.sieve.actions import File, Redirect, Reject, Remember, Respond
from postroad_store.sieve.compiler import compile_script
from postroad_store.sieve.errors import InvalidScript
from postroad_store.sieve.message import Message
from postroad_store.sieve.registry import Registry
from postroad_store.sieve.run import run

if TYPE_CHECKING:
    from collections.abc import Mapping

    from postroad_store.sieve.actions import Outcome
    from postroad_store.sieve.program import Program

MESSAGE = b"""\
Received: from relay.test by mx.test; Sun, 01 Mar 2026 13:00:05 +0100\r
From: Alice A <alice@alpha.test>\r
To: bob@beta.test, "Carol (c)" <Carol+list@Beta.TEST>\r
Cc: team: dave@delta.test, eve@delta.test;\r
Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?= from  Alice\r
Date: Sun, 01 Mar 2026 07:00:00 -0500\r
Message-ID: <1@alpha.test>\r
X-Number: 42\r
X-Two: first\r
X-Two: second\r
\r
Hello Bob,\r
it is 5 o'clock.\r
"""
NOW = datetime(2026, 3, 1, 12, 0, 5, tzinfo=UTC)


@cache
def registry() -> Registry:
    return Registry()


def compiled(script: str) -> Program:
    return compile_script(script.encode(), registry())


def faults(script: str) -> list[str]:
    try:
        compiled(script)
    except InvalidScript as error:
        return [str(fault) for fault in error.faults]
    return []


@dataclass
class Around:
    """What a script may ask for (`run.Surroundings`)."""

    now: datetime = NOW
    sender: tuple[str, str] | None = ("alice", "alpha.test")
    recipients: tuple[tuple[str, str], ...] = (("bob+inbox", "beta.test"),)
    owner: str = "bob@beta.test"
    environment: Mapping[str, str] = field(
        default_factory=lambda: {"name": "Postroad", "phase": "during", "remote-host": ""}
    )
    mailboxes: tuple[str, ...] = ("INBOX", "Junk", "Lists/sieve")
    uses: Mapping[str, str] = field(default_factory=lambda: {"Junk": "\\Junk"})
    remembered: frozenset[str] = frozenset()
    scripts: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[tuple[str | None, str], str] = field(
        default_factory=lambda: {("INBOX", "/private/comment"): "Mine", (None, "/shared/comment"): ""}
    )

    def annotation(self, mailbox: str | None, entry: str) -> str | None:
        return self.annotations.get((mailbox, entry))

    def has_mailbox(self, name: str) -> bool:
        return name in self.mailboxes

    def has_special_use(self, use: str, mailbox: str | None) -> bool:
        return any(own == use for name, own in self.uses.items() if mailbox in {None, name})

    def is_remembered(self, key: str) -> bool:
        return key in self.remembered

    def script(self, name: str, *, everybody: bool) -> Program | None:
        source = self.scripts.get(f"global {name}" if everybody else name)
        return None if source is None else compiled(source)


def outcome(script: str, message: bytes = MESSAGE, **around: object) -> Outcome:
    return run(compiled(script), Message(message), Around(**around))  # type: ignore[arg-type]


def decide(script: str, message: bytes = MESSAGE, **around: object) -> list[str]:
    """Return the actions as short texts, or the error."""
    done = outcome(script, message, **around)
    assert done.error is None or done.actions == (File(),)
    return [f"error {done.error}"] if done.error is not None else [shown(action) for action in done.actions]


def shown(action: object) -> str:
    match action:
        case File():
            words = ["keep"] if action.mailbox is None else ["fileinto", action.mailbox]
            words += ["create"] * action.create + [f"use {action.special_use}"] * (action.special_use is not None)
            words += list(action.flags) + ["edited"] * (action.header is not None)
            return " ".join(words)
        case Redirect():
            return f"redirect {action.address}" + " edited" * (action.header is not None)
        case Reject():
            return f"{'ereject' if action.early else 'reject'} {action.reason}"
        case Respond():
            return f"respond {action.seconds} {action.sender} {action.subject}: {action.reason}"
        case Remember():
            return f"remember {action.seconds}"
    raise TypeError(action)


def holds(test: str, *, require: str = "", message: bytes = MESSAGE, **around: object) -> bool:
    """Return the value of a test."""
    names = "".join(f'"{name}", ' for name in require.split()) + '"fileinto"'
    (said,) = decide(f'require [{names}]; if {test} {{ fileinto "yes"; }}', message, **around)
    assert said in {"fileinto yes", "keep"}, said
    return said == "fileinto yes"
