"""GETMETADATA and SETMETADATA (RFC 5464)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from postroad.value import value
from postroad_store.imap.events import Command
from postroad_store.imap.extensions import METADATA, METADATA_SERVER
from postroad_store.imap.grammar import responses
from postroad_store.imap.grammar.arguments import read_mailbox
from postroad_store.imap.grammar.reader import MAX_NUMBER, LimitExceeded, SyntaxFault
from postroad_store.imap.interests import Event
from postroad_store.imap.spec import Spec
from postroad_store.imap.states import AUTH
from postroad_store.mail.metadata import Annotation
from postroad_store.mail.model.account import INBOX
from postroad_store.mail.model.annotations import (
    ADMIN,
    MAX_VALUE,
    SCOPES,
    SPECIAL_USE,
    checked_entry,
    checked_value,
    is_private,
)
from postroad_store.mail.model.errors import NotPermitted, UseNotAllowed
from postroad_store.mail.model.special_use import checked_uses

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from postroad_store.imap.commands.list.options import Place
    from postroad_store.imap.grammar.reader import Reader
    from postroad_store.imap.session import Session
    from postroad_store.mail.model.mailbox import Mailbox

ENTRIES_AT_ONCE = 100  # that one command may name
_ANY = frozenset("rswip")
_DEPTHS = {b"0": 0, b"1": 1, b"INFINITY": None}


@value
class GetMetadata(Command):
    """The client wants annotations of a mailbox, or with an empty name of the server."""

    mailbox: bytes
    entries: tuple[str, ...]
    depth: int | None = 0  # of the entries below; None: all of them
    most: int = MAX_NUMBER  # octets of a value


@value
class SetMetadata(Command):
    """The client sets annotations; a value of None removes one."""

    mailbox: bytes
    entries: tuple[tuple[str, bytes | None], ...]


def read_entry(reader: Reader) -> str:
    """Take the name of an entry, which is compared in any case (RFC 5464 §3.2)."""
    return _checked_name(reader.astring())


def _checked_name(name: bytes) -> str:
    entry = checked_entry(name)
    if entry is None:
        raise SyntaxFault("Invalid entry name")
    return entry


def _read_asked(reader: Reader) -> str:
    """Take the name of an entry, or of a scope: no entry has such a name, but with DEPTH clients ask for all below."""
    name = reader.astring()
    scope = name.decode("latin-1").lower()
    return scope if scope in SCOPES else _checked_name(name)


def read_entries(reader: Reader) -> tuple[str, ...]:
    """Take `entry *(SP entry) ")"`, each once, to be read."""
    entries: dict[str, None] = {}
    for _ in reader.items():
        entries[_read_asked(reader)] = None
        if len(entries) > ENTRIES_AT_ONCE:
            raise LimitExceeded("Too many entries")
    return tuple(entries)


def parse_get(tag: bytes, reader: Reader) -> GetMetadata:
    """Take the options, the mailbox and the entries."""
    # getmetadata = "GETMETADATA" [SP getmetadata-options] SP mailbox SP entries                      (RFC 5464 §5)
    # The examples of RFC 5464 §4.2.1 have the options behind the mailbox, and clients follow them.
    depth: int | None = 0
    most = MAX_NUMBER
    reader.space()
    options = reader.skip(b"(")
    if options:
        depth, most = _read_options(reader)
        reader.space()
    mailbox = _known(reader, reader.astring())
    reader.space()
    if reader.skip(b"("):
        if not options and reader.peek() not in {b"/", b'"', b"{"}:
            depth, most = _read_options(reader)
            reader.space()
            entries = read_entries(reader) if reader.skip(b"(") else (_read_asked(reader),)
        else:
            entries = read_entries(reader)
    else:
        entries = (_read_asked(reader),)
    reader.end()
    return GetMetadata(tag, mailbox, entries, depth, most)


def _read_options(reader: Reader) -> tuple[int | None, int]:
    # maxsize-opt = "MAXSIZE" SP number; scope-opt = "DEPTH" SP ("0" / "1" / "infinity")
    depth: int | None = 0
    most = MAX_NUMBER
    for _ in reader.items():
        option = reader.keyword()
        reader.space()
        if option == b"MAXSIZE":
            most = reader.number()
        elif option == b"DEPTH":
            word = reader.keyword()
            if word not in _DEPTHS:
                raise SyntaxFault("Invalid depth")
            depth = _DEPTHS[word]
        else:
            raise SyntaxFault(f"Unknown option {option.decode('ascii')}")
    return depth, most


def parse_set(tag: bytes, reader: Reader) -> SetMetadata:
    """Take the mailbox, the entries and their values."""
    # setmetadata = "SETMETADATA" SP mailbox SP entry-values                                          (RFC 5464 §5)
    # entry-values = "(" entry-value *(SP entry-value) ")"; entry-value = entry SP value
    mailbox = _known(reader, read_mailbox(reader))
    reader.take(b" (")
    entries: dict[str, bytes | None] = {}
    for _ in reader.items():
        entry = read_entry(reader)
        reader.space()
        entries[entry] = reader.value()
        if len(entries) > ENTRIES_AT_ONCE:
            raise LimitExceeded("Too many entries")
    reader.end()
    return SetMetadata(tag, mailbox, tuple(entries.items()))


def _known(reader: Reader, mailbox: bytes) -> bytes:
    """Refuse the annotations of a mailbox where METADATA is hidden: METADATA-SERVER has those of the server alone."""
    if mailbox and not reader.offers(METADATA):
        raise SyntaxFault("Mailboxes have no annotations")
    return mailbox


def get(session: Session, command: GetMetadata) -> None:
    """Give the values, and say which were too long."""
    mailbox = _find(session, command.mailbox)
    written = session.written("" if mailbox is None else session.directory.name_of(mailbox))
    annotations = values(session, mailbox, command.entries, depth=command.depth, most=command.most)
    small = [each for each in annotations if each.value is not None and each.size <= command.most]
    if command.depth == 0:
        names = {each.entry for each in annotations}
        none = [(entry, None) for entry in command.entries if entry not in names]
    else:
        none = []
    pairs = [*((each.entry, each.value) for each in small), *none]
    if pairs:
        session.engine.send(response(written, pairs))
    longest = max((each.size for each in annotations if each.size > command.most), default=0)
    # RFC 5464 §4.2.1
    code = b"[METADATA LONGENTRIES %d] " % longest if longest else b""
    session.finish(command, b"OK %bGetmetadata completed." % code)


def response(written: bytes, pairs: Iterable[tuple[str, bytes | None]]) -> bytes:
    """Return a METADATA response with values (RFC 5464 §4.4.1); the mailbox's name is written already."""
    values = b" ".join(
        [b"%b %b" % (responses.astring(entry.encode("ascii")), responses.value(value)) for entry, value in pairs]
    )
    return b"* METADATA %b (%b)\r\n" % (written, values)


def _find(session: Session, name: bytes) -> Mailbox | None:
    r"""Return the mailbox, a \Noselect one too (RFC 5464 §4.1); None for the server. Raises `NotPermitted`.

    RFC 5464 §3.3: "users can only set and retrieve private or shared mailbox annotations on a mailbox on which they
    have the "l" right and any one of the "r", "s", "w", "i", or "p" rights."
    """
    if not name:
        return None
    mailbox = session.directory.usable(session.known_name(name), "l")
    if mailbox is None:
        raise session.no_such_mailbox(name)
    if not session.directory.rights(mailbox) & _ANY:
        raise NotPermitted("you lack the right to see or change annotations of this mailbox")
    return mailbox


def values(
    session: Session, mailbox: Mailbox | None, entries: Sequence[str], *, depth: int | None, most: int
) -> list[Annotation]:
    """Return the entries that have a value: those that are kept, and those that are computed."""
    account = session.current_account()
    if mailbox is None and not session.shared.accounts.hears_of_server(account.login):
        kept: Sequence[str] = [entry for entry in entries if is_private(entry)]
    else:
        kept = entries
    annotations = session.storage.metadata.get(account, mailbox, kept, depth=depth, most=most)
    computed = _special_use(session, mailbox) if mailbox is not None else _admin(session)
    if computed is not None and any(_reaches(entry, computed.entry, depth) for entry in entries):
        annotations.append(computed)
    return annotations


def _special_use(session: Session, mailbox: Mailbox) -> Annotation | None:
    """Return the entry that RFC 6154 §4 ties to the special uses of a mailbox, which are the owner's alone."""
    use = mailbox.special_use if mailbox.account == session.current_account().id else None
    return None if use is None else Annotation(SPECIAL_USE, len(use), use.encode("ascii"))


def _admin(session: Session) -> Annotation:
    """Return how to reach the administrator (RFC 5464 §3.2.1.1): a URI."""
    domain = session.current_account().login.rpartition("@")[2]
    uri = f"mailto:postmaster@{domain}"
    return Annotation(ADMIN, len(uri.encode()), uri.encode())


def _reaches(entry: str, below: str, depth: int | None) -> bool:
    """Return True if an entry is this one, or lies below it within the depth."""
    if entry == below:
        return True
    return below.startswith(f"{entry}/") and (depth is None or below.count("/") <= entry.count("/") + depth)


async def set_(session: Session, command: SetMetadata) -> None:
    """Set the values, all or none, and let others know which entries have changed."""
    mailbox = _find(session, command.mailbox)
    account = session.current_account()
    entries = {entry: _checked(session, mailbox, entry, value) for entry, value in command.entries}
    uses = await session.storage.metadata.set(account, mailbox, entries)
    announce(session, mailbox, tuple(entries))
    for name, _ in uses:
        other = account.find(name)
        if other is not None and other is not mailbox:  # RFC 6154 §5.4: it has lost its use
            announce(session, other, (SPECIAL_USE,), to_self=True)
    session.finish(command, b"OK Setmetadata completed.")


def _checked(session: Session, mailbox: Mailbox | None, entry: str, value: bytes | None) -> bytes | None:
    """Return the value as it is kept; raises `MailError`."""
    if mailbox is None:
        # RFC 5464 §3.2.1.1: read-only; RFC 5464 §3.3: servers may restrict who changes what all users see
        if entry == ADMIN:
            raise NotPermitted("this entry is read-only")
        if not is_private(entry) and not session.shared.accounts.administers(session.current_account().login):
            raise NotPermitted("only administrators may change what all users see")
    elif entry == SPECIAL_USE:
        # RFC 6154 §4: "MUST check the validity of changes"
        uses = checked_uses((value or b"").decode("ascii", "replace").split())
        foreign = mailbox.account != session.current_account().id  # RFC 6154 §7
        if foreign or (uses is not None and (mailbox.name == INBOX or not mailbox.selectable)):
            raise UseNotAllowed("this mailbox can have no special use")
        return None if uses is None else uses.encode("ascii")
    return checked_value(value)


def announce(session: Session, mailbox: Mailbox | None, entries: Sequence[str], *, to_self: bool = False) -> None:
    """Tell those who have asked for it by ENABLE that entries have changed (RFC 5464 §4.1, §4.4.2): only names."""
    hears = session.shared.accounts.hears_of_server
    for other in session.shared.annotated:
        mine = other.account is session.account  # private entries are each user's own
        visible = [entry.encode("ascii") for entry in entries if mine or not is_private(entry)]
        if not visible or other.account is None or other.announcements is None or (other is session and not to_self):
            continue
        if mailbox is None and not mine and not hears(other.account.login):
            continue
        own = mailbox is None or mailbox.account == other.account.id  # NOTIFY is about these
        wanted = Event.NONE if other.notify is None or not own else other.notify.metadata(mailbox)
        if mailbox is None and (other.has_enabled(METADATA_SERVER) or wanted):
            name = ""
        elif (
            mailbox is not None
            and (other.has_enabled(METADATA) or wanted)
            and {"l", "r"} <= other.directory.rights(mailbox)
        ):
            name = other.directory.name_of(mailbox)
        else:
            continue
        names = b" ".join(map(responses.astring, visible))
        other.announcements.add(other, b"* METADATA %b %b\r\n" % (other.written(name), names))


@value
class MetadataOf:
    """The METADATA responses of LIST (RFC 9590)."""

    entries: tuple[str, ...]

    def __call__(self, session: Session, place: Place) -> bytes:
        """Return the response of a mailbox; a name alone has none."""
        mailbox = session.directory.glance(place.name)
        if mailbox is None or not session.directory.rights(mailbox) & _ANY:
            return b""
        by_entry = {each.entry: each.value for each in values(session, mailbox, self.entries, depth=0, most=MAX_NUMBER)}
        return response(place.written, [(entry, by_entry.get(entry)) for entry in self.entries])


def read_option(reader: Reader) -> MetadataOf:
    """Take the entries of LIST's return option."""
    # return-option =/ "METADATA" SP "(" entry *(SP entry) ")"
    reader.take(b" (")
    return MetadataOf(read_entries(reader))


SPECS = (
    Spec(
        b"GETMETADATA",
        AUTH,
        GetMetadata,
        parse_get,
        get,
        "RFC 5464 §4.2",
        capability=METADATA_SERVER,
        extensions=(METADATA,),
    ),
    Spec(
        b"SETMETADATA",
        AUTH,
        SetMetadata,
        parse_set,
        set_,
        "RFC 5464 §4.3",
        capability=METADATA_SERVER,
        too_large=f"METADATA MAXSIZE {MAX_VALUE}",
    ),
)
