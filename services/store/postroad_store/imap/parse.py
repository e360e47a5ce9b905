"""Parse commands: the grammar of RFC 3501 §9, with those of its extensions, one function a command.

FETCH and SEARCH, whose grammars are long, are in `parse_fetch` and `parse_search`.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone
from types import MappingProxyType
from typing import TYPE_CHECKING

from postroad.sasl import SaslError, decode_response
from postroad_store.imap import commands
from postroad_store.imap.grammar.reader import Reader, SyntaxFault
from postroad_store.imap.grammar.sequence import read_sequence_set
from postroad_store.imap.parse_fetch import read_fetch_items
from postroad_store.imap.parse_search import CharsetUnknown, read_search
from postroad_store.mail.model.flags import MAX_KEYWORD, NO_FLAGS, SYSTEM_FLAGS, Change, FlagSet

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from postroad_store.imap.commands import Command

    Parser = Callable[[bytes, Reader], Command]

STATUS_ITEMS = (b"MESSAGES", b"RECENT", b"UIDNEXT", b"UIDVALIDITY", b"UNSEEN")
MAX_ID_FIELDS = 30  # RFC 2971 §3.3: at most 30 field-value pairs
_MONTHS = (b"JAN", b"FEB", b"MAR", b"APR", b"MAY", b"JUN", b"JUL", b"AUG", b"SEP", b"OCT", b"NOV", b"DEC")
MONTHS: Mapping[bytes, int] = MappingProxyType({name: number for number, name in enumerate(_MONTHS, 1)})
# date-time = DQUOTE date-day-fixed "-" date-month "-" date-year SP time SP zone DQUOTE
# date-day-fixed = (SP DIGIT) / 2DIGIT; time = 2DIGIT ":" 2DIGIT ":" 2DIGIT; zone = ("+" / "-") 4DIGIT
_DATE_TIME = re.compile(rb'"([ \d]\d)-([A-Za-z]{3})-(\d{4}) (\d\d):(\d\d):(\d\d) ([+-])(\d\d)(\d\d)"')


def _mailbox(reader: Reader) -> bytes:
    """Take ` mailbox`; INBOX in any case is INBOX (RFC 3501 §5.1)."""
    reader.space()
    return reader.astring()


def _plain(kind: type[Command]) -> Parser:
    def parse(tag: bytes, reader: Reader) -> Command:
        reader.end()
        return kind(tag)

    return parse


def _one_mailbox(kind: Callable[[bytes, bytes], Command]) -> Parser:
    def parse(tag: bytes, reader: Reader) -> Command:
        mailbox = _mailbox(reader)
        reader.end()
        return kind(tag, mailbox)

    return parse


def _id(tag: bytes, reader: Reader) -> Command:
    # id = "ID" SP id_params_list; id_params_list = "(" *(string SP nstring) ")" / nil
    reader.space()
    if not reader.skip(b"("):
        if reader.nstring() is not None:
            raise SyntaxFault("Invalid arguments")
        reader.end()
        return commands.Id(tag, None)
    fields: list[tuple[bytes, bytes | None]] = []
    while not reader.skip(b")"):
        if fields:
            reader.space()
        name = reader.string()
        reader.space()
        fields.append((name, reader.nstring()))
        if len(fields) > MAX_ID_FIELDS:
            raise SyntaxFault("Too many fields")
    reader.end()
    return commands.Id(tag, tuple(fields))


def _authenticate(tag: bytes, reader: Reader) -> Command:
    # authenticate = "AUTHENTICATE" SP auth-type [SP (base64 / "=")] *(CRLF base64)        (RFC 4959 §7)
    reader.space()
    mechanism = reader.keyword()
    initial = None
    if not reader.at_end():
        reader.space()
        word = reader.word()
        try:
            initial = b"" if word == b"=" else decode_response(word)  # RFC 4959 §3: "=" is a response of no octets
        except SaslError:
            raise SyntaxFault("Invalid base64 data") from None
    reader.end()
    return commands.Authenticate(tag, mechanism, initial)


def _login(tag: bytes, reader: Reader) -> Command:
    reader.space()
    userid = reader.astring()
    reader.space()
    password = reader.astring()
    reader.end()
    return commands.Login(tag, userid, password)


def _rename(tag: bytes, reader: Reader) -> Command:
    mailbox = _mailbox(reader)
    new_name = _mailbox(reader)
    reader.end()
    return commands.Rename(tag, mailbox, new_name)


def _list(tag: bytes, reader: Reader) -> Command:
    # list = "LIST" [SP list-select-opts] SP mailbox SP mbox-or-pat [SP list-return-opts]            (RFC 5258 §6)
    # list-return-opts = "RETURN" SP "(" [return-option *(SP return-option)] ")"
    # Of the options those that SPECIAL-USE brings (RFC 6154 §6), and CHILDREN, whose attributes are always given.
    reader.space()
    selected: set[bytes] = set()
    extended = reader.skip(b"(")
    if extended:
        selected = _options(reader, {b"SPECIAL-USE"})
        reader.space()
    reference = reader.astring()
    reader.space()
    pattern = reader.list_mailbox()
    if not reader.at_end():
        reader.space()
        if reader.keyword() != b"RETURN":
            raise SyntaxFault("Unexpected argument")
        reader.take(b" (")
        _options(reader, {b"SPECIAL-USE", b"CHILDREN"})
        extended = True
    reader.end()
    return commands.List(tag, reference, pattern, extended, bool(selected))


def _options(reader: Reader, known: set[bytes]) -> set[bytes]:
    """Take `[option *(SP option)] ")"`."""
    found: set[bytes] = set()
    while not reader.skip(b")"):
        if found:
            reader.space()
        option = reader.keyword()
        if option not in known:
            raise SyntaxFault(f"Unknown option {option.decode('ascii')}")
        found.add(option)
    return found


def _lsub(tag: bytes, reader: Reader) -> Command:
    reference = _mailbox(reader)
    reader.space()
    pattern = reader.list_mailbox()
    reader.end()
    return commands.Lsub(tag, reference, pattern)


def _status(tag: bytes, reader: Reader) -> Command:
    # status = "STATUS" SP mailbox SP "(" status-att *(SP status-att) ")"
    mailbox = _mailbox(reader)
    reader.take(b" (")
    items: dict[bytes, None] = {}
    while True:
        item = reader.keyword()
        if item not in STATUS_ITEMS:
            raise SyntaxFault(f"Invalid status item {item.decode('ascii')}")
        items[item] = None
        if reader.skip(b")"):
            break
        reader.space()
    reader.end()
    return commands.Status(tag, mailbox, tuple(items))


def read_date_time(reader: Reader) -> datetime:
    """Take a date-time (RFC 3501 §9)."""
    text = reader.match(_DATE_TIME, "internal date")
    found = _DATE_TIME.match(text)
    assert found is not None  # noqa: S101 - it has just matched
    day, month, year, hour, minute, second, sign, zone_hours, zone_minutes = found.groups()
    offset = timedelta(hours=int(zone_hours), minutes=int(zone_minutes))
    try:
        moment = datetime(
            int(year),
            MONTHS[month.upper()],
            int(day),
            int(hour),
            int(minute),
            min(int(second), 59),  # a leap second is told as the one before it
            tzinfo=timezone(-offset if sign == b"-" else offset),
        )
        moment.astimezone(UTC)  # OverflowError where the zone leads out of the calendar
    except (KeyError, ValueError, OverflowError):
        raise SyntaxFault("Invalid internal date") from None
    return moment


# flag = "\Answered" / "\Flagged" / "\Deleted" / "\Seen" / "\Draft" / flag-keyword ; does not include "\Recent"
_SYSTEM_FLAGS = {name.upper(): bit for name, bit in SYSTEM_FLAGS.items()}


def _flag_list(reader: Reader, *, bare: bool = False) -> FlagSet:
    """Take `"(" [flag *(SP flag)] ")"`; with `bare` also `flag *(SP flag)` up to the command's end."""
    parenthesized = reader.skip(b"(") or not bare
    system = 0
    keywords: dict[str, str] = {}  # by their lower case
    if not (parenthesized and reader.skip(b")")):
        while True:
            flag = reader.flag().decode("ascii")
            if not flag.startswith("\\"):
                if len(flag) > MAX_KEYWORD:
                    raise SyntaxFault("Keyword too long")
                keywords.setdefault(flag.lower(), flag)
            elif flag.upper() in _SYSTEM_FLAGS:
                system |= _SYSTEM_FLAGS[flag.upper()]
            else:
                raise SyntaxFault(f"Invalid system flag {flag.upper()}")
            if reader.skip(b")") if parenthesized else reader.at_end():
                break
            reader.space()
    return FlagSet(system, tuple(keywords.values()))


def read_append(tag: bytes, reader: Reader) -> tuple[commands.Append, bool]:
    """Parse an APPEND as far as its literal's announcement, and say whether that is non-synchronizing.

    Raises `Incomplete` where that literal is another argument's, and there is more to come.
    """
    # append = "APPEND" SP mailbox [SP flag-list] [SP date-time] SP literal
    mailbox = _mailbox(reader)
    reader.space()
    flags = NO_FLAGS
    if reader.peek() == b"(":
        flags = _flag_list(reader)
        reader.space()
    internal_date = None
    if reader.peek() == b'"':
        internal_date = read_date_time(reader)
        reader.space()
    size, non_synchronizing = reader.literal_size()
    return commands.Append(tag, mailbox, flags, internal_date, size), non_synchronizing


def _append(tag: bytes, reader: Reader) -> Command:
    # An APPEND with its literal announced never comes here; what does raises, for its line is malformed.
    return read_append(tag, reader)[0]


def _uid_expunge(tag: bytes, reader: Reader) -> Command:
    reader.space()
    uids = read_sequence_set(reader)
    reader.end()
    return commands.Expunge(tag, uids)


def _expunge(tag: bytes, reader: Reader) -> Command:
    reader.end()
    return commands.Expunge(tag, None)


def _fetch(*, uid: bool) -> Parser:
    def parse(tag: bytes, reader: Reader) -> Command:
        reader.space()
        messages = read_sequence_set(reader)
        reader.space()
        items = read_fetch_items(reader)
        return commands.Fetch(tag, uid, messages, items)

    return parse


_CHANGES = {change.value.encode("ascii"): change for change in Change}


def _store(*, uid: bool) -> Parser:
    # store-att-flags = (["+" / "-"] "FLAGS" [".SILENT"]) SP (flag-list / (flag *(SP flag)))
    def parse(tag: bytes, reader: Reader) -> Command:
        reader.space()
        messages = read_sequence_set(reader)
        reader.space()
        item = reader.keyword()
        change = _CHANGES.get(item.removesuffix(b".SILENT"))
        if change is None:
            raise SyntaxFault("Invalid arguments")
        reader.space()
        flags = _flag_list(reader, bare=True)
        reader.end()
        return commands.Store(tag, uid, messages, change, item.endswith(b".SILENT"), flags)

    return parse


def _copy(kind: type[commands.Copy | commands.Move], *, uid: bool) -> Parser:
    def parse(tag: bytes, reader: Reader) -> Command:
        reader.space()
        messages = read_sequence_set(reader)
        mailbox = _mailbox(reader)
        reader.end()
        return kind(tag, uid, messages, mailbox)

    return parse


def _search(*, uid: bool) -> Parser:
    def parse(tag: bytes, reader: Reader) -> Command:
        try:
            key = read_search(reader)
        except CharsetUnknown:
            return commands.BadCharset(tag)
        return commands.Search(tag, uid, key)

    return parse


PARSERS: Mapping[bytes, Parser] = MappingProxyType(
    {
        b"CAPABILITY": _plain(commands.Capability),
        b"NOOP": _plain(commands.Noop),
        b"LOGOUT": _plain(commands.Logout),
        b"ID": _id,
        b"AUTHENTICATE": _authenticate,
        b"LOGIN": _login,
        b"SELECT": _one_mailbox(lambda tag, mailbox: commands.Select(tag, mailbox, read_only=False)),
        b"EXAMINE": _one_mailbox(lambda tag, mailbox: commands.Select(tag, mailbox, read_only=True)),
        b"CREATE": _one_mailbox(commands.Create),
        b"DELETE": _one_mailbox(commands.Delete),
        b"RENAME": _rename,
        b"SUBSCRIBE": _one_mailbox(commands.Subscribe),
        b"UNSUBSCRIBE": _one_mailbox(commands.Unsubscribe),
        b"LIST": _list,
        b"LSUB": _lsub,
        b"NAMESPACE": _plain(commands.Namespace),
        b"STATUS": _status,
        b"APPEND": _append,
        b"IDLE": _plain(commands.Idle),
        b"CHECK": _plain(commands.Check),
        b"CLOSE": _plain(commands.Close),
        b"UNSELECT": _plain(commands.Unselect),
        b"EXPUNGE": _expunge,
        b"UID EXPUNGE": _uid_expunge,
        b"SEARCH": _search(uid=False),
        b"UID SEARCH": _search(uid=True),
        b"FETCH": _fetch(uid=False),
        b"UID FETCH": _fetch(uid=True),
        b"STORE": _store(uid=False),
        b"UID STORE": _store(uid=True),
        b"COPY": _copy(commands.Copy, uid=False),
        b"UID COPY": _copy(commands.Copy, uid=True),
        b"MOVE": _copy(commands.Move, uid=False),
        b"UID MOVE": _copy(commands.Move, uid=True),
    }
)
