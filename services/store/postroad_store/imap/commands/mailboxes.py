"""CREATE, DELETE, RENAME, SUBSCRIBE and UNSUBSCRIBE (RFC 3501 §6.3.3 to §6.3.7)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from postroad.value import value
from postroad_store.imap import updates
from postroad_store.imap.commands.list.response import list_response, respelt, tell_spelling
from postroad_store.imap.events import Command
from postroad_store.imap.extensions import CREATE_SPECIAL_USE, OBJECTID
from postroad_store.imap.grammar.arguments import one_mailbox, read_mailbox
from postroad_store.imap.grammar.reader import ATOM, SyntaxFault
from postroad_store.imap.spec import Spec
from postroad_store.imap.states import AUTH
from postroad_store.mail.model.errors import NameNotAllowed, UseNotAllowed
from postroad_store.mail.model.special_use import checked_uses

if TYPE_CHECKING:
    from postroad_store.imap.grammar.reader import Reader
    from postroad_store.imap.session import Session
    from postroad_store.mail.model.account import Account
    from postroad_store.mail.model.mailbox import Mailbox


@value
class Create(Command):
    """Make a mailbox; `uses` are special-use attributes, as the client spells them (RFC 6154 §3)."""

    mailbox: bytes
    uses: tuple[bytes, ...] = ()


@value
class Delete(Command):
    """Remove a mailbox and its messages."""

    mailbox: bytes


@value
class Rename(Command):
    """Give a mailbox another name."""

    mailbox: bytes
    new_name: bytes


@value
class Subscribe(Command):
    """Add a name to the list of LSUB."""

    mailbox: bytes


@value
class Unsubscribe(Command):
    """Remove a name from the list of LSUB."""

    mailbox: bytes


def parse_create(tag: bytes, reader: Reader) -> Create:
    """Take the name and the parameters."""
    # create = "CREATE" SP mailbox [SP "(" create-param *(SP create-param) ")"]                       (RFC 4466 §6)
    # create-param =/ "USE" SP "(" [use-attr *(SP use-attr)] ")"                                      (RFC 6154 §6)
    mailbox = read_mailbox(reader)
    uses: list[bytes] = []
    if reader.offers(CREATE_SPECIAL_USE) and not reader.at_end():
        reader.take(b" (")
        if reader.keyword() != b"USE":
            raise SyntaxFault("Unknown parameter")
        reader.take(b" (")
        uses = [reader.match(_USE, "special use") for _ in reader.items(may_be_none=True)]
        reader.take(b")")
    reader.end()
    return Create(tag, mailbox, tuple(uses))


# use-attr-ext = "\" atom
_USE = re.compile(rb"\\" + ATOM.pattern)


def parse_rename(tag: bytes, reader: Reader) -> Rename:
    """Take both names."""
    mailbox = read_mailbox(reader)
    name = read_mailbox(reader)
    reader.end()
    return Rename(tag, mailbox, name)


async def create(session: Session, command: Create) -> None:
    """Make a mailbox, and the levels above it."""
    account, name = session.directory.place_for(session.new_name(command.mailbox))
    uses = checked_uses(use.decode("ascii") for use in command.uses)
    if uses is not None and account is not session.account:
        raise UseNotAllowed("this mailbox can have no special use")  # RFC 6154 §7: it is the owner's to say
    mailbox = await session.storage.create(account, name, special_use=uses)
    tell_spelling(session, command.mailbox, session.directory.name_of(mailbox))
    # RFC 8474 §4.1
    code = b"[MAILBOXID (%b)] " % mailbox.object_id.encode("ascii") if session.offers(OBJECTID) else b""
    session.finish(command, b"OK %bCreate completed." % code)


async def delete(session: Session, command: Delete) -> None:
    """Remove a mailbox; if it is selected here, leave it."""
    account, name, mailbox = _located(session, command.mailbox)
    own_name = session.directory.name_of(mailbox)
    await session.storage.delete(account, name, session.shared.notes.removed_whole(account.login))
    tell_spelling(session, command.mailbox, own_name)
    if session.view is not None and session.view.mailbox is mailbox:
        session.leave_mailbox()
        session.engine.send(updates.CLOSED)
    session.finish(command, b"OK Delete completed.")


async def rename(session: Session, command: Rename) -> None:
    """Rename a mailbox, and those below it."""
    account, name, mailbox = _located(session, command.mailbox)
    old_name = session.directory.name_of(mailbox)
    target, new_name = session.directory.place_for(session.new_name(command.new_name))
    if target is not account:
        raise NameNotAllowed("a mailbox stays with its owner")
    await session.storage.rename(account, name, new_name, session.shared.notes.renamed(account.login))
    renamed = session.directory.find(session.known_name(command.new_name))
    own_name = old_name if renamed is None else session.directory.name_of(renamed)
    if respelt(session, command.mailbox, old_name) or respelt(session, command.new_name, own_name):
        session.engine.send(list_response(session, own_name, old_name=command.mailbox.decode()))
    session.finish(command, b"OK Rename completed.")


def _located(session: Session, wire: bytes) -> tuple[Account, str, Mailbox]:
    r"""Return whose mailbox it is, how they name it, and it, a \Noselect one too; needs the right "x" (RFC 4314 §4)."""
    name = session.known_name(wire)
    directory = session.directory
    mailbox = directory.usable(name, "x")
    account, rest = directory.locate(name)
    if mailbox is None or account is None:
        raise session.no_such_mailbox(wire)
    return account, rest, mailbox


async def subscribe(session: Session, command: Subscribe) -> None:
    """Subscribe to a mailbox that exists: RFC 3501 §6.3.6 lets the server ask for that. Needs the right "l"."""
    name = session.new_name(command.mailbox)
    if session.directory.usable(name, "l") is None:
        raise session.no_such_mailbox(command.mailbox)
    await session.storage.subscribe(session.current_account(), name)
    session.finish(command, b"OK Subscribe completed.")


async def unsubscribe(session: Session, command: Unsubscribe) -> None:
    """Unsubscribe, whether or not the mailbox still exists."""
    await session.storage.unsubscribe(session.current_account(), session.new_name(command.mailbox))
    session.finish(command, b"OK Unsubscribe completed.")


SPECS = (
    Spec(b"CREATE", AUTH, Create, parse_create, create, "RFC 3501 §6.3.3", extensions=(CREATE_SPECIAL_USE,)),
    Spec(b"DELETE", AUTH, Delete, one_mailbox(Delete), delete, "RFC 3501 §6.3.4"),
    Spec(b"RENAME", AUTH, Rename, parse_rename, rename, "RFC 3501 §6.3.5"),
    Spec(b"SUBSCRIBE", AUTH, Subscribe, one_mailbox(Subscribe), subscribe, "RFC 3501 §6.3.6"),
    Spec(b"UNSUBSCRIBE", AUTH, Unsubscribe, one_mailbox(Unsubscribe), unsubscribe, "RFC 3501 §6.3.7"),
)
