"""The plain way of FETCH: the response of one message, in pieces. It knows parts, and messages of any size."""

from __future__ import annotations

from typing import TYPE_CHECKING

from postroad_store.imap.commands.fetch.item import Gone, Message, Refused

if TYPE_CHECKING:
    from collections.abc import Iterator

    from postroad_store.imap.commands.fetch.plan import Plan
    from postroad_store.mail.model.message import UID
    from postroad_store.mail.model.view import View
    from postroad_store.mail.storage import Storage


class Lost(Exception):  # noqa: N818 - not an error
    """Another session has expunged the message in the middle of its response: the connection must be closed."""


def plain(storage: Storage, view: View, number: int, plan: Plan) -> Iterator[bytes]:
    """Yield the response for one message in pieces, nothing if it is gone; raises `Lost` once it has begun.

    An empty piece is a pause. Raises `Refused` before it has begun, if an item cannot be given.
    """
    values = len(plan.items) - plan.texts
    pieces: list[bytes] = []
    try:
        message = Message(storage, view, view.uids[number - 1])
        for item in plan.items:
            item.check(message)
        for item in plan.items[:values]:
            written: list[bytes] = []
            for piece in item.write(message):
                if piece:
                    written.append(piece)
                else:
                    yield piece
            pieces.append(b"".join(written))
    except Gone:
        return
    begin = b"* %d UIDFETCH (" % message.uid if plan.uid_only else b"* %d FETCH (" % number
    yield begin + b" ".join(pieces)
    space = b" " if pieces else b""
    try:
        for item in plan.items[values:]:
            yield space
            yield from item.write(message)
            space = b" "
    except Gone:
        raise Lost from None
    yield b")\r\n"


def can_be_given(storage: Storage, view: View, uid: UID, plan: Plan) -> bool:
    """Return False if an item of this message would be refused."""
    try:
        message = Message(storage, view, uid)
        for item in plan.items:
            item.check(message)
    except Refused:
        return False
    except Gone:
        return True
    return True
