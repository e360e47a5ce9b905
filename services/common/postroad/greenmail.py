"""GREENMAIL_OPTS: what GreenMail is told by it, as far as it means anything here. Pure.

The variable has options of Java's, `-Dgreenmail.users=bob:secret@example.com`, with white space between them, which may
be line feeds. Options that mean nothing here, or are not GreenMail's, are named, so that nobody relies on them.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from postroad.value import value

if TYPE_CHECKING:
    from collections.abc import Callable

# Each port with what it is: GreenMail's "test" ports, which are the standard ones and 3000.
SMTP, SMTPS, POP3, POP3S, IMAP, IMAPS = 3025, 3465, 3110, 3995, 3143, 3993
API = 8080
PORTS = {"smtp": SMTP, "smtps": SMTPS, "pop3": POP3, "pop3s": POP3S, "imap": IMAP, "imaps": IMAPS}
# What GreenMail's image has unless it is told something else.
DEFAULT = "-Dgreenmail.setup.test.all -Dgreenmail.hostname=0.0.0.0 -Dgreenmail.auth.disabled"

_OPTION = re.compile(r"-D(greenmail\.[A-Za-z0-9.]+)(?:=(.*))?", re.DOTALL)
# They say where to listen, how to speak TLS, how long to take, or how much to log. Here that is settled otherwise.
_WITHOUT_MEANING = re.compile(
    r"greenmail\.(?:hostname|startup\.timeout|tls\.(?:keystore\.(?:file|password)|key\.password)|api\.(?:hostname|port)"
    r"|attachments\.discard|verbose|setup\.test\.all|(?:smtp|smtps|pop3|pop3s|imap|imaps)\.hostname)"
)
LOCALHOST = "localhost"  # the domain of users that have none


class OptionError(ValueError):
    """An option can't be read; the text is a sentence."""


@value
class User:
    """A user of GreenMail's: who logs in by a login, and gets the mail for an address."""

    login: str
    email: str
    password: str

    @property
    def address(self) -> str:
        """The address of its account; GreenMail's users need not have a domain, and accounts do."""
        return with_domain(self.email)


@value
class Habits:
    """How GreenMail is to behave."""

    users: tuple[User, ...] = ()
    auth_disabled: bool = False  # any password will do, and a user is made of any login
    ignore_detail: bool = False  # mail for bob+detail is bob's
    ports: frozenset[str] = frozenset(PORTS)  # by what they are
    preload: str | None = None  # the folder of messages that are there from the start
    ineffective: tuple[str, ...] = ()  # options that have no effect here

    def user(self, login: str) -> User | None:
        """Return the user with this login, or else with this address; the case of letters does not count."""
        wanted = login.strip().lower()
        by_login = (user for user in self.users if user.login.lower() == wanted)
        by_email = (user for user in self.users if wanted in {user.email.lower(), user.address.lower()})
        return next(by_login, None) or next(by_email, None)


def with_domain(name: str) -> str:
    """Return a user's address by a name that may have no domain."""
    return name if "@" in name else f"{name}@{LOCALHOST}"


def read_options(text: str) -> Habits:
    """Return what the options say; raises `OptionError`."""
    habits = Habits()
    values: dict[str, str] = {}
    ineffective: list[str] = []
    ports: set[str] = set()
    for word in text.split():
        match = _OPTION.fullmatch(word)
        if match is None:
            ineffective.append(word)
            continue
        name, value = match[1], match[2] or ""
        port = name.removeprefix("greenmail.setup.test.")
        if port in PORTS:
            ports.add(port)
        elif name in _READERS or name in {"greenmail.users", "greenmail.users.login"}:
            values[name] = value
        elif not _WITHOUT_MEANING.fullmatch(name):
            ineffective.append(word)
    for name, read in _READERS.items():
        if name in values:
            habits = read(habits, values[name])
    by = values.get("greenmail.users.login", "local_part").lower()
    if by not in {"local_part", "email"}:
        raise OptionError(f"greenmail.users.login must be local_part or email, not {by!r}")
    users = tuple(_user(written, by_email=by == "email") for written in _written(values.get("greenmail.users", "")))
    opened = frozenset(ports) or habits.ports
    return replace(habits, users=users, ports=opened, ineffective=tuple(ineffective))


def user_of(email: str, login: str, password: str) -> User:
    """Return a user; raises `OptionError`. Without a login it is the address."""
    user = User(login.strip() or email.strip(), email.strip(), password)
    if not user.email or not password or any(character.isspace() for character in user.email + user.login):
        raise OptionError("a user has an email and a login without spaces, and a password")
    return user


def _written(text: str) -> list[str]:
    return [part for part in text.split(",") if part]


def _user(text: str, *, by_email: bool) -> User:
    """Read login:password[@domain]. The password may have an at sign in it: the last one counts."""
    login, _, rest = text.partition(":")
    password, _, domain = rest.rpartition("@") if "@" in rest else (rest, "", "")
    if not login or not password:
        raise OptionError(f"greenmail.users: {login!r} must be login:password@domain, several with commas between")
    email = f"{login}@{domain}" if domain else login
    return user_of(email, email if by_email or not domain else login, password)


def _flag(value: str) -> bool:
    return value.lower() != "false"


_READERS: dict[str, Callable[[Habits, str], Habits]] = {
    "greenmail.auth.disabled": lambda habits, value: replace(habits, auth_disabled=_flag(value)),
    "greenmail.preload.dir": lambda habits, value: replace(habits, preload=value or None),
    "greenmail.sieve.ignore.detail": lambda habits, value: replace(habits, ignore_detail=_flag(value)),
}
