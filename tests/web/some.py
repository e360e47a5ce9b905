"""Records of the catalog, made for a test."""

from __future__ import annotations

from typing import Any

from postroad_web.catalog.record import Address, Copy, Digest, RecipientState, Record, State

BOB = "bob@beta.test"


def recipient(address: str = BOB, state: State = State.DELIVERED, **more: Any) -> RecipientState:
    copies = (Copy(address, "INBOX", 1, 1),) if state is State.DELIVERED else ()
    return RecipientState(address, state, **{"copies": copies, **more})


def digest(subject: str = "Hello", **more: Any) -> Digest:
    given = {"from_": (Address("Ann", "ann@alpha.test"),), "to": (Address("Bob", BOB),), "snippet": "Hello Bob"}
    return Digest(subject=subject, **given | more)


def record(number: int = 1, *, state: State = State.DELIVERED, to: str = BOB, **more: Any) -> Record:
    given: dict[str, Any] = {
        "id": f"q{number}",
        "number": number,
        "arrived": 1_764_000_000.0 + number,
        "sender": "ann@alpha.test",
        "recipients": (recipient(to, state),),
        "message_id": f"<{number}@alpha.test>",
        "size": 100,
        "digest": digest(),
        "state": state,
    }
    return Record(**given | more)
