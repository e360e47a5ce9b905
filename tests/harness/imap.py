"""An IMAP service on real storage, and connections to it without a network: what IMAP's tests share."""

from __future__ import annotations

import dataclasses
import json
from typing import TYPE_CHECKING, Any

from postroad.clock import Clock
from postroad.config import Settings
from postroad.journal import Kind, Note
from postroad.journal.refusals import Refusals
from postroad.mail.address import Address
from postroad.sasl.oauth import Errors
from postroad.world.guesses import Guesses
from postroad.world.world import Account, Domain, World
from postroad_store.accounts import Accounts
from postroad_store.imap.session import Session
from postroad_store.imap.shared import Shared
from postroad_store.mail.storage import Storage
from tests.harness.sasl import sasl, tokens
from tests.harness.wire import Wire as Connection

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from postroad.journal import Line, Series

NOW = 1772366400.0  # Sun, 1 Mar 2026 12:00:00 +0000


class Notes:
    """A journal that is kept in memory."""

    def __init__(self) -> None:
        self.entries: list[tuple[Kind, dict[str, Any]]] = []
        self._told: list[bytes] = []

    def record(self, kind: Kind, **detail: Any) -> None:
        self.entries.append((kind, detail))

    def line(self, kind: Kind, **detail: Any) -> Line:
        return 0.0, Note(0.0, kind, None, None, detail).line

    def tell(self, lines: Sequence[Line], *, hurry: bool) -> None:
        assert hurry
        for _, line in lines:
            self._told.append(line)
            detail = json.loads(b"{" + line.removeprefix(b","))
            self.entries.append((Kind(detail.pop("kind")), detail))

    written = recorded = 0

    def ends_after(self, _number: int) -> Iterator[bytes]:
        return iter(self._told)

    def flush(self) -> None:
        pass

    def record_next(self, series: Series, value: int | str) -> None:
        detail = json.loads(b"{" + series.line(value).removeprefix(b","))
        self.entries.append((Kind(detail.pop("kind")), detail))


def world(
    settings: Settings, hidden: frozenset[str] = frozenset(), append_limits: Mapping[str, int] | None = None
) -> World:
    """Return a world with alice@alpha.test (wonderland), who may have limits, and bob@alpha.test (builder).

    A little is hidden from bob, and he is an administrator.
    """
    accounts = {
        name: Account(Address(name, "alpha.test"), secret, without)
        for name, secret, without in (("alice", "wonderland", frozenset[str]()), ("bob", "builder", hidden))
    }
    if append_limits:
        accounts["alice"] = dataclasses.replace(accounts["alice"], append_limits=append_limits)
    domains = {"alpha.test": Domain("alpha.test", accounts=accounts)}
    administrators = frozenset({"bob@alpha.test"})
    return World(settings.network, {}, domains, administrators=administrators, tokens=tokens("alice@alpha.test"))


class Place:
    """A storage in a folder, and what IMAP sessions on it share; the wall clock does not move."""

    def __init__(self, folder: Path, **settings: Any) -> None:
        self.incoming = folder / "incoming"
        self.incoming.mkdir()
        self.journal = Notes()
        self.storage = Storage(folder / "mail", clock=Clock(wall=lambda: NOW), journal=self.journal)  # type: ignore[arg-type]
        guesses = Guesses(Clock(), answer_after=settings.pop("authentication_delay", 0.0))
        hidden = settings.pop("hidden", frozenset())
        own = Settings.from_environ({"POSTROAD_QUOTA": settings.pop("quota", "none")})
        self.accounts = Accounts(world(own, hidden, settings.pop("append_limits", None)), own, guesses)
        if settings.pop("administrator", False):
            administrators = frozenset({"alice@alpha.test"})
            self.accounts.world = dataclasses.replace(self.accounts.world, administrators=administrators)
        self.storage.quotas.allowed = self.accounts.quota
        given = {"plaintext_auth": True} | settings
        self.sasl = sasl(
            "imap",
            self.accounts.find,
            lambda: self.accounts.world,
            hidden=given.pop("sasl_without", ()),
            errors=given.pop("oauth_errors", Errors.RFC),
            plaintext_auth=given["plaintext_auth"],
        )
        self.shared = Shared(
            self.accounts,
            self.storage,
            self.journal,  # type: ignore[arg-type]
            Refusals(self.journal, Clock()),  # type: ignore[arg-type]
            self.incoming,
            sasl=self.sasl,
            clock=Clock(wall=lambda: NOW),
            **given,
        )

    def close(self) -> None:
        self.storage.close()


class Wire(Connection[Session]):
    """A connection for IMAP."""

    def __init__(self, place: Place, *, secure: bool = False) -> None:
        super().__init__(Session(place.shared), secure=secure)

    @property
    def busy(self) -> bool:
        """Whether the session works on something, or a message that is appended is not in its place yet."""
        return super().busy or bool(self.session.appends.pending)

    async def say(self, text: str | bytes) -> str:
        """Send a command whose CRLF is added, and return what is answered once nothing is under way."""
        octets = text.encode("utf-8", "surrogateescape") if isinstance(text, str) else text
        return (await self.exchange(octets + b"\r\n")).decode("utf-8", "surrogateescape")
