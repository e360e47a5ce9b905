"""Which tapes a query asks for: by protocol, peer, account, and the messages that they are about. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson

from postroad.control.messages import Refusal
from postroad.journal.uids import position_of, ranges_in

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from postroad.tap import Read
    from postroad.transcript.tape import Tape


def matching(tapes: Iterable[Tape], query: Mapping[str, str], world: str | None) -> Iterator[Tape]:
    """Yield the tapes that a query asks for, of those that a world may see; raises `Refusal`."""
    protocol, peer, account = query.get("protocol"), query.get("peer"), query.get("account")
    about = _About(query)
    for tape in tapes:
        opened = tape.opened
        if (
            tape.of(world)
            and protocol in {None, opened.protocol}
            and peer in {None, opened.peer, opened.peer.rpartition(":")[0]}
            and account in {None, tape.account}
            and about.fits(tape, world)
        ):
            yield tape


class _About:
    """Which messages a session has to be about: by queue IDs, or because it has read one of these places."""

    def __init__(self, query: Mapping[str, str]) -> None:
        self._all = "message" not in query and "places" not in query
        self._messages = frozenset(query.get("message", "").split(","))
        try:
            self._places = [(str(a), str(b), int(c), int(d)) for a, b, c, d in orjson.loads(query.get("places", "[]"))]
        except (TypeError, ValueError):
            raise Refusal(400, "places must be a list of account, mailbox, UIDVALIDITY and UID") from None

    def fits(self, tape: Tape, world: str | None) -> bool:
        if self._all:
            return True
        if any(world in {None, tape.messages[ident]} for ident in self._messages & tape.messages.keys()):
            return True
        return any(_has_read(fact, place) for fact in tape.reads for place in self._places)


def _has_read(fact: Read, place: tuple[str, str, int, int]) -> bool:
    here = (fact.account, fact.mailbox, fact.uid_validity)
    return here == place[:3] and position_of(place[3], ranges_in(fact.uids)) is not None
