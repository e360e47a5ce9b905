"""Mail addresses: the grammar of paths and mailboxes (RFC 5321 §4.1.2, with RFC 6531 §3.3 for SMTPUTF8).

An `Address` is what SMTP calls a mailbox; the word mailbox is kept for IMAP. The null reverse-path is
`None` everywhere inside Postroad: `parse_reverse_path` reads it.
"""

from __future__ import annotations

import ipaddress
import re
from functools import lru_cache

import idna

from postroad.value import value


class AddressError(ValueError):
    """The text is not an address; the message says why, in words that a peer may read."""


MAX_LOCAL_PART = 64  # octets; RFC 5321 §4.5.3.1.1
MAX_DOMAIN = 255  # octets; RFC 5321 §4.5.3.1.2
MAX_PATH = 256  # octets; RFC 5321 §4.5.3.1.3

# RFC 5322 §3.2.3 atext, with RFC 6531 §3.3 UTF8-non-ascii: all but controls, the space and the specials. Written
# by the characters that it excludes: a range up to U+10FFFF takes 3 ms to compile, at the start of every service.
_ATEXT = r'[^\x00-\x20"(),.:;<>@\[\\\]\x7f]'
# Dot-string = Atom *("." Atom)
_DOT_STRING = re.compile(rf"{_ATEXT}+(?:\.{_ATEXT}+)*\Z")
# Quoted-string = DQUOTE *QcontentSMTP DQUOTE; qtextSMTP = %d32-33 / %d35-91 / %d93-126; quoted-pairSMTP = "\" %d32-126
_QUOTED_STRING = re.compile(r'"(?:[^\x00-\x1f"\\\x7f]|\\[ -~])*"\Z')
# sub-domain = Let-dig [Ldh-str], or an RFC 6531 U-label (checked by idna)
_ASCII_DOMAIN = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)*\Z")
# The fast path of `parse_path`: an ASCII Dot-string at an ASCII domain, as nearly all paths are, within their limits.
_PLAIN_LABEL = "[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_PLAIN_ATOM = r"[A-Za-z0-9!#$%&'*+\-/=?^_`{|}~]+"
PLAIN_PATH = (
    rf"<(?=[^@]{{1,{MAX_LOCAL_PART}}}@)(?=[^>]{{3,{MAX_PATH - 2}}}>)"
    rf"({_PLAIN_ATOM}(?:\.{_PLAIN_ATOM})*)@({_PLAIN_LABEL}(?:\.{_PLAIN_LABEL})*)>"
)
_PLAIN_PATH = re.compile(rf"{PLAIN_PATH}\Z")


@lru_cache(maxsize=4096)  # asked several times per message, and a burst asks for the same few
def domain_key(domain: str) -> str:
    """Return the domain in the one form that names are compared in: A-labels, lower case, no final dot.

    Raises `AddressError` where a label is neither LDH nor a valid U-label (RFC 5890 by way of `idna`).
    """
    text = domain.removesuffix(".")
    if text.isascii():
        if not _ASCII_DOMAIN.match(text) or len(text) > MAX_DOMAIN or any(len(label) > 63 for label in text.split(".")):
            raise AddressError(f"{domain!r} is not a domain name")
        return text.lower()
    try:
        return idna.encode(text, uts46=True).decode("ascii").lower()
    except idna.IDNAError as error:
        raise AddressError(f"{domain!r} is not a domain name: {error}") from error


@lru_cache(maxsize=4096)
def _form(domain: str) -> str:
    """Return the `domain_key` of a domain, or an address literal in lower case."""
    return domain.lower() if domain.startswith("[") else domain_key(domain)


def check_a_labels(key: str) -> None:
    """Raise `AddressError` where a label of a `domain_key` only looks like an A-label (RFC 5890 §2.3.2.1).

    A peer may send such a name, which does not exist in this world; but the world must not give one to anybody.
    """
    for label in key.split("."):
        try:
            if label.startswith("xn--"):
                idna.ulabel(label)
        except idna.IDNAError as error:
            raise AddressError(f"{label!r} is not an A-label: {error}") from error


@value
class Address:
    """A local-part and a domain (RFC 5321 §2.3.11).

    `local_part` has its quoting removed; `domain` is as written, or an address literal in its brackets.
    `str()` gives the form between the angle brackets of a path, quoted where necessary.
    """

    local_part: str
    domain: str

    def __str__(self) -> str:
        """Give `local-part@domain`, the local-part quoted only where the grammar requires it."""
        return f"{quote_local_part(self.local_part)}@{self.domain}"

    @property
    def is_ascii(self) -> bool:
        """Whether the address can be sent without SMTPUTF8 (RFC 6531 §3.2)."""
        return self.local_part.isascii() and self.domain.isascii()

    @property
    def is_literal(self) -> bool:
        """Whether the domain is an address literal (RFC 5321 §4.1.3)."""
        return self.domain.startswith("[")

    @property
    def key(self) -> tuple[str, str]:
        """The form that all spellings of an address share: (casefolded local-part, `domain_key`).

        RFC 5321 §2.4 leaves the case of a local-part to its host; Postroad, like most, ignores it.
        """
        return self.local_part.casefold(), self.domain_key

    @property
    def domain_key(self) -> str:
        """The form that all spellings of the domain, or address literal, share; raises `AddressError`."""
        return _form(self.domain)


@lru_cache(maxsize=4096)  # trace fields and journal ask for each address of a message
def quote_local_part(local_part: str) -> str:
    """Return the local-part as it is written: a Dot-string as it is, anything else as a Quoted-string."""
    if _DOT_STRING.match(local_part):
        return local_part
    return '"' + local_part.replace("\\", "\\\\").replace('"', '\\"') + '"'


def parse_address(text: str) -> Address:
    """Parse `local-part@domain` (RFC 5321 §4.1.2 Mailbox), strictly; raises `AddressError`."""
    at = text.rfind("@")
    if text.startswith('"'):
        end = _end_of_quoted_string(text)
        if text[end : end + 1] != "@":
            raise AddressError("a quoted local-part must be followed by @")
        at = end
    if at <= 0:
        raise AddressError("an address is local-part@domain")
    local, domain = text[:at], text[at + 1 :]
    if _DOT_STRING.match(local):
        local_part = local
    elif _QUOTED_STRING.match(local):
        local_part = re.sub(r"\\(.)", r"\1", local[1:-1])
    else:
        raise AddressError("the local-part is not valid")
    if len(local_part.encode()) > MAX_LOCAL_PART:
        raise AddressError(f"the local-part is over {MAX_LOCAL_PART} octets")
    if len(text.encode()) > MAX_PATH - 2:
        raise AddressError(f"the path is over {MAX_PATH} octets")
    if domain.startswith("["):
        check_literal(domain)
    else:
        _check_domain(domain)
    return Address(local_part, domain)


def parse_path(text: str) -> Address:
    """Parse a Path in its angle brackets (RFC 5321 §4.1.2), strictly; raises `AddressError`.

    A source route is recognized and ignored (RFC 5321 §4.1.1.3, RFC 5321 appendix C). The regular expression handles
    nearly all paths, in a quarter of the time of `parse_full_path`.
    """
    plain = _PLAIN_PATH.match(text)
    return parse_full_path(text) if plain is None else Address(plain[1], plain[2])


def parse_full_path(text: str) -> Address:
    """Parse any Path; `parse_path` is this behind a fast path."""
    if not (text.startswith("<") and text.endswith(">")):
        raise AddressError("a path must be in angle brackets")
    if len(text.encode()) > MAX_PATH:
        raise AddressError(f"the path is over {MAX_PATH} octets")
    inner = text[1:-1]
    # Path = "<" [ A-d-l ":" ] Mailbox ">"; A-d-l = At-domain *( "," At-domain ); At-domain = "@" Domain
    if inner.startswith("@"):
        route, colon, inner = inner.partition(":")
        if not colon:
            raise AddressError("a source route ends in a colon")
        for hop in route.split(","):
            if not hop.startswith("@"):
                raise AddressError("each host of a source route begins with @")
            _check_domain(hop[1:])
    return parse_address(inner)


def parse_reverse_path(text: str) -> Address | None:
    """Parse a Reverse-path (RFC 5321 §4.1.2): a Path, or `<>`, which gives None; raises `AddressError`."""
    return None if text == "<>" else parse_path(text)


def _check_domain(domain: str) -> None:
    domain_key(domain)
    if domain.endswith("."):
        raise AddressError("the domain ends in a dot")


def _end_of_quoted_string(text: str) -> int:
    """Return the index after the closing quote of the quoted string that `text` starts with, or 0."""
    index = 1
    while index < len(text):
        if text[index] == "\\":
            index += 2
            continue
        if text[index] == '"':
            return index + 1
        index += 1
    return 0


def check_literal(domain: str) -> None:
    """Raise `AddressError` where the text in brackets is no address literal of IPv4 or IPv6 (RFC 5321 §4.1.3)."""
    # RFC 5321 §4.1.3: address-literal = "[" ( IPv4-address-literal / IPv6-address-literal / ...) "]"
    try:
        if not domain.endswith("]"):
            raise ValueError
        inner = domain[1:-1]
        if inner[:5].lower() == "ipv6:":
            if "%" in inner:  # IPv6-addr has no zone index
                raise ValueError
            ipaddress.IPv6Address(inner[5:])
        else:
            ipaddress.IPv4Address(inner)
    except ValueError:
        raise AddressError(f"{domain!r} is not an address literal") from None


def login_of(text: str) -> str | None:
    """Return the login name of the account that an address would be; None if the text is no address with a domain."""
    try:
        address = parse_address(text)
    except AddressError:
        return None
    if address.is_literal:
        return None
    local, domain = address.key
    return f"{local}@{domain}"
