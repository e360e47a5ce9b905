"""All commands of the server. Parsers, legality, handlers, CAPABILITY and switches are derived from their Specs.

A new command is one module in `commands/` and one line in `SPECS`.
"""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING

from postroad_store.imap.commands import (
    acl,
    append,
    authenticate,
    cancelupdate,
    capability,
    close,
    compress,
    copy,
    enable,
    expunge,
    fetch,
    idle,
    login,
    logout,
    lsub,
    mailboxes,
    metadata,
    multisearch,
    namespace,
    noop,
    notify,
    quota,
    search,
    select,
    sort,
    starttls,
    status,
    store,
    thread,
    unauthenticate,
    urlauth,
    urlfetch,
)
from postroad_store.imap.commands import id as id_
from postroad_store.imap.commands import list as list_
from postroad_store.imap.states import State

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from postroad_store.imap.spec import Capability, Conditions, Handler, Spec
    from postroad_store.protocol.contract import Event

SPECS: tuple[Spec, ...] = (
    *capability.SPECS,
    *compress.SPECS,
    *enable.SPECS,
    *noop.SPECS,
    *logout.SPECS,
    *unauthenticate.SPECS,
    *id_.SPECS,
    *starttls.SPECS,
    *authenticate.SPECS,
    *login.SPECS,
    *select.SPECS,
    *mailboxes.SPECS,
    *metadata.SPECS,
    *quota.SPECS,
    *acl.SPECS,
    *list_.SPECS,
    *lsub.SPECS,
    *status.SPECS,
    *append.SPECS,
    *urlauth.SPECS,
    *urlfetch.SPECS,
    *idle.SPECS,
    *notify.SPECS,
    *namespace.SPECS,
    *close.SPECS,
    *expunge.SPECS,
    *search.SPECS,
    *sort.SPECS,
    *cancelupdate.SPECS,
    *multisearch.SPECS,
    *thread.SPECS,
    *fetch.SPECS,
    *store.SPECS,
    *copy.SPECS,
)

# The order in which CAPABILITY names them; others come last.
_ORDER = (
    *(b"IMAP4rev1", b"IMAP4rev2", b"SASL-IR", b"ID", b"IDLE", b"LITERAL+", b"STARTTLS"),
    *(capability.name for capability in authenticate.MECHANISMS.values()),
    b"LOGINDISABLED",
    *(b"UNSELECT", b"CHILDREN", b"NAMESPACE", b"UIDPLUS", b"MOVE", b"SPECIAL-USE", b"APPENDLIMIT"),
    *(b"ESEARCH", b"SEARCHRES", b"SORT", b"SORT=DISPLAY", b"ESORT", b"WITHIN"),
    *(b"PARTIAL", b"CONTEXT=SEARCH", b"CONTEXT=SORT"),
    *(b"THREAD=ORDEREDSUBJECT", b"THREAD=REFERENCES", b"THREAD=REFS"),
)


MOST_LISTS = 64  # there are a few for each state; more come by edits of the world alone


class CannotHide(ValueError):  # noqa: N818 - what the operator reads
    """A capability cannot be hidden, or is unknown; the message says which ones can be hidden."""


class CannotAsk(ValueError):  # noqa: N818 - what the operator reads
    """A capability need not be asked for, or is unknown; the message says which ones have to be."""


class Registry:
    """The commands and capabilities that a server offers, whole or as much as some of its accounts may see."""

    __slots__ = (
        *("_asked", "_hidden", "_known", "_listed", "_specs"),
        *("by_name", "enabling", "handlers", "legal", "names", "numbered", "offered", "streaming"),
    )

    def __init__(
        self, specs: Iterable[Spec] = SPECS, *, without: Iterable[str] = (), asked: Iterable[str] = ()
    ) -> None:
        """Offer the commands without some capabilities, and with some that are offered on request alone.

        Capabilities are named in any case. One that requires another which is not offered is not offered either.
        Raises `CannotHide` and `CannotAsk`.
        """
        self._specs = specs = tuple(specs)
        self._known = known = {capability.name: capability for spec in specs for capability in _capabilities_of(spec)}
        self._hidden = frozenset(_hidden(name, known) for name in without)
        self._asked = frozenset(_asked(name, known) for name in asked)
        self.names = offered = _offered(known, self._hidden, self._asked)
        specs = tuple(spec for spec in specs if spec.capability is None or spec.capability.name in offered)
        self._listed: dict[Conditions, bytes] = {}
        self.offered = tuple(sorted((known[name] for name in offered), key=_place))
        # What ENABLE may name, in capitals (RFC 5161 §3.1).
        self.enabling = {each.name.upper(): each for each in self.offered if each.enables}
        self.by_name: Mapping[bytes, Spec] = {spec.name: spec for spec in specs}
        # Those that take or give message numbers, as opposed to their UID forms; EXPUNGE takes none (RFC 9586 §3).
        self.numbered = frozenset(name for name in self.by_name if b"UID " + name in self.by_name) - {b"EXPUNGE"}
        self.legal: Mapping[State, Mapping[bytes, Spec]] = {
            state: {spec.name: spec for spec in specs if state in spec.states} for state in State
        }
        handlers: dict[type[Event], Handler] = {}
        for spec in specs:
            handlers |= {spec.event: spec.handle, **spec.follow}
        self.handlers: Mapping[type[Event], Handler] = handlers
        # Events of commands that may be under way while the next one begins (RFC 3501 §5.5).
        self.streaming = frozenset(chain.from_iterable((spec.event, *spec.follow) for spec in specs if spec.resume))

    def poorer(self, without: Iterable[str]) -> Registry:
        """Return what is left without some more capabilities, named in any case; names of others are passed over."""
        more = (name for name in without if self.why_not_hide(name) is None)
        names = (name.decode("ascii") for name in self._hidden), (name.decode("ascii") for name in self._asked)
        return Registry(self._specs, without=chain(names[0], more), asked=names[1])

    def why_not_hide(self, name: str) -> str | None:
        """Return why a capability cannot be hidden; None if it can."""
        try:
            _hidden(name, self._known)
        except CannotHide as error:
            return str(error)
        return None

    def offers(self, capability: Capability) -> bool:
        """Return False if a capability is hidden, or has not been asked for."""
        return capability.name in self.names

    def capabilities(self, conditions: Conditions) -> bytes:
        """Return what CAPABILITY lists (RFC 3501 §6.1.1)."""
        listed = self._listed.get(conditions)  # for greeting and login of each session: 1 µs instead of 40
        if listed is None:
            known = (each for each in self.offered if each.covered_by not in self.names)
            listed = b" ".join([each.text(conditions) for each in known if each.shown(conditions)])
            if len(self._listed) >= MOST_LISTS:
                self._listed.clear()
            self._listed[conditions] = listed
        return listed

    def refusal(self, name: bytes, state: State) -> str:
        """Return the text of the BAD for a command in a state in which it is not legal."""
        spec = self.by_name.get(name)
        if spec is None:
            return f"Error in IMAP command {name.decode('ascii')}: Unknown command"
        if state is State.NOT_AUTHENTICATED:
            return "Please log in first"
        if State.NOT_AUTHENTICATED in spec.states:
            return "Already logged in"
        return "No mailbox selected"


def _capabilities_of(spec: Spec) -> tuple[Capability, ...]:
    return spec.extensions if spec.capability is None else (spec.capability, *spec.extensions)


def _place(capability: Capability) -> tuple[int, bytes]:
    return _ORDER.index(capability.name) if capability.name in _ORDER else len(_ORDER), capability.name


def _offered(known: Mapping[bytes, Capability], hidden: frozenset[bytes], asked: frozenset[bytes]) -> frozenset[bytes]:
    """Return the names of the capabilities that are offered: not hidden, asked for, with all that they require."""
    offered = {name for name, each in known.items() if name not in hidden and (not each.on_request or name in asked)}
    while lacking := {name for name in offered if not offered.issuperset(known[name].requires)}:
        offered -= lacking
    return frozenset(offered)


def _asked(name: str, known: Mapping[bytes, Capability]) -> bytes:
    """Return the own spelling of a capability that is offered on request; raises `CannotAsk`."""
    spelling = {own.decode("ascii").upper(): own for own, each in known.items() if each.on_request}
    if name.upper() in spelling:
        return spelling[name.upper()]
    choices = ", ".join(sorted(own.decode("ascii") for own in spelling.values())) or "none"
    raise CannotAsk(f"{name} is no IMAP capability that is offered on request alone; these are: {choices}")


def _hidden(name: str, known: Mapping[bytes, Capability]) -> bytes:
    """Return the capability's own spelling of a name; raises `CannotHide`."""
    spelling = {own.decode("ascii").upper(): own for own in known}.get(name.upper())
    if spelling is not None and not known[spelling].kept:
        return spelling
    choices = ", ".join(sorted(own.decode("ascii") for own, capability in known.items() if not capability.kept))
    why = f"there is no IMAP capability {name}" if spelling is None else known[spelling].kept
    raise CannotHide(f"{why}; these can be hidden: {choices}")
