"""LIST (RFC 3501 §6.3.8; RFC 5258; RFC 9051 §6.3.9), and XLIST.

XLIST is what Gmail had before RFC 6154 gave mailboxes their special uses; clients of its time ask for it.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from postroad.value import value
from postroad_store.imap.commands.list.attributes import Attributes
from postroad_store.imap.commands.list.options import (
    RECURSIVEMATCH,
    REMOTE,
    SELECTIONS,
    SUBSCRIBED,
    Place,
    read_returns,
    read_selections,
)
from postroad_store.imap.commands.list.selecting import STEP, Selector
from postroad_store.imap.events import Command
from postroad_store.imap.extensions import (
    CHILDREN,
    LIST_EXTENDED,
    LIST_METADATA,
    LIST_MYRIGHTS,
    LIST_STATUS,
    SPECIAL_USE,
)
from postroad_store.imap.grammar.arguments import read_mailbox
from postroad_store.imap.grammar.reader import SyntaxFault
from postroad_store.imap.patterns import Patterns, levels_above, root_of
from postroad_store.imap.spec import Capability, Spec, after_login
from postroad_store.imap.states import AUTH
from postroad_store.mail.model.account import OTHERS

if TYPE_CHECKING:
    from collections.abc import Awaitable, Iterable, Iterator
    from collections.abc import Set as AbstractSet

    from postroad_store.imap.commands.list.options import Responder
    from postroad_store.imap.grammar.reader import Reader
    from postroad_store.imap.session import Session
    from postroad_store.mail.model.account import Named
    from postroad_store.mail.model.mailbox import Mailbox

XLIST = Capability(b"XLIST", "RFC 6154", after_login, on_request=True)
FEW = 500  # names, up to which a plain LIST is answered at once
PAUSE_AFTER = 0.004  # seconds that a LIST may work before others get their turn


@value
class List(Command):
    """Names that match a pattern."""

    reference: bytes
    patterns: tuple[bytes, ...]
    selection: frozenset[bytes] = frozenset()  # words of options
    subscribed: bool = False  # which names are subscribed to is to be told
    responders: tuple[Responder, ...] = ()  # what follows each response
    extended: bool = False  # the command has options or several patterns; both may be empty


@value
class Xlist(List):
    """The same, with Gmail's attributes."""


def parse(tag: bytes, reader: Reader) -> List:
    """Take the options, the reference and the patterns."""
    # list = "LIST" [SP list-select-opts] SP mailbox SP mbox-or-pat [SP list-return-opts]            (RFC 5258 §6)
    # mbox-or-pat = list-mailbox / patterns; patterns = "(" list-mailbox *(SP list-mailbox) ")"
    # list-return-opts = "RETURN" SP "(" [return-option *(SP return-option)] ")"
    reader.space()
    several = reader.offers(LIST_EXTENDED)
    options = several or reader.offers(SPECIAL_USE)
    selection: frozenset[bytes] = frozenset()
    extended = options and reader.skip(b"(")
    if extended:
        selection = read_selections(reader)
        reader.space()
    reference = reader.astring()
    reader.space()
    if several and reader.skip(b"("):
        extended = True
        patterns = [reader.list_mailbox() for _ in reader.items()]
    else:
        patterns = [reader.list_mailbox()]
    returned: dict[bytes, Responder | None] = {}
    if options and not reader.at_end():
        extended = True
        reader.space()
        if reader.keyword() != b"RETURN":
            raise SyntaxFault("Unexpected argument")
        reader.take(b" (")
        returned = read_returns(reader)
    reader.end()
    return List(
        tag,
        reference,
        tuple(patterns),
        selection,
        SUBSCRIBED in selection or SUBSCRIBED in returned,  # RFC 5258 §3.1: the one implies the other
        tuple(responder for responder in returned.values() if responder is not None),
        extended,
    )


def parse_xlist(tag: bytes, reader: Reader) -> Xlist:
    """Take the reference and the pattern."""
    reference = read_mailbox(reader)
    reader.space()
    pattern = reader.list_mailbox()
    reader.end()
    return Xlist(tag, reference, (pattern,))


def handle(session: Session, command: List) -> Awaitable[None] | None:
    """List mailboxes: a few at once, many in steps, so that no other session waits."""
    if not command.extended and not command.patterns[0]:
        # RFC 3501 §6.3.8: a request for the delimiter. RFC 5258 §3: with options "" is a name as any other
        root = session.as_name(root_of(command.reference))
        session.engine.send(b'* %b (\\Noselect) "/" %b\r\n' % (_word(command), root))
        _finish(session, command)
        return None
    listing = _Listing(session, command)
    if command.responders or len(listing.names) > FEW:
        return _in_steps(session, command, listing)
    for _ in listing.select():
        pass
    session.engine.send(b"".join(listing.answers()))
    _finish(session, command)
    return None


async def _in_steps(session: Session, command: List, listing: _Listing) -> None:
    view = session.view
    if command.responders and view is not None and view.changed:
        # The figures of the selected mailbox agree with what the client knows.
        await session.tell_in_turns(view, expunges=True)
    began = time.perf_counter()
    for _ in listing.select():
        began = await _pause(began)
    for octets in listing.answers():
        session.engine.send(octets)
        session.connection.flush()
        await session.connection.wait_writable()
        began = await _pause(began)
    _finish(session, command)


async def _pause(began: float) -> float:
    """Let others run, if this has worked for long enough since it `began`; return when it begins again."""
    if time.perf_counter() - began < PAUSE_AFTER:
        return began
    await asyncio.sleep(0)
    return time.perf_counter()


def _finish(session: Session, command: List) -> None:
    session.finish(command, b"OK %b completed." % _word(command).capitalize())


def _word(command: List) -> bytes:
    return b"XLIST" if isinstance(command, Xlist) else b"LIST"


class _Listing:
    """One LIST under way."""

    def __init__(self, session: Session, command: List) -> None:
        self._session = session
        self._command = command
        self._account = account = session.current_account()
        self._directory = directory = session.directory
        self._foreign = {name: directory.listed(name) for name in directory.shared()}
        self._parents = {level for name in self._foreign for level in levels_above(name)}
        # RFC 5258 §3.1: SUBSCRIBED lists "subscribed names, rather than the existing mailboxes"
        if SUBSCRIBED in command.selection:
            self.names = sorted(account.subscriptions)
        else:
            self.names = account.names[:]
            if account.listed(OTHERS) is not None:  # made before there was a namespace of this name, which hides it
                self.names = [name for name in self.names if not directory.is_foreign(name)]
            self.names += self._foreign
        # RFC 5258 §3: an empty pattern of several is ignored; a single one is as any other, and means the reference
        patterns = command.patterns
        if len(patterns) > 1:
            patterns = tuple(pattern for pattern in patterns if pattern)
        self._selector = Selector(Patterns(command.reference, patterns), session.encoded)

    def _listed(self, name: str) -> Mailbox | Named | None:
        return self._foreign[name] if name in self._foreign else self._account.listed(name)

    def select(self) -> Iterator[None]:
        """Choose the names, in steps."""
        conditions = [
            satisfied for word in self._command.selection if (satisfied := SELECTIONS[word].satisfied) is not None
        ]
        names: Iterable[str] = self.names
        if conditions:
            listed = self._listed
            names = (name for name in self.names if all(satisfied(listed(name)) for satisfied in conditions))
        if RECURSIVEMATCH in self._command.selection:
            return self._selector.recursive(names)
        if self._foreign and not self._command.selection - {REMOTE}:
            # All levels above an account's own names exist.
            self._selector.above(self._foreign, lambda name: self._listed(name) is not None)
        return self._selector.plain(names)

    def answers(self) -> Iterator[bytes]:
        """Yield the responses, for some names at a time."""
        session, command, selector = self._session, self._command, self._selector
        start = Attributes(session, _word(command), extended=command.extended).of
        listed = self._listed if self._foreign else self._account.listed
        as_name, has_inferiors, parents = session.as_name, self._account.has_inferiors, self._parents
        subscriptions: AbstractSet[str] = self._account.subscriptions if command.subscribed else frozenset()
        words = b" ".join(b'"%b"' % word for word in sorted(command.selection & _CRITERIA))
        with_child_info = b' ("CHILDINFO" (%b))\r\n' % words
        names = selector.found()
        for first in range(0, len(names), STEP):
            parts: list[bytes] = []
            for wire, name in names[first : first + STEP]:
                entry, written = listed(name), as_name(wire)
                if entry is not None and entry.acl is not None and name not in self._foreign:
                    entry = self._directory.seen(entry)
                parts.append(start(entry, has_inferiors(name) or name in parents, name in subscriptions, name))
                parts.append(written)
                parts.append(with_child_info if name in selector.child_info else b"\r\n")
                if command.responders and name not in selector.unsatisfied:
                    place = Place(name, written, entry)
                    parts += [respond(session, place) for respond in command.responders]
            yield b"".join(parts)


# RFC 5258 §6: CHILDINFO names the options that are criteria.
_CRITERIA = frozenset({SUBSCRIBED, b"SPECIAL-USE"})

SPECS = (
    Spec(
        b"LIST",
        AUTH,
        List,
        parse,
        handle,
        "RFC 3501 §6.3.8",
        extensions=(CHILDREN, SPECIAL_USE, LIST_EXTENDED, LIST_STATUS, LIST_METADATA, LIST_MYRIGHTS),
    ),
    Spec(b"XLIST", AUTH, Xlist, parse_xlist, handle, "RFC 6154 §2", capability=XLIST),
)
