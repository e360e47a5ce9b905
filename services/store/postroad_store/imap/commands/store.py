"""STORE and UID STORE (RFC 3501 §6.4.6, §6.4.8), with UNCHANGEDSINCE (RFC 7162 §3.1.3)."""

from __future__ import annotations

import re
from types import MappingProxyType
from typing import TYPE_CHECKING

from postroad.value import value
from postroad_store.imap.commands import labels
from postroad_store.imap.commands.fetch import JUST_FLAGS, JUST_MODSEQ, fast, responses
from postroad_store.imap.events import Command
from postroad_store.imap.extensions import CONDSTORE, X_GM_EXT_1
from postroad_store.imap.grammar.flags import read_flags
from postroad_store.imap.grammar.modseq import read_modseq
from postroad_store.imap.grammar.options import OptionSpec, option_table, read_options
from postroad_store.imap.grammar.reader import SyntaxFault
from postroad_store.imap.grammar.sequence import format_ranges, parse_sequence_set, ranges_of, read_sequence_set
from postroad_store.imap.limits import message_limit, newest, told
from postroad_store.imap.selection import GONE, READ_ONLY, changed_among, some_gone, spans_of, uids_of, without
from postroad_store.imap.spec import Spec
from postroad_store.imap.states import SELECT
from postroad_store.mail.model.errors import NotPermitted
from postroad_store.mail.model.flags import NO_FLAGS, SYSTEM_FLAGS, Change, FlagSet
from postroad_store.mail.model.rights import ALL, permitted
from postroad_store.mail.model.uidset import UidSet
from postroad_store.protocol.waiting import give_way

if TYPE_CHECKING:
    from collections.abc import Awaitable, Mapping

    from postroad_store.imap.grammar.reader import Reader
    from postroad_store.imap.grammar.sequence import SequenceSet
    from postroad_store.imap.session import Session
    from postroad_store.imap.spec import Handler
    from postroad_store.mail.model.arrival import FlagsStored
    from postroad_store.mail.model.message import UID
    from postroad_store.mail.model.view import View
    from postroad_store.protocol.contract import Event

_CHANGES = {change.value.encode("ascii"): change for change in Change}
_COMMON = re.compile(
    rb" (\d[\d:,]*) ([+-]?FLAGS(?:\.SILENT)?) \((\\[A-Z]+)\)", re.IGNORECASE
)  # one flag of the system's
_FLAGS = {name.upper().encode("ascii"): FlagSet(bit) for name, bit in SYSTEM_FLAGS.items()}


@value
class UnchangedSince:
    """UNCHANGEDSINCE: messages that have changed after this mod-sequence are left alone (RFC 7162 §3.1.3)."""

    modseq: int


def _read_unchanged_since(reader: Reader) -> UnchangedSince:
    reader.space()
    return UnchangedSince(read_modseq(reader, zero=True))


MODIFIERS: dict[bytes, OptionSpec[UnchangedSince]] = option_table(
    OptionSpec(b"UNCHANGEDSINCE", CONDSTORE, _read_unchanged_since)
)


@value
class Store(Command):
    """Change the flags of messages."""

    uid: bool
    messages: SequenceSet
    change: Change
    silent: bool
    flags: FlagSet
    unchanged_since: int | None = None


def _parse(tag: bytes, reader: Reader, *, uid: bool) -> Store | labels.Store:
    # store = "STORE" SP sequence-set [store-modifiers] SP store-att-flags (RFC 4466 §3)
    # store-att-flags = (["+" / "-"] "FLAGS" [".SILENT"]) SP (flag-list / (flag *(SP flag)))
    common = _COMMON.fullmatch(reader.rest() or b"")
    if common is not None and common[3].upper() in _FLAGS:  # in one match: a third of the time
        item, flags = common[2].upper(), _FLAGS[common[3].upper()]
        silent = item.endswith(b".SILENT")
        return Store(tag, uid, parse_sequence_set(common[1]), _CHANGES[item.removesuffix(b".SILENT")], silent, flags)
    reader.space()
    messages = read_sequence_set(reader)
    reader.space()
    unchanged_since = None
    if reader.peek() == b"(":
        (modifier,) = read_options(reader, MODIFIERS)
        unchanged_since = modifier.modseq
        reader.space()
    item = reader.keyword()
    if b"X-GM-LABELS" in item and reader.offers(X_GM_EXT_1):
        silent = item.endswith(b".SILENT")
        change = _CHANGES.get(item.removesuffix(b".SILENT").replace(b"X-GM-LABELS", b"FLAGS"))
        if change is None or unchanged_since is not None:
            raise SyntaxFault("Invalid arguments")
        reader.space()
        names = labels.read_labels(reader)
        reader.end()
        return labels.Store(tag, uid, messages, change, silent, names)
    change = _CHANGES.get(item.removesuffix(b".SILENT"))
    if change is None:
        raise SyntaxFault("Invalid arguments")
    reader.space()
    flags = read_flags(reader, bare=True)
    reader.end()
    return Store(tag, uid, messages, change, item.endswith(b".SILENT"), flags, unchanged_since)


def parse(tag: bytes, reader: Reader) -> Store | labels.Store:
    """Take sequence numbers, the change and the flags."""
    return _parse(tag, reader, uid=False)


def parse_uid(tag: bytes, reader: Reader) -> Store | labels.Store:
    """Take UIDs, the change and the flags."""
    return _parse(tag, reader, uid=True)


def handle(session: Session, command: Store) -> Awaitable[None] | None:
    """Change flags, and report the new ones."""
    view = session.selected_view()
    spans, lowest = newest(view, spans_of(view, command.messages, uid=command.uid), message_limit(session))
    if command.unchanged_since is not None:
        session.enable(CONDSTORE)
    if view.read_only:
        session.engine.complete(command.tag, READ_ONLY)
        return None
    if not spans:
        session.finish(command, b"OK Store completed.", uid=True)
        return None
    return _store(session, command, spans, lowest)


async def _store(session: Session, command: Store, spans: list[range], lowest: UID | None) -> None:
    view = session.selected_view()
    change, flags = command.change, command.flags
    if view.rights is not ALL:
        change, flags = _permitted(view, change, flags)
    stored = await session.storage.store(
        view.mailbox, uids_of(view, spans), change, flags, view=view, unchanged_since=command.unchanged_since
    )
    # RFC 7162 §3.1.3: the client SHOULD be told why the test has failed; with FLAGS, as of any change by others.
    if stored.failed:
        view.flagged(UidSet(stored.failed))
    if view.changed:  # the client must know new keywords before they are used; numbers must stay
        await session.tell_in_turns(view, expunges=False, uid=command.uid)
    await _report(session, command, spans, stored)
    text = told(session, _completion(command, view, spans, stored), lowest)
    session.finish(command, text, expunges=command.uid, uid=command.uid)


def _permitted(view: View, change: Change, flags: FlagSet) -> tuple[Change, FlagSet]:
    r"""Return the part of a change that the session's rights allow; raises `NotPermitted` if that is nothing.

    RFC 4314 §4: \Seen needs s, \Deleted t, all others w. STORE "SHOULD NOT fail if the user has rights to modify at
    least one flag specified". Who may not change all flags cannot replace them: FLAGS adds those that they may change.
    """
    if view.rights.issuperset("swt"):
        return change, flags
    allowed = permitted(flags, view.rights)
    if allowed == NO_FLAGS and (flags != NO_FLAGS or not view.rights & frozenset("swt")):
        raise NotPermitted("you lack the right to change these flags")
    return (Change.ADD if change is Change.REPLACE else change), allowed


async def _report(session: Session, command: Store, spans: list[range], stored: FlagsStored) -> None:
    """Send what has become of the messages."""
    view, manner = session.selected_view(), session.manner
    if command.silent and not manner.modseq:
        return
    if stored.failed:
        spans = without(view, spans, stored.failed)
    if command.silent and command.unchanged_since is None:
        # RFC 7162 §3.1.3: .SILENT spares the flags, not the mod-sequences; where nothing has changed there is no news.
        spans = changed_among(session.storage, view, spans, stored.modseq - 1)
    items = JUST_MODSEQ if command.silent and not stored.overruled else JUST_FLAGS
    plan = items.plan(uid=command.uid or manner.modseq or manner.rev2, modseq=manner.modseq, uid_only=manner.uid_only)
    if len(spans) == 1 and len(spans[0]) == 1 and not manner.modseq:  # what most clients do
        session.engine.send(fast(session.storage, view, spans[0], plan))
        return
    pieces = 0
    for octets, _ in responses(session.storage, view, spans, plan):
        if pieces:
            await give_way(session.connection)
        session.engine.send(octets)
        pieces += 1
    if pieces > 1:  # others may have changed messages meanwhile
        session.highest.fetched_any()
    elif pieces:
        session.highest.fetched(max([max(view.pick(view.mailbox.modseqs, span[0], span[-1])) for span in spans]))


def _completion(command: Store, view: View, spans: list[range], stored: FlagsStored) -> bytes:
    gone = not command.uid and some_gone(view, spans)
    if stored.failed:
        failed: list[int] = [*stored.failed]
        if not command.uid:
            failed = [number for uid in failed if (number := view.number(uid)) is not None]
        code = b"[MODIFIED %b] " % format_ranges(ranges_of(failed))
        # RFC 7162 §3.1.3, example 11: NO says that others are gone.
        return (
            b"NO %bSome of the requested messages no longer exist." if gone else b"OK %bConditional store failed."
        ) % code
    return b"OK " + GONE if gone else b"OK Store completed."


_EXTENSIONS = (CONDSTORE, X_GM_EXT_1)
_FOLLOW: Mapping[type[Event], Handler] = MappingProxyType({labels.Store: labels.handle})
SPECS = (
    Spec(b"STORE", SELECT, Store, parse, handle, "RFC 3501 §6.4.6", extensions=_EXTENSIONS, follow=_FOLLOW),
    Spec(b"UID STORE", SELECT, Store, parse_uid, handle, "RFC 3501 §6.4.8", extensions=_EXTENSIONS, follow=_FOLLOW),
)
