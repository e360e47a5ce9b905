r"""`POST /accounts/{login}/append` and `/appends`: put messages into a mailbox, which is made if it is missing.

They arrive as by APPEND: with flags and internal date, and whoever has the mailbox open is told. `/appends` has many
messages in one body, of which all are stored or none: for each a JSON object `{"flags": ["\\Seen"], "date": 0}` and the
octets, each behind its length in 4 octets, most significant first.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import orjson

from postroad.control.door import Refusal, answer
from postroad.mail.crlf import with_crlf
from postroad_store.control.mail import wanted
from postroad_store.imap.grammar.reader import ATOM
from postroad_store.mail.model.account import is_of_others
from postroad_store.mail.model.arrival import Arrival
from postroad_store.mail.model.errors import MailboxExists, NameNotAllowed
from postroad_store.mail.model.flags import MAX_KEYWORD, SYSTEM_FLAGS, FlagSet

if TYPE_CHECKING:
    from collections.abc import Sequence

    from postroad.control.door import Request, Response, Route
    from postroad_store.control.mail import Mail
    from postroad_store.mail.model.account import Account
    from postroad_store.mail.model.mailbox import Mailbox

APART = 256 * 1024  # octets of a request, above which it is taken apart in a thread
LATEST = (1 << 40) - 1  # seconds since 1970

_SYSTEM = {name.lower(): bit for name, bit in SYSTEM_FLAGS.items()}


def routes(mail: Mail) -> Sequence[Route]:
    """Return the routes."""

    async def append(request: Request) -> Response:
        flags = _flags(request.query.get("flags", "").split())
        date = int(request.seconds("date", mail.clock.now(), most=LATEST))
        content = await _apart(request.body, with_crlf)
        stored = await put(request, [(content, date, flags)])
        return answer({"uid_validity": stored[0][0], "uid": stored[0][1]})

    async def appends(request: Request) -> Response:
        now = int(mail.clock.now())
        stored = await put(request, await _apart(request.body, lambda body: _messages(body, now)))
        return answer({"uid_validity": stored[0][0], "uids": [uid for _, uid in stored]})

    async def put(request: Request, messages: list[tuple[bytes, int, FlagSet]]) -> list[tuple[int, int]]:
        if not messages or not all(content for content, _, _ in messages):
            raise Refusal(422, "a message has no octets")
        account = await mail.receiver(request.params["login"])
        mailbox = await _mailbox(mail, account, wanted(request, "mailbox"))
        arrivals = [Arrival((mailbox,), *message) for message in messages]
        return [(stored.uid_validity, stored.uid) for stored in await mail.storage.append(arrivals)]

    return [
        mail.route("POST", "/accounts/{login}/append", append),
        mail.route("POST", "/accounts/{login}/appends", appends),
    ]


async def _apart(body: bytes, work: Any) -> Any:
    return await asyncio.to_thread(work, body) if len(body) > APART else work(body)


async def _mailbox(mail: Mail, account: Account, name: str) -> Mailbox:
    mailbox = account.find(name)
    if mailbox is None or not mailbox.selectable:
        if is_of_others(name):
            raise NameNotAllowed("other users make their own mailboxes")
        try:
            return await mail.storage.create(account, name)
        except MailboxExists:  # another request has made it meanwhile
            return account.selectable(name)
    return mailbox


def _messages(body: bytes, now: int) -> list[tuple[bytes, int, FlagSet]]:
    """Return content, internal date and flags of each message; raises `Refusal`."""
    frames = _frames(body)
    if len(frames) % 2:
        raise Refusal(400, "the body ends within a message")
    messages = []
    for head, content in zip(frames[::2], frames[1::2], strict=True):
        flags, date = _head(head)
        messages.append((with_crlf(content), now if date is None else date, flags))
    return messages


def _frames(body: bytes) -> list[bytes]:
    frames = []
    at = 0
    while at < len(body):
        end = at + 4 + int.from_bytes(body[at : at + 4], "big")
        if at + 4 > len(body) or end > len(body):
            raise Refusal(400, "the body ends within a message")
        frames.append(body[at + 4 : end])
        at = end
    return frames


def _head(octets: bytes) -> tuple[FlagSet, int | None]:
    try:
        match orjson.loads(octets):
            case {"flags": list(flags), "date": int() | float() | None as date} if all(
                isinstance(flag, str) for flag in flags
            ) and (date is None or 0 <= date <= LATEST):
                return _flags(flags), None if date is None else int(date)
    except orjson.JSONDecodeError:
        pass
    raise Refusal(400, 'before each message there must be {"flags": ["…"], "date": seconds or null}')


def _flags(names: Sequence[str]) -> FlagSet:
    """Return flags by their IMAP names (RFC 3501 §9 flag); raises `Refusal`."""
    system, keywords = 0, []
    for name in names:
        if name.lower() in _SYSTEM:
            system |= _SYSTEM[name.lower()]
        elif name.isascii() and ATOM.fullmatch(name.encode("ascii")) and len(name) <= MAX_KEYWORD:
            keywords.append(name)
        else:
            raise Refusal(422, f"{name} is not a flag of IMAP")
    return FlagSet(system, tuple(keywords))
