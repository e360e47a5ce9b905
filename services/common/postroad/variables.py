"""The values of settings, from the text of a variable; each raises `ValueError` with what it must be."""

from __future__ import annotations

import ipaddress
import re
from ipaddress import IPv4Network
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import urlsplit

from postroad.world.secret import check_secret

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

Choice = TypeVar("Choice")


def switch(text: str) -> bool:
    """Return whether it is on."""
    if text not in {"on", "off"}:
        raise ValueError("must be on or off")
    return text == "on"


def network(text: str) -> IPv4Network:
    """Return a /24 network."""
    try:
        return IPv4Network(f"{text}.0/24")
    except ValueError:
        raise ValueError("must be the first three numbers of a /24 network, such as 198.19.25") from None


def networks(text: str) -> tuple[IPv4Network, ...]:
    """Return the networks, parted by spaces or commas."""
    try:
        return tuple(ipaddress.IPv4Network(part) for part in text.replace(",", " ").split())
    except ValueError as error:
        raise ValueError(f"must be IPv4 networks such as 10.0.0.0/8, or nothing: {error}") from error


def address(text: str) -> str:
    """Return an IP address in its usual form, or nothing."""
    try:
        return str(ipaddress.ip_address(text)) if text else ""
    except ValueError:
        raise ValueError("must be an IP address such as 0.0.0.0, or nothing") from None


def password(text: str) -> str:
    """Return a password that an account may have."""
    check_secret(text)
    return text


def port(text: str) -> int:
    """Return a port number."""
    if not re.fullmatch("[0-9]{1,5}", text) or not 1 <= int(text) <= 65535:
        raise ValueError("must be a port number from 1 to 65535")
    return int(text)


def port_or_none(text: str) -> int | None:
    """Return a port number, or None for nothing."""
    return port(text) if text else None


def ports(text: str) -> range:
    """Return port numbers, from the first to the last one."""
    first, dash, last = text.partition("-")
    try:
        numbers = range(port(first), port(last if dash else first) + 1)
    except ValueError:
        numbers = range(0)
    if not numbers:
        raise ValueError("must be a port number, or the first and the last one, such as 1026-1033")
    return numbers


def count(text: str) -> int:
    """Return a whole number above 0."""
    if not re.fullmatch("[0-9]{1,9}", text) or int(text) < 1:
        raise ValueError("must be a whole number above 0")
    return int(text)


def bound(text: str) -> int:
    """Return a whole number above 0, or 0, which bounds nothing."""
    return 0 if text == "0" else count(text)


def names(text: str) -> tuple[str, ...]:
    """Return the words, parted by spaces or commas."""
    return tuple(text.replace(",", " ").split())


def logins(text: str) -> tuple[tuple[str, str], ...]:
    """Return pairs of user and password."""
    pairs = [part.partition(":") for part in text.split()]
    if any(not user or not password for user, _, password in pairs):
        raise ValueError("must be user:password, several with spaces between, or nothing")
    return tuple((user, password) for user, _, password in pairs)


def release(text: str) -> str:
    """Return the URL of a mail server, or nothing."""
    parts = urlsplit(text)
    try:
        right = not text or (parts.scheme in {"smtp", "smtps"} and bool(parts.hostname) and parts.port != 0)
    except ValueError:  # urlsplit's, of a port that is no number
        right = False
    if not right or parts.path not in {"", "/"} or parts.query or parts.fragment:
        raise ValueError("must be smtp://host, smtp://user:password@host:port, the same with smtps, or nothing")
    return text


def published(text: str) -> tuple[tuple[str, int], ...]:
    """Return pairs of name and port."""
    try:
        return tuple((name, port(number)) for name, number in (part.split("=") for part in text.split()))
    except ValueError:
        raise ValueError("must be names and ports such as imap=1143, with spaces between, or nothing") from None


def one_of(choices: Iterable[Choice]) -> Callable[[str], Choice]:
    """Return what reads the name of one of the choices."""
    by_name = {str(choice): choice for choice in choices}

    def parse(text: str) -> Choice:
        if text not in by_name:
            raise ValueError(f"must be one of {', '.join(by_name)}")
        return by_name[text]

    return parse
