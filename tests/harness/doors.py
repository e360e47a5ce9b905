"""The control doors of relay and store, as toys in memory: what a test says has happened, their journals tell.

stack = ToyStack()
catalog = Catalog(tmp_path, relay=stack.relay, store=stack.store)
await catalog.start()
ident = stack.send(b"Subject: Hello\r\n\r\n", "alice@alpha.test", ["bob@beta.test"])
await stack.told(catalog)
assert catalog.every.get(ident).digest.subject == "Hello"
"""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from postroad.control.client import DoorAway, DoorRefused, Lines
from postroad.jsontext import to_json

if TYPE_CHECKING:
    from collections.abc import Sequence

    from postroad_web.catalog.catalog import Catalog

START = datetime(2026, 3, 1, 12, tzinfo=UTC).timestamp()
GONE = 0xFFFFFFFF


class ToyDoor:
    """A door with a journal; `answers` gives the answer to a request without a body, by method and path."""

    def __init__(self, service: str, first: int) -> None:
        self.service = service
        self.journal_lines: list[tuple[int, bytes]] = []
        self.number = first - 1
        self.dropped_before = first  # lines below are rotated away
        self.contents: dict[Any, bytes] = {}
        self.asked: list[tuple[str, str]] = []
        self.answers: dict[tuple[str, str], Any] = {}
        self.away = False
        self._bell = asyncio.Event()

    def note(self, kind: str, time: float, **details: Any) -> int:
        """Write an event into the journal; returns its number."""
        self.number += 1
        stamp = datetime.fromtimestamp(time, UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
        event = {"time": stamp, "service": self.service, "kind": kind, "n": self.number, **details}
        self.journal_lines.append((self.number, to_json(event) + b"\n"))
        self.wake()
        return self.number

    def wake(self) -> None:
        """Let those who wait for an event look again."""
        self._bell.set()
        self._bell = asyncio.Event()

    def _ask(self, method: str, path: str) -> None:
        self.asked.append((method, path))
        if self.away:
            raise DoorAway(self.service, "it is a toy")

    async def journal(self, after: int, *, wait: float = 0.0, limit: int = 2000, gather: float = 0.0) -> Lines:
        bell = self._bell
        self._ask("GET", "/journal")
        lines = [line for number, line in self.journal_lines if number > after and number >= self.dropped_before]
        if not lines and wait:
            await bell.wait()
            return await self.journal(after, wait=0.0, limit=limit)
        return Lines(lines[:limit], self.dropped_before, self.number)

    async def get(self, path: str, **query: Any) -> Any:
        self._ask("GET", path)
        return self._answer("GET", path, query)

    async def post(self, path: str, value: Any = None, **query: Any) -> Any:
        self._ask("POST", path)
        return self._answer("POST", path, value or query)

    async def put(self, path: str, value: Any, **_query: Any) -> Any:
        self._ask("PUT", path)
        return self._answer("PUT", path, value)

    async def delete(self, path: str, **query: Any) -> Any:
        self._ask("DELETE", path)
        return self._answer("DELETE", path, query)

    def _answer(self, method: str, path: str, given: Any) -> Any:
        answer = self.answers.get((method, path))
        if answer is None:
            raise DoorRefused(404, f"no {path}")
        return answer(given) if callable(answer) else answer

    async def octets(self, path: str, **query: Any) -> bytes:
        self._ask("GET", path)
        key: Any = path.removeprefix("/content/")
        if path == "/content":
            key = tuple(query[name] for name in ("account", "mailbox", "uid_validity", "uid"))
        if key not in self.contents:
            raise DoorRefused(404, "no such content")
        return self.contents[key]

    async def post_for_octets(self, path: str, value: Any) -> bytes:
        self._ask("POST", path)
        pieces: list[bytes] = []
        for copy in value["copies"]:
            octets = self.contents.get(tuple(copy))
            pieces += [GONE.to_bytes(4)] if octets is None else [len(octets).to_bytes(4), octets]
        return b"".join(pieces)

    async def close(self) -> None:
        """Do nothing: a toy has no connections."""


class ToyStack:
    """A relay and a store that do what they are told, and write their journals."""

    def __init__(self) -> None:
        self.relay = ToyDoor("relay", 1_000)
        self.store = ToyDoor("store", 5_000)
        self.relay.answers |= {
            ("DELETE", "/queue"): self._purge_queue,
            ("GET", "/state"): lambda _: {"last": self.relay.number, "upto": self.relay.number, "messages": []},
            ("GET", "/journal/last"): lambda _: {"last": self.relay.number},
        }
        self.store.answers |= {
            ("DELETE", "/mail"): self._purge_mail,
            ("GET", "/journal/last"): lambda _: {"last": self.store.number},
        }
        self.time = START
        self._ids = 0
        self._uids: dict[str, int] = {}
        self.queued: dict[str, tuple[bytes, list[str]]] = {}

    def accept(
        self, raw: bytes, sender: str | None, recipients: Sequence[str], *, port: str = "app", **details: Any
    ) -> str:
        """Take a message from outside; returns its queue ID."""
        self._ids += 1
        ident = f"R{self._ids:06d}"
        self.time += 1.0
        facts = {"peer": "127.0.0.1", "client": "app", "protocol": "ESMTP", "tls": None, "login": None, **details}
        self.relay.note(
            "accepted", self.time, queue_id=ident, port=port, sender=sender or "", recipients=[*recipients], **facts
        )
        self.relay.note("queued", self.time, queue_id=ident, size=len(raw))
        self.relay.contents[ident] = raw
        self.queued[ident] = (raw, [*recipients])
        return ident

    def deliver(
        self, ident: str, recipients: Sequence[str] | None = None, *, captured: bool = False
    ) -> list[tuple[str, str, int, int]]:
        """Deliver a queued message to the mailboxes of recipients; returns its places."""
        raw, pending = self.queued[ident]
        chosen = [*(recipients or pending)]
        store_id = f"S{ident}{len(pending)}"
        places = []
        for recipient in chosen:
            account = "capture@alpha.test" if captured else recipient
            uid = self._uids[account] = self._uids.get(account, 0) + 1
            place = (account, "INBOX", 77, uid)
            self.store.contents[place] = b"Return-Path: <>\r\n" + raw
            more = {"captured": True} if captured else {}
            self.store.note(
                "stored",
                self.time,
                queue_id=store_id,
                recipients=[recipient],
                **dict(zip(("account", "mailbox", "uid_validity", "uid"), place, strict=True)),
                **more,
            )
            places.append(place)
            reply = f"250 2.0.0 OK stored as {store_id}"
            self.relay.note("delivered", self.time, queue_id=ident, recipient=recipient, host="mx", reply=reply)
        self._done(ident, chosen)
        return places

    def send(self, raw: bytes, sender: str | None, recipients: Sequence[str], **details: Any) -> str:
        """Take a message from outside and deliver it; returns its queue ID."""
        ident = self.accept(raw, sender, recipients, **details)
        self.deliver(ident)
        return ident

    def defer(self, ident: str, recipient: str, reply: str = "451 4.3.0 later", due: float = START + 60) -> None:
        """Have an attempt fail for now."""
        self.relay.note(
            "deferred", self.time, queue_id=ident, recipient=recipient, host="mx", reply=reply, reason=reply, next=due
        )

    def fail(self, ident: str, recipient: str, reply: str = "550 5.1.1 no such user", *, world: str = "default") -> str:
        """Bounce: the notification is queued; returns its queue ID."""
        self.relay.note("failed", self.time, queue_id=ident, recipient=recipient, host="mx", reply=reply, reason=reply)
        self._done(ident, [recipient])
        self._ids += 1
        report = f"R{self._ids:06d}"
        raw = b"Subject: Undelivered\r\n\r\n" + reply.encode()
        named = {} if world == "default" else {"world": world}
        self.relay.note("reported", self.time, queue_id=ident, dsn_queue_id=report, to="alice@alpha.test", **named)
        self.relay.note("queued", self.time, queue_id=report, reports=ident, size=len(raw))
        self.queued[report] = (raw, ["alice@alpha.test"])
        self.relay.contents[report] = raw
        return report

    def remove(self, place: tuple[str, str, int, int]) -> None:
        """Expunge a message from a mailbox."""
        del self.store.contents[place]
        account, mailbox, uid_validity, uid = place
        self.store.note("removed", self.time, account=account, mailbox=mailbox, uid_validity=uid_validity, uid=uid)

    async def told(self, catalog: Catalog) -> None:
        """Wait until a catalog knows all that has happened."""
        await catalog.caught_up(self.relay.number, self.store.number, 10.0)

    def _done(self, ident: str, recipients: Sequence[str]) -> None:
        raw, pending = self.queued.pop(ident)
        left = [recipient for recipient in pending if recipient not in recipients]
        if left:
            self.queued[ident] = (raw, left)

    def _purge_queue(self, _: object) -> dict[str, int]:
        removed = len(self.queued)
        for ident in self.queued:
            self.relay.note("dropped", self.time, queue_id=ident)
        self.queued.clear()
        return {"removed": removed}

    def _purge_mail(self, _: object) -> dict[str, int]:
        places = list(self.store.contents)
        for place in places:
            self.remove(place)
        return {"removed": len(places)}
