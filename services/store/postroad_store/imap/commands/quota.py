"""GETQUOTA, GETQUOTAROOT and SETQUOTA (RFC 9208).

Each account is one quota root, named by its login: all its mailboxes share the limits.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from postroad.value import value
from postroad.world.quota import Quota
from postroad_store.imap.events import Command
from postroad_store.imap.extensions import QUOTA, QUOTA_RES_MESSAGE, QUOTA_RES_STORAGE, QUOTASET
from postroad_store.imap.grammar import responses
from postroad_store.imap.grammar.arguments import one_mailbox
from postroad_store.imap.grammar.reader import MAX_NUMBER64, SyntaxFault
from postroad_store.imap.spec import Spec
from postroad_store.imap.states import AUTH
from postroad_store.mail.model.errors import NotPermitted, Unsupported

if TYPE_CHECKING:
    from collections.abc import Callable

    from postroad_store.imap.grammar.reader import Reader
    from postroad_store.imap.session import Session
    from postroad_store.imap.spec import Capability
    from postroad_store.mail.quotas import Usage

UNIT = 1024  # octets of STORAGE (RFC 9208 §5.1)


@value
class GetQuota(Command):
    """The client asks for usage and limits of a quota root."""

    root: bytes


@value
class GetQuotaRoot(Command):
    """The client asks for the quota roots of a mailbox."""

    mailbox: bytes


@value
class SetQuota(Command):
    """The client sets the limits of a quota root, resource by resource."""

    root: bytes
    limits: tuple[tuple[bytes, int], ...]


@value
class Resource:
    """A resource that can be limited: its usage and its limit, None if it has none, in the resource's own unit."""

    word: bytes
    capability: Capability
    used: Callable[[Usage], int]
    limit: Callable[[Usage], int | None]


RESOURCES = (
    Resource(
        b"STORAGE",
        QUOTA_RES_STORAGE,
        lambda usage: -(-usage.octets // UNIT),
        lambda usage: None if usage.quota.storage is None else usage.quota.storage // UNIT,
    ),
    Resource(b"MESSAGE", QUOTA_RES_MESSAGE, lambda usage: usage.messages, lambda usage: usage.quota.messages),
)


def parse_set(tag: bytes, reader: Reader) -> SetQuota:
    """Take the root and the limits."""
    # setquota = "SETQUOTA" SP quota-root-name SP setquota-list                                       (RFC 9208 §7)
    # setquota-list = "(" [setquota-resource *(SP setquota-resource)] ")"
    # setquota-resource = resource-name SP resource-limit
    reader.space()
    root = reader.astring()
    reader.take(b" (")
    limits: dict[bytes, int] = {}
    for _ in reader.items(may_be_none=True):
        resource = reader.keyword()
        if resource in limits:
            raise SyntaxFault("A resource is named twice")
        reader.space()
        limits[resource] = reader.number64()
    reader.end()
    return SetQuota(tag, root, tuple(limits.items()))


def get(session: Session, command: GetQuota) -> None:
    """Give the usage and the limits of a root."""
    session.engine.send(_quota(session, _root(session, command.root)))
    session.finish(command, b"OK Getquota completed.")


def get_root(session: Session, command: GetQuotaRoot) -> None:
    """Name the root of a mailbox, which need not exist (RFC 9208 §4.1.2), and give its usage and limits."""
    name = session.new_name(command.mailbox)
    mailbox = session.directory.usable(name, "r")  # RFC 9208 §6
    if mailbox is None and session.directory.is_foreign(name):
        raise session.no_such_mailbox(command.mailbox)
    root = session.current_account().login if mailbox is None else session.directory.owner_of(mailbox)
    session.engine.send(b"* QUOTAROOT %b %b\r\n" % (session.written(name), responses.astring(root.encode())))
    session.engine.send(_quota(session, root))
    session.finish(command, b"OK Getquotaroot completed.")


async def set_(session: Session, command: SetQuota) -> None:
    """Set the limits of an account; those that are not named go (RFC 9208 §4.1.3)."""
    if not session.shared.accounts.administers(session.current_account().login):
        raise NotPermitted("only administrators may set quotas")
    login = _root(session, command.root)
    offered = {each.word for each in RESOURCES if session.offers(each.capability)}
    for resource, _ in command.limits:
        if resource not in offered:
            raise Unsupported(f"there is no resource {resource.decode('ascii')}")
    limits = dict(command.limits)
    storage = limits.get(b"STORAGE")
    quota = Quota(None if storage is None else min(storage * UNIT, MAX_NUMBER64), limits.get(b"MESSAGE"))
    account = await session.storage.account(login)
    await session.storage.quotas.set(account, quota)
    session.engine.send(_quota(session, login))
    session.finish(command, b"OK Setquota completed.")


def _root(session: Session, name: bytes) -> str:
    """Return the login that a root is named by; raises `NotPermitted` for one that the client may not see."""
    text = name.decode("utf-8", "replace")
    own = session.current_account().login
    if text == own:
        return own
    accounts = session.shared.accounts
    account = accounts.find(text) if accounts.administers(own) and accounts.layers.fellows(own, text) else None
    if account is None:  # whether there is such an account is nobody's business
        raise NotPermitted("there is no such quota root, or it is not yours")
    return account.login


def _quota(session: Session, root: str) -> bytes:
    """Return the QUOTA response; a resource without limit is left out (RFC 9208 §4.2.1)."""
    usage = session.storage.quotas.usage(root)
    triplets = [
        b"%b %d %d" % (each.word, each.used(usage), limit)
        for each in RESOURCES
        if session.offers(each.capability) and (limit := each.limit(usage)) is not None
    ]
    return b"* QUOTA %b (%b)\r\n" % (responses.astring(root.encode()), b" ".join(triplets))


def _parse_get(tag: bytes, reader: Reader) -> GetQuota:
    reader.space()
    root = reader.astring()
    reader.end()
    return GetQuota(tag, root)


SPECS = (
    Spec(
        b"GETQUOTA",
        AUTH,
        GetQuota,
        _parse_get,
        get,
        "RFC 9208 §4.1.1",
        capability=QUOTA,
        extensions=(QUOTA_RES_STORAGE, QUOTA_RES_MESSAGE),
    ),
    Spec(
        b"GETQUOTAROOT",
        AUTH,
        GetQuotaRoot,
        one_mailbox(GetQuotaRoot),
        get_root,
        "RFC 9208 §4.1.2",
        capability=QUOTA,
        extensions=(QUOTA_RES_STORAGE, QUOTA_RES_MESSAGE),
    ),
    Spec(b"SETQUOTA", AUTH, SetQuota, parse_set, set_, "RFC 9208 §4.1.3", capability=QUOTASET),
)
