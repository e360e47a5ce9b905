"""IMAP URLs (RFC 5092), as CATENATE and URLAUTH take them: of a message, or of a piece of one.

    imapurl     = "imap://" [enc-user [";AUTH=" type] "@"] host [":" port] "/" imessagepart
    imessagepart = enc-mailbox [";UIDVALIDITY=" nz-number] "/;UID=" nz-number
                  ["/;SECTION=" enc-section] ["/;PARTIAL=" number ["." nz-number]]
    iurlauth    = [";EXPIRE=" date-time] ";URLAUTH=" access [":" mechanism ":" 32*HEXDIG]

A relative URL begins with the path's slash, or with `;UID=` for the selected mailbox. URLs of servers, of mailboxes and
of searches are no use to either extension, and are refused.
"""

from __future__ import annotations

import re
from datetime import datetime
from urllib.parse import unquote_to_bytes

from postroad.value import value

MAX_NUMBER = 0xFFFFFFFF

# achar = uchar / "&" / "="; uchar = unreserved / sub-delims-sh / pct-encoded; bchar = achar / ":" / "@" / "/"
_ACHAR = r"(?:[A-Za-z0-9\-._~!$'()*+,&=]|%[0-9A-Fa-f]{2})"
_BCHAR = r"(?:[A-Za-z0-9\-._~!$'()*+,&=:@/]|%[0-9A-Fa-f]{2})"
_SERVER = re.compile(
    rf"imap://(?:(?P<user>{_ACHAR}+)?(?:;AUTH=(?:\*|{_ACHAR}+))?@)?"
    r"(?P<host>[A-Za-z0-9\-._~%!$&'()*+,=]+|\[[0-9A-Fa-f:.]+\])(?::\d{1,5})?/",
    re.IGNORECASE,
)
_PATH = re.compile(
    rf"(?:(?P<mailbox>{_BCHAR}+)(?:;UIDVALIDITY=(?P<validity>[1-9]\d{{0,9}}))?/)?"
    rf";UID=(?P<uid>[1-9]\d{{0,9}})(?:/;SECTION=(?P<section>{_BCHAR}+))?"
    r"(?:/;PARTIAL=(?P<first>\d{1,10})(?:\.(?P<length>[1-9]\d{0,9}))?)?"
    r"(?:(?:;EXPIRE=(?P<expire>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)))?"
    rf";URLAUTH=(?P<access>submit\+{_ACHAR}+|user\+{_ACHAR}+|authuser|anonymous)"
    r"(?::(?P<mechanism>[A-Za-z0-9.\-]+):(?P<token>[0-9A-Fa-f]{32,}))?)?\Z",
    re.IGNORECASE,
)


class UrlFault(Exception):  # noqa: N818 - the client's fault
    """The URL is not one of a message, or does not lead anywhere; the message is a sentence."""


@value
class Authorization:
    """Who may use a URL, and until when (RFC 4467 §3)."""

    rump: str  # the URL as far as the access identifier
    kind: str  # in lower case: submit+, user+, authuser, anonymous
    user: str | None  # of submit+ and user+
    expire: float | None  # seconds since 1970
    mechanism: str | None  # in upper case; None in a URL that is to be authorized
    token: str | None  # in lower case


@value
class Url:
    """The URL of a message or of a piece of one."""

    host: str | None  # None: it is relative
    user: str | None  # whose mailboxes are meant
    mailbox: str | None  # its name; None: the selected one
    uid_validity: int | None
    uid: int
    section: bytes  # as between the brackets of BODY[]; empty: the whole message
    partial: tuple[int, int | None] | None  # the first octet, and how many: None for all that follow
    authorization: Authorization | None


def parse(text: bytes) -> Url:
    """Read a URL; raises `UrlFault`."""
    try:
        url = text.decode("ascii")
    except UnicodeDecodeError:
        raise UrlFault("URL has characters that must be encoded") from None
    server = _SERVER.match(url)
    at = server.end() if server else url.startswith("/")
    if not server and re.match(r"[A-Za-z][A-Za-z0-9+.\-]*:|//", url):
        raise UrlFault("URL of another scheme, or without a message")
    message = _PATH.match(url, at)
    if message is None:
        raise UrlFault("URL doesn't name a message, or can't be read")
    # A URL that begins with a slash names its mailbox: RFC 4469 §3 has the selected one for a relative path alone.
    if message["mailbox"] is None and at:
        raise UrlFault("URL doesn't name a mailbox")
    first, length = message["first"], message["length"]
    return Url(
        server["host"] if server else None,
        _decoded(server["user"]) if server and server["user"] else None,
        _decoded(message["mailbox"]) if message["mailbox"] else None,
        _number(message["validity"]) if message["validity"] else None,
        _number(message["uid"]),
        unquote_to_bytes(message["section"] or ""),
        None if first is None else (_number(first), _number(length) if length else None),
        _authorization(url, message) if message["access"] else None,
    )


def _authorization(url: str, access: re.Match[str]) -> Authorization:
    kind, plus, user = access["access"].partition("+")
    expire = None
    if access["expire"] is not None:
        try:
            expire = datetime.fromisoformat(access["expire"].upper()).timestamp()
        except ValueError:
            raise UrlFault("URL has a date that doesn't exist") from None
    mechanism, token = access["mechanism"], access["token"]
    return Authorization(
        # RFC 4467 §6: nothing else is done to the URL.
        url[: access.end("access")],
        kind.lower() + plus,
        _decoded(user) if plus else None,
        expire,
        mechanism.upper() if mechanism else None,
        token.lower() if token else None,
    )


def _decoded(text: str) -> str:
    try:
        return unquote_to_bytes(text).decode("utf-8")
    except UnicodeDecodeError:
        raise UrlFault("URL has a name that is not UTF-8") from None


def _number(digits: str) -> int:
    number = int(digits)
    if number > MAX_NUMBER:
        raise UrlFault("URL has a number that is too large")
    return number
