"""SETACL, DELETEACL, GETACL, LISTRIGHTS and MYRIGHTS (RFC 4314 §3)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from postroad.sasl.saslprep import PrepareError, saslprep
from postroad.value import value
from postroad_store.imap.events import Command
from postroad_store.imap.extensions import ACL, RIGHTS
from postroad_store.imap.grammar import responses
from postroad_store.imap.grammar.arguments import one_mailbox, read_mailbox
from postroad_store.imap.grammar.reader import LimitExceeded, SyntaxFault
from postroad_store.imap.spec import Spec
from postroad_store.imap.states import AUTH
from postroad_store.mail.database.commits.sharing import Change
from postroad_store.mail.model.rights import (
    ALL,
    ANYONE,
    MAX_IDENTIFIER,
    NEWER,
    ORDER,
    OWNER,
    REQUIRED,
    entries_of,
    parse_rights,
    told,
)

if TYPE_CHECKING:
    from postroad_store.imap.commands.list.options import Place
    from postroad_store.imap.grammar.reader import Reader
    from postroad_store.imap.session import Session
    from postroad_store.mail.model.account import Account
    from postroad_store.mail.model.mailbox import Mailbox


@value
class SetAcl(Command):
    """The client changes the rights of an identifier."""

    mailbox: bytes
    identifier: str
    change: Change


@value
class DeleteAcl(Command):
    """The client removes an identifier."""

    mailbox: bytes
    identifier: str


@value
class GetAcl(Command):
    """The client asks for the whole list."""

    mailbox: bytes


@value
class ListRights(Command):
    """The client asks which rights an identifier may get; `spelled` is as the client spells it."""

    mailbox: bytes
    identifier: str
    spelled: bytes


@value
class MyRights(Command):
    """The client asks for its own rights."""

    mailbox: bytes


def _read_identifier(reader: Reader) -> tuple[str, bytes]:
    """Take an identifier, and prepare it (RFC 4314 §3); return it as it is compared, and as it came."""
    reader.space()
    octets = reader.astring()
    try:
        identifier = saslprep(octets.decode("utf-8"))
    except (UnicodeDecodeError, PrepareError):
        raise SyntaxFault("Invalid identifier") from None
    # RFC 4314 §3: "If the preparation of the identifier fails or results in an empty string … BAD"
    if not identifier.strip("-"):
        raise SyntaxFault("Invalid identifier")
    if len(octets) > MAX_IDENTIFIER:
        raise LimitExceeded("Identifier too long")
    return identifier, octets


def parse_set(tag: bytes, reader: Reader) -> SetAcl:
    """Take the mailbox, the identifier and the rights."""
    # setacl = "SETACL" SP mailbox SP identifier SP mod-rights                                        (RFC 4314 §7)
    mailbox = read_mailbox(reader)
    identifier, _ = _read_identifier(reader)
    reader.space()
    text = reader.astring().decode("latin-1")
    reader.end()
    mode = text[:1] if text[:1] in {"+", "-"} else ""
    rights = parse_rights(text.removeprefix(mode))
    if rights is None or (
        not reader.offers(RIGHTS) and NEWER & set(text)
    ):  # RFC 4314 §3.1: "an unrecognized right MUST cause the command to return the BAD response"
        raise SyntaxFault("Invalid rights")
    return SetAcl(tag, mailbox, identifier, Change(rights, mode))


def parse_delete(tag: bytes, reader: Reader) -> DeleteAcl:
    """Take the mailbox and the identifier."""
    mailbox = read_mailbox(reader)
    identifier, _ = _read_identifier(reader)
    reader.end()
    return DeleteAcl(tag, mailbox, identifier)


def parse_list(tag: bytes, reader: Reader) -> ListRights:
    """Take the mailbox and the identifier."""
    mailbox = read_mailbox(reader)
    identifier, spelled = _read_identifier(reader)
    reader.end()
    return ListRights(tag, mailbox, identifier, spelled)


async def set_(session: Session, command: SetAcl) -> None:
    """Change the rights of an identifier."""
    await _change(session, command.mailbox, command.identifier, command.change)
    session.finish(command, b"OK Setacl completed.")


async def delete(session: Session, command: DeleteAcl) -> None:
    """Remove an identifier; the negative one of the same name stays (RFC 4314 §2)."""
    await _change(session, command.mailbox, command.identifier, Change(None))
    session.finish(command, b"OK Deleteacl completed.")


def get(session: Session, command: GetAcl) -> None:
    """Give the list: the owner first, with the rights that the owner has without an entry."""
    mailbox, owner = _administered(session, command.mailbox)
    entries = {} if mailbox.acl is None else dict(entries_of(mailbox.acl))
    entries = {owner.login: entries.pop(owner.login, ALL), **entries}
    pairs = b"".join(
        [b" %b %b" % (responses.astring(each.encode()), _told(session, rights)) for each, rights in entries.items()]
    )
    session.engine.send(b"* ACL %b%b\r\n" % (session.written(session.directory.name_of(mailbox)), pairs))
    session.finish(command, b"OK Getacl completed.")


def list_(session: Session, command: ListRights) -> None:
    """Say which rights an identifier always has, and which it may get; none are tied together (RFC 4314 §3.7)."""
    mailbox, owner = _administered(session, command.mailbox)
    owns = _canonical(session, owner, command.identifier) == owner.login
    required = "".join(right for right in ORDER if owns and right in REQUIRED)
    newer = session.offers(RIGHTS)
    optional = " ".join(
        [right for right in ORDER if right not in required and (newer or right not in NEWER)] + ["c", "d"]
    )
    session.engine.send(
        b"* LISTRIGHTS %b %b %b %b\r\n"
        % (
            session.written(session.directory.name_of(mailbox)),
            # RFC 4314 §3.4: "MUST always return the same form of an identifier as specified by the client"
            responses.astring(command.spelled),
            responses.astring(required.encode("ascii")),
            optional.encode("ascii"),
        )
    )
    session.finish(command, b"OK Listrights completed.")


def my(session: Session, command: MyRights) -> None:
    """Say what the client may do; one of l, r, i, k, x, a is needed for the answer (RFC 4314 §4)."""
    mailbox = session.directory.find(session.known_name(command.mailbox))
    rights = frozenset[str]() if mailbox is None else session.directory.rights(mailbox)
    if mailbox is None or not rights & frozenset("lrikxa"):
        raise session.no_such_mailbox(command.mailbox)
    session.engine.send(_response(session, session.written(session.directory.name_of(mailbox)), rights))
    session.finish(command, b"OK Myrights completed.")


def _response(session: Session, written: bytes, rights: frozenset[str]) -> bytes:
    return b"* MYRIGHTS %b %b\r\n" % (written, _told(session, rights))


def _told(session: Session, rights: frozenset[str]) -> bytes:
    return responses.astring(told(rights, newer=session.offers(RIGHTS)).encode("ascii"))


def my_rights(session: Session, place: Place) -> bytes:
    """Return the MYRIGHTS response of LIST (RFC 8440 §3); a name that no mailbox has has none."""
    if place.entry is None:
        return b""
    directory = session.directory
    return _response(session, place.written, directory.rights(place.entry, foreign=directory.is_foreign(place.name)))


async def _change(session: Session, name: bytes, identifier: str, change: Change) -> None:
    mailbox, owner = _administered(session, name)
    await session.storage.sharing.set(owner, mailbox, _canonical(session, owner, identifier), change)


def _administered(session: Session, name: bytes) -> tuple[Mailbox, Account]:
    r"""Return a mailbox, a \Noselect one too, that the client may administer, and its owner; needs the right "a"."""
    wanted = session.known_name(name)
    directory = session.directory
    mailbox = directory.usable(wanted, "a")
    owner, _ = directory.locate(wanted)
    if mailbox is None or owner is None:
        raise session.no_such_mailbox(name)
    return mailbox, owner


def _canonical(session: Session, owner: Account, identifier: str) -> str:
    """Return an identifier as it is kept: a user by the login, `owner` by the owner's (RFC 4314 §3.3)."""
    dash = "-" if identifier.startswith("-") else ""
    name = identifier.removeprefix(dash)
    if name.lower() == ANYONE:
        return dash + ANYONE
    if name.lower() == OWNER:
        return dash + owner.login
    known = session.shared.accounts.find(name) if session.storage.sharing.fellows(name, owner.login) else None
    return dash + (name if known is None else known.login)


SPECS = (
    Spec(b"SETACL", AUTH, SetAcl, parse_set, set_, "RFC 4314 §3.1", capability=ACL, extensions=(RIGHTS,)),
    Spec(b"DELETEACL", AUTH, DeleteAcl, parse_delete, delete, "RFC 4314 §3.2", capability=ACL),
    Spec(b"GETACL", AUTH, GetAcl, one_mailbox(GetAcl), get, "RFC 4314 §3.3", capability=ACL),
    Spec(b"LISTRIGHTS", AUTH, ListRights, parse_list, list_, "RFC 4314 §3.4", capability=ACL),
    Spec(b"MYRIGHTS", AUTH, MyRights, one_mailbox(MyRights), my, "RFC 4314 §3.5", capability=ACL),
)
