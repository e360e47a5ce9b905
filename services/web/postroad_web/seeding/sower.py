"""Puts messages into a mailbox as they are found: a few at a time, each batch in one commit of the store."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from postroad.control.client import quote_path
from postroad.jsontext import to_json

if TYPE_CHECKING:
    from postroad.control.client import DoorClient
    from postroad_web.seeding.found import Found

BATCH = 500  # messages
OCTETS = 1 << 20  # of messages, with which a batch is sent


class Sower:
    """The seeding of one mailbox."""

    def __init__(self, store: DoorClient, login: str, mailbox: str) -> None:
        self._store = store
        self._path = quote_path("accounts", login, "appends")
        self._mailbox = mailbox
        self._batch: list[bytes] = []
        self._count = 0  # messages of the batch
        self._octets = 0
        self.stored = 0  # messages
        self.stored_octets = 0
        self.uid_validity: int | None = None
        self.first_uid: int | None = None
        self.last_uid: int | None = None

    async def put(self, message: Found, flags: tuple[str, ...] = ()) -> bool:
        """Take a message, with further flags; return True if a batch has been stored with it.

        Raises `DoorAway`, `DoorRefused`.
        """
        head = to_json({"flags": [*message.flags, *flags], "date": message.date})
        for frame in (head, message.content):
            self._batch += (len(frame).to_bytes(4, "big"), frame)
        self._count += 1
        self._octets += len(message.content)
        if self._count < BATCH and self._octets < OCTETS:
            return False
        await self.flush()
        return True

    async def flush(self) -> None:
        """Store what is left."""
        if not self._count:
            return
        body, count, octets = b"".join(self._batch), self._count, self._octets
        self._batch, self._count, self._octets = [], 0, 0
        answer = await self._store.post_octets(self._path, body, mailbox=self._mailbox)
        self.stored += count
        self.stored_octets += octets
        self.uid_validity = answer["uid_validity"]
        if self.first_uid is None:
            self.first_uid = answer["uids"][0]
        self.last_uid = answer["uids"][-1]

    def summary(self) -> dict[str, Any]:
        """Return how far it has come."""
        return {
            "stored": self.stored,
            "octets": self.stored_octets,
            "uid_validity": self.uid_validity,
            "first_uid": self.first_uid,
            "last_uid": self.last_uid,
        }
