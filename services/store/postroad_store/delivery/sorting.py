"""What becomes of a message once the scripts of its accounts have decided: mailboxes, letters, refusals.

Nothing is stored here but mailboxes that a script asks for; the rest is one commit, which the service makes.
"""

from __future__ import annotations

import hashlib
import logging
import secrets
from dataclasses import dataclass, field
from datetime import datetime
from textwrap import wrap
from typing import TYPE_CHECKING, NamedTuple

from postroad.mail.header import read_header
from postroad.mail.reply import Reply, reply
from postroad_store.delivery.filter import seen, special_use
from postroad_store.delivery.reached import has_script
from postroad_store.mail.model.account import SPECIAL_USE, is_of_others
from postroad_store.mail.model.arrival import Arrival
from postroad_store.mail.model.errors import MailboxExists, MailError, StorageError
from postroad_store.mail.model.flags import NO_FLAGS, SYSTEM_FLAGS, FlagSet
from postroad_store.mail.model.letter import Letter, Memory
from postroad_store.release import release
from postroad_store.sieve import letters
from postroad_store.sieve.actions import File, Outcome, Redirect, Reject, Remember, Respond
from postroad_store.sieve.errors import RunError
from postroad_store.sieve.letters import Origin
from postroad_store.sieve.message import Message

if TYPE_CHECKING:
    from collections.abc import Sequence

    from postroad.mail.address import Address
    from postroad.mail.envelope import Envelope
    from postroad.smtp.server.service import Limits, Session
    from postroad_store.delivery.filter import Filter
    from postroad_store.delivery.reached import Reached
    from postroad_store.mail.model import account as model
    from postroad_store.mail.model.mailbox import Mailbox
    from postroad_store.mail.storage import Storage

REASON_LINES, REASON_LINE = 100, 400  # of a refusal's reply; RFC 5321 §4.5.3.1.5: 512 octets in a line
log = logging.getLogger(__name__)


class Placed(NamedTuple):
    """A message in a mailbox of an account."""

    reached: Reached
    mailbox: Mailbox


class Ran(NamedTuple):
    """A script that has run, for the journal."""

    login: str
    actions: list[str]
    error: str | None


@dataclass(slots=True)
class Plan:
    """All that is to be done with a message."""

    places: dict[tuple[bytes | None, FlagSet], list[Placed]] = field(default_factory=dict)  # by header and flags
    letters: list[Letter] = field(default_factory=list)
    memories: list[Memory] = field(default_factory=list)
    refused: dict[str, tuple[Reached, Reject, Letter | None]] = field(default_factory=dict)  # by login
    accepted: list[Reached] = field(default_factory=list)  # who does not refuse it
    ran: list[Ran] = field(default_factory=list)

    def put(self, reached: Reached, mailbox: Mailbox, header: bytes | None = None, flags: FlagSet = NO_FLAGS) -> None:
        """Store the message in a mailbox."""
        self.places.setdefault((header, flags), []).append(Placed(reached, mailbox))

    def arrivals(self, octets: bytes, header_size: int, now: int) -> list[Arrival]:
        """Return what is to be stored; those that are alike share one copy."""
        return [
            Arrival(
                tuple(placed.mailbox for placed in places),
                octets if header is None else header + octets[header_size:],
                now,
                flags,
            )
            for (header, flags), places in self.places.items()
        ]

    @property
    def placed(self) -> list[Reached]:
        """The accounts of `arrivals`, one for each mailbox, in their order."""
        return [placed.reached for places in self.places.values() for placed in places]

    def replies(self, envelope: Envelope) -> list[Reply | None]:
        """Return the refusal of each recipient, None for those that get the message (RFC 5429 §2.1.1).

        An address is refused if all accounts that it leads to refuse the message.
        """
        refusals: list[Reply | None] = []
        for recipient in envelope.recipients:
            own = [login for login, (reached, _, _) in self.refused.items() if recipient.address in reached.recipients]
            others = [reached for reached in self.accepted if recipient.address in reached.recipients]
            rejects = [self.refused[login][1] for login in own]
            plain = own and not others and all(reject.early or reject.reason.isascii() for reject in rejects)
            refusals.append(_refusal(rejects[0]) if plain else None)
        return refusals


def _refusal(reject: Reject) -> Reply:
    """Return the reply with a reason, in lines that are as long as the protocol allows (RFC 5429 §2.5)."""
    text = reject.reason.encode("ascii", "replace").decode("ascii")  # RFC 5429 §2.1.1
    lines: list[str] = []
    for line in text.replace("\r\n", "\n").strip().split("\n"):
        lines += wrap(" ".join(line.split()), REASON_LINE, break_on_hyphens=False) or [""]
    return reply(550, "5.7.1", *lines[:REASON_LINES])


class Sorter:
    """Runs scripts, and makes plans of what they decide. `hostname` is the store's, `limits` are the relay's."""

    def __init__(self, storage: Storage, scripts: Filter, hostname: str, limits: Limits) -> None:
        self._storage = storage
        self._limits = limits
        self._filter = scripts
        self._hostname = hostname

    async def plan(
        self,
        session: Session,
        envelope: Envelope,
        accounts: Sequence[tuple[Reached, model.Account]],
        octets: bytes,
        now: float,
    ) -> Plan:
        """Return what is to be done with a message, for all of its accounts; raises `StorageError`."""
        plan = Plan()
        for reached, account in accounts:
            if not has_script(self._storage, reached, account):
                plan.put(reached, account.inbox)
                plan.accepted.append(reached)
                continue
            outcome = await self._filter.decide(
                account,
                octets,
                now=datetime.fromtimestamp(now).astimezone(),
                sender=_pair(envelope.reverse_path) if envelope.reverse_path is not None else None,
                recipients=[_pair(address) for address in reached.recipients],
                owner=str(reached.account.address),
                environment=self._environment(session),
                worlds=reached.account.sieve,
            )
            await self._carry_out(plan, _Copy(reached, account, envelope, octets, now), outcome)
        return plan

    def _environment(self, session: Session) -> dict[str, str]:
        # RFC 5183 §4.1
        return {
            "domain": self._hostname.partition(".")[2],
            "host": self._hostname,
            "location": "MDA",
            "name": "Postroad",
            "phase": "during",  # a message that is rejected is refused while the client waits
            "remote-host": session.client_name or "",
            "remote-ip": session.host,
            "version": release(),
        }

    async def _carry_out(self, plan: Plan, copy: _Copy, outcome: Outcome) -> None:
        """Add what a script has decided to the plan; where that is not possible, the message is kept."""
        part = Plan()
        error = outcome.error
        try:
            for action in outcome.actions:
                await self._take(part, copy, action)
        except RunError as fault:  # RFC 5228 §2.10.6
            error = str(fault)
            part = Plan()
            part.put(copy.reached, copy.account.inbox)
        for key, places in part.places.items():
            plan.places.setdefault(key, []).extend(places)
        plan.letters += part.letters
        plan.memories += part.memories
        plan.refused |= part.refused
        if not part.refused:
            plan.accepted.append(copy.reached)
        login = copy.reached.account.login
        plan.ran.append(
            Ran(login, [] if error else [type(action).__name__.lower() for action in outcome.actions], error)
        )
        for note in outcome.notes:
            log.info("a script: %s", note, extra={"account": login})
        if error is not None:
            log.warning("a script was given up, and the message kept: %s", error, extra={"account": login})

    async def _take(self, part: Plan, copy: _Copy, action: object) -> None:
        account, reached = copy.account, copy.reached
        match action:
            case File():
                part.put(reached, await self._mailbox(account, action), action.header, _flags(action))
            case Remember():
                part.memories.append(Memory(account.id, seen(action.key), action.seconds))
            case Redirect():
                part.letters.append(self._redirected(copy, action))
            case Respond():
                if copy.envelope.reverse_path is not None:  # pragma: no branch - `vacation` has looked
                    part.letters.append(self._response(copy, action, str(copy.envelope.reverse_path)))
            case Reject():
                part.refused[reached.account.login] = (reached, action, self._refused(copy, action))

    async def _mailbox(self, account: model.Account, action: File) -> Mailbox:
        """Return the mailbox that an action means; raises `RunError` if there is none, `StorageError`."""
        named = account.inbox if action.mailbox is None else account.find(action.mailbox)
        if action.special_use is not None:
            # RFC 8579 §4: the named one if it has that use, else always the same one that has
            candidates = special_use(account, action.special_use)
            if candidates and (named is None or named.name not in candidates):
                named = account.find(candidates[0])
        if named is not None and named.selectable:
            return named
        name = action.mailbox or ""
        if not action.create or is_of_others(name):
            raise RunError(f"there is no mailbox {name}")
        try:
            # RFC 8579 §4.1: a mailbox that is made for a use should have it
            created = await self._storage.create(account, name, special_use=_known_use(action.special_use))
            await self._storage.subscribe(account, name)
        except MailboxExists:  # made meanwhile
            return account.selectable(name)
        except StorageError:
            raise
        except MailError as error:
            raise RunError(f"the mailbox {name} can't be made: {error}") from None
        return created

    def _origin(self, copy: _Copy) -> Origin:
        unique = f"{int(copy.now * 1000):x}.{secrets.token_hex(6)}"
        return Origin(self._hostname, str(copy.reached.account.address), copy.now, unique)

    def _redirected(self, copy: _Copy, action: Redirect) -> Letter:
        origin = self._origin(copy)
        message = copy.message
        if letters.loops(origin, message):
            raise RunError("the message has come round: this script has redirected it before")
        octets, size = copy.octets, message.header_size
        if action.header is not None:
            octets, size = action.header + octets[size:], len(action.header)
        sender = copy.envelope.sender  # RFC 5228 §4.2: a null reverse-path must stay one
        utf8 = copy.envelope.smtputf8 or not action.address.isascii()
        content = letters.redirected(origin, octets, size)
        if self._is_beyond_the_relay(content):
            raise RunError("the relay would not take it again: it is too large, or has passed too many hosts")
        return Letter(sender, action.address, content, utf8)

    def _is_beyond_the_relay(self, content: bytes) -> bool:
        """Whether the relay takes no message like this. One that it took has grown by trace fields since."""
        limits, header = self._limits, content.partition(b"\r\n\r\n")[0]
        return (
            len(content) > limits.message_size
            or len(header) + 2 > limits.header_size
            or header.count(b"\n") + 1 > limits.header_lines
            or read_header(header + b"\r\n").loops()
        )

    def _response(self, copy: _Copy, action: Respond, recipient: str) -> Letter:
        content = letters.response(self._origin(copy), copy.message, action, recipient)
        digest = hashlib.sha256(f"{action.handle}\0{recipient.casefold()}".encode()).hexdigest()
        unless = Memory(copy.account.id, f"answered {digest}", action.seconds)
        utf8 = not (recipient.isascii() and content.partition(b"\r\n\r\n")[0].isascii())
        return Letter("", recipient, content, utf8, unless)

    def _refused(self, copy: _Copy, action: Reject) -> Letter | None:
        """Return the letter that says so, for where no reply can (RFC 5429 §2.1.2, §2.2.1)."""
        if copy.envelope.reverse_path is None:  # RFC 3464 §2, RFC 8098 §3: never in answer to a null reverse-path
            return None
        recipient = copy.envelope.sender
        make = letters.refusal if action.early else letters.disposition
        content = make(self._origin(copy), copy.message, action.reason, recipient, str(copy.reached.recipients[0]))
        return Letter("", recipient, content, not recipient.isascii())


@dataclass(slots=True)
class _Copy:
    """A message for one account."""

    reached: Reached
    account: model.Account
    envelope: Envelope
    octets: bytes
    now: float

    @property
    def message(self) -> Message:
        return Message(self.octets)


def _pair(address: Address) -> tuple[str, str]:
    return address.local_part, address.domain


def _flags(action: File) -> FlagSet:
    bits = 0
    keywords = []
    for flag in action.flags:
        if flag in SYSTEM_FLAGS:
            bits |= SYSTEM_FLAGS[flag]
        else:
            keywords.append(flag)
    return FlagSet(bits, tuple(keywords))


def _known_use(use: str | None) -> str | None:
    """Return a use as the store spells it, None for one that it does not know (RFC 6154 §2)."""
    known = {name.casefold(): name for name in SPECIAL_USE.values()}
    return None if use is None else known.get(use.casefold())
