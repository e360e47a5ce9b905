"""Rows of the table `records` as records, journeys and digests, and the other way round. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import orjson

from postroad_web.catalog.journey import Journey
from postroad_web.catalog.record import Address, Digest, Origin, Record

if TYPE_CHECKING:
    from collections.abc import Iterable

# What `journey_of` needs.
JOURNEY: Final = "number, id, world, origin, arrived, sender, message_id, size, login, about, digested, rest"
RECORD: Final = f"{JOURNEY}, read, tagged, subject, from_, to_, cc, reply_to, attachments, inline, digest"


def journey_of(row: tuple[Any, ...]) -> Journey:
    """Return the journey of a row that begins with the columns of `JOURNEY`."""
    number, ident, world, origin, arrived, sender, message_id, size, login, about, digested, rest = row[:12]
    journey = Journey(ident, number, Origin(origin), arrived, world)
    journey.sender = sender
    journey.message_id = message_id
    journey.size = size
    journey.login = login
    journey.about = about
    journey.digested = digested
    journey.unpack(rest)
    return journey


def record_of(row: tuple[Any, ...]) -> Record:
    """Return the record of a row of the columns of `RECORD`."""
    journey = journey_of(row)
    read, tagged, *digest = row[12:]
    return Record(
        id=journey.id,
        number=journey.number,
        world=journey.world,
        origin=journey.origin,
        arrived=journey.arrived,
        sender=journey.sender,
        recipients=journey.recipient_states(),
        message_id=journey.message_id,
        size=journey.size,
        login=journey.login,
        peer=journey.peer,
        client=journey.client,
        protocol=journey.protocol,
        tls=journey.tls,
        digest=_digest_of(digest) if journey.digested == 1 else None,
        gone=journey.digested == 2,
        read=bool(read),
        tags=tuple(orjson.loads(tagged)),
        about=journey.about,
        reports=tuple(journey.reports),
        state=journey.state,
    )


def _digest_of(columns: list[Any]) -> Digest:
    subject, from_, to, cc, reply_to, attachments, inline, rest = columns
    bcc, date, snippet, tags = orjson.loads(rest)
    return Digest(
        subject=subject,
        from_=_addresses(orjson.loads(from_)),
        to=_addresses(orjson.loads(to)),
        cc=_addresses(orjson.loads(cc)),
        bcc=_addresses(bcc),
        reply_to=_addresses(orjson.loads(reply_to)),
        date=date,
        snippet=snippet,
        attachments=attachments,
        inline=inline,
        tags=tuple(tags),
    )


def _addresses(pairs: list[list[str]]) -> tuple[Address, ...]:
    return tuple(Address(name, address) for name, address in pairs)


def bcc_of(digest: Digest, recipients: Iterable[str]) -> tuple[Address, ...]:
    """Return the addresses of Bcc, and those of the envelope's recipients that no field names."""
    named = digest.named
    return *digest.bcc, *(Address("", recipient) for recipient in recipients if recipient.lower() not in named)


def digest_columns(digest: Digest, recipients: list[str]) -> tuple[Any, ...]:
    """Return the columns from `subject` to `digest`; `recipients` are those of the envelope."""
    return (
        digest.subject,
        _json(digest.from_),
        _json(digest.to),
        _json(digest.cc),
        _json(bcc_of(digest, recipients)),
        _json(digest.reply_to),
        digest.attachments,
        digest.inline,
        orjson.dumps([digest.bcc, digest.date, digest.snippet, digest.tags], default=tuple),
    )


def _json(addresses: tuple[Address, ...]) -> str:
    return orjson.dumps(addresses, default=tuple).decode("utf-8")
