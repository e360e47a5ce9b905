"""What the journals tell of one message: its envelope, how far each recipient has got, and the copies in mailboxes.

This is the state of the fold (`fold`), as the catalog's column `rest` keeps it, and as a record shows it. Pure.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeAlias

import orjson

from postroad_web.catalog.record import Copy, Origin, RecipientState, State

if TYPE_CHECKING:
    from collections.abc import Iterator

Place: TypeAlias = "tuple[str, str, int, int]"  # account, mailbox, UIDVALIDITY, UID

PENDING: Final = frozenset({State.QUEUED, State.DEFERRED})
_ORDER: Final = {state: place for place, state in enumerate(State)}


class Recipient:
    """A recipient of the envelope; `via` is the queue ID that the store gave to the delivery."""

    __slots__ = ("address", "attempts", "due", "host", "reason", "state", "via")

    def __init__(  # noqa: PLR0917 - unpacked from a list
        self,
        address: str,
        state: State = State.QUEUED,
        reason: str = "",
        host: str = "",
        due: float | None = None,
        attempts: int = 0,
        via: str | None = None,
    ) -> None:
        self.address = address
        self.state = state
        self.reason = reason
        self.host = host
        self.due = due
        self.attempts = attempts
        self.via = via


class Placed:
    """A copy in a mailbox, as the store tells it. `addresses` are the recipients that led to it, in lower case."""

    __slots__ = ("account", "addresses", "captured", "mailbox", "removed", "store_id", "uid", "uid_validity")

    def __init__(  # noqa: PLR0917 - unpacked from a list
        self,
        store_id: str,
        account: str,
        mailbox: str,
        uid_validity: int,
        uid: int,
        addresses: list[str],
        captured: bool,
        removed: bool = False,
    ) -> None:
        self.store_id = store_id
        self.account = account
        self.mailbox = mailbox
        self.uid_validity = uid_validity
        self.uid = uid
        self.addresses = addresses
        self.captured = captured
        self.removed = removed

    @property
    def place(self) -> Place:
        """Where it is."""
        return self.account, self.mailbox, self.uid_validity, self.uid

    @property
    def which(self) -> tuple[Place, str]:
        """Where it is, and of which delivery: after a restore, another may come to the same place."""
        return self.place, self.store_id


class Journey:
    """One message; the fields are those of `Record`."""

    __slots__ = (
        "about", "arrived", "client", "digested", "held", "id", "login", "message_id", "number", "origin", "peer",
        "placed", "protocol", "recipients", "reports", "sender", "size", "tls", "world",
    )  # fmt: skip

    def __init__(self, ident: str, number: int, origin: Origin, arrived: float, world: str) -> None:
        self.id = ident
        self.number = number
        self.world = world
        self.origin = origin
        self.arrived = arrived
        self.sender: str | None = None
        self.message_id: str | None = None
        self.size = 0
        self.login: str | None = None
        self.peer = ""
        self.client = ""
        self.protocol = ""
        self.tls: str | None = None
        self.about: str | None = None
        self.digested = 0  # 1: its content has been read; 2: there is none to be read
        self.held = False
        self.reports: list[str] = []
        self.recipients: list[Recipient] = []
        self.placed: list[Placed] = []

    def recipient(self, address: str) -> Recipient:
        """Return a recipient of the envelope; one that nobody has named yet is added."""
        for recipient in self.recipients:
            if recipient.address == address:
                return recipient
        recipient = Recipient(address)
        self.recipients.append(recipient)
        return recipient

    @property
    def state(self) -> State:
        """The state of the slowest recipient."""
        return min((state for _, state, _ in self._outcomes()), key=_ORDER.__getitem__, default=State.QUEUED)

    @property
    def removed(self) -> bool:
        """Whether nothing is left of the message: no copy in a mailbox, and none that may yet come there."""
        placed = {copy.store_id for copy in self.placed}
        return (
            bool(placed)
            and all(copy.removed for copy in self.placed)
            and not any(
                recipient.state in PENDING or (recipient.via is not None and recipient.via not in placed)
                for recipient in self.recipients
            )
        )

    def _outcomes(self) -> Iterator[tuple[Recipient, State, list[Placed]]]:
        """Yield the recipients, each with its state as records show it and its copies."""
        copies: dict[tuple[str | None, str], list[Placed]] = {}
        for copy in self._in_order():
            for address in set(copy.addresses):
                copies.setdefault((copy.store_id, address), []).append(copy)
        for recipient in self.recipients:
            own = copies.get((recipient.via, recipient.address.lower()), [])
            state = recipient.state
            if self.held and state in PENDING:
                state = State.HELD
            elif state is State.DELIVERED and any(copy.captured for copy in own):
                state = State.CAPTURED
            yield recipient, state, own

    def _in_order(self) -> list[Placed]:
        """Return the copies in an order that does not depend on which journal was read first."""
        if len(self.placed) > 1:
            self.placed.sort(key=lambda copy: copy.place)
        return self.placed

    def recipient_states(self) -> tuple[RecipientState, ...]:
        """Return the recipients as records show them."""
        return tuple(
            RecipientState(
                recipient.address,
                state,
                recipient.reason,
                recipient.host,
                recipient.due,
                recipient.attempts,
                tuple(Copy(copy.account, copy.mailbox, copy.uid_validity, copy.uid, copy.removed) for copy in copies),
            )
            for recipient, state, copies in self._outcomes()
        )

    def pack(self) -> bytes:
        """Return what has no column of its own."""
        return orjson.dumps(
            [
                self.peer,
                self.client,
                self.protocol,
                self.tls,
                self.held,
                self.reports,
                [
                    [
                        recipient.address,
                        recipient.state,
                        recipient.reason,
                        recipient.host,
                        recipient.due,
                        recipient.attempts,
                        recipient.via,
                    ]
                    for recipient in self.recipients
                ],
                [
                    [
                        copy.store_id,
                        copy.account,
                        copy.mailbox,
                        copy.uid_validity,
                        copy.uid,
                        copy.addresses,
                        copy.captured,
                        copy.removed,
                    ]
                    for copy in self._in_order()
                ],
            ]
        )

    def unpack(self, packed: bytes) -> None:
        """Take over what `pack` has returned."""
        loaded: list[Any] = orjson.loads(packed)
        self.peer, self.client, self.protocol, self.tls, self.held, self.reports, recipients, placed = loaded
        self.recipients = [Recipient(address, State(state), *rest) for address, state, *rest in recipients]
        self.placed = [Placed(*copy) for copy in placed]
