"""Configuration: environment variables with the prefix POSTROAD_, read once into a frozen dataclass.

Every setting of every service is here, with its default and one comment; `python -m postroad.config` prints
`.env.example` from this table. An unknown or malformed variable stops the start with a sentence that names it.
"""

from __future__ import annotations

import dataclasses
import ipaddress
import re
import sys
from dataclasses import dataclass, field
from enum import StrEnum
from ipaddress import IPv4Network
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

from postroad.measures import age, days, duration, durations, size
from postroad.sasl.oauth import Errors
from postroad.world.quota import Quota, parse_quota
from postroad.world.secret import check_secret

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

PREFIX = "POSTROAD_"

Choice = TypeVar("Choice")


class ConfigError(Exception):
    """A setting is unknown or malformed; the message names it and says what it may be."""


class Outside(StrEnum):
    """How mail for a domain that the world does not know is handled."""

    CAPTURE = "capture"  # its mail lands in the world's capture account
    BOUNCE = "bounce"  # NXDOMAIN: its mail comes back in a DSN
    REFUSE = "refuse"  # REFUSED, as a plain authoritative server answers: its mail waits, then expires


class UnknownUsers(StrEnum):
    """How mail for a user that its domain does not know is handled."""

    CREATE = "create"
    REJECT = "reject"


class First(StrEnum):
    """Whose answer a path has that two dialects of the web service know."""

    MAILPIT = "mailpit"
    MAILHOG = "mailhog"


def _switch(text: str) -> bool:
    if text not in {"on", "off"}:
        raise ValueError("must be on or off")
    return text == "on"


def _network(text: str) -> IPv4Network:
    try:
        return IPv4Network(f"{text}.0/24")
    except ValueError:
        raise ValueError("must be the first three numbers of a /24 network, such as 198.19.25") from None


def _networks(text: str) -> tuple[IPv4Network, ...]:
    try:
        return tuple(ipaddress.IPv4Network(part) for part in text.replace(",", " ").split())
    except ValueError as error:
        raise ValueError(f"must be IPv4 networks such as 10.0.0.0/8, or nothing: {error}") from error


def _address(text: str) -> str:
    try:
        return str(ipaddress.ip_address(text)) if text else ""
    except ValueError:
        raise ValueError("must be an IP address such as 0.0.0.0, or nothing") from None


def _password(text: str) -> str:
    check_secret(text)
    return text


def _port(text: str) -> int:
    if not re.fullmatch("[0-9]{1,5}", text) or not 1 <= int(text) <= 65535:
        raise ValueError("must be a port number from 1 to 65535")
    return int(text)


def _port_or_none(text: str) -> int | None:
    return _port(text) if text else None


def _count(text: str) -> int:
    if not re.fullmatch("[0-9]{1,9}", text) or int(text) < 1:
        raise ValueError("must be a whole number above 0")
    return int(text)


def _bound(text: str) -> int:
    return 0 if text == "0" else _count(text)


def _names(text: str) -> tuple[str, ...]:
    return tuple(text.replace(",", " ").split())


def _logins(text: str) -> tuple[tuple[str, str], ...]:
    pairs = [part.partition(":") for part in text.split()]
    if any(not user or not password for user, _, password in pairs):
        raise ValueError("must be user:password, several with spaces between, or nothing")
    return tuple((user, password) for user, _, password in pairs)


def _release(text: str) -> str:
    parts = urlsplit(text)
    try:
        right = not text or (parts.scheme in {"smtp", "smtps"} and bool(parts.hostname) and parts.port != 0)
    except ValueError:  # urlsplit's, of a port that is no number
        right = False
    if not right or parts.path not in {"", "/"} or parts.query or parts.fragment:
        raise ValueError("must be smtp://host, smtp://user:password@host:port, the same with smtps, or nothing")
    return text


_SECRET = frozenset({_password, _logins, _release})  # settings with these never get into a log


def _published(text: str) -> tuple[tuple[str, int], ...]:
    try:
        return tuple((name, _port(port)) for name, port in (part.split("=") for part in text.split()))
    except ValueError:
        raise ValueError("must be names and ports such as imap=1143, with spaces between, or nothing") from None


def _one_of(choices: Iterable[Choice]) -> Callable[[str], Choice]:
    by_name = {str(choice): choice for choice in choices}

    def parse(text: str) -> Choice:
        if text not in by_name:
            raise ValueError(f"must be one of {', '.join(by_name)}")
        return by_name[text]

    return parse


def _setting(default: str, parse: Callable[[str], Any], comment: str, *, compose: str | None = None) -> Any:
    """Declare a setting; `compose` is what docker-compose.yml gives to the containers, if that differs."""
    return field(metadata={"default": default, "parse": parse, "comment": comment, "compose": compose})


@dataclass(frozen=True, slots=True)
class Settings:
    """All settings. Durations are in seconds, sizes in octets."""

    world: Path = _setting(
        "services/world.toml", Path, "the world file: domains, hosts, accounts, aliases", compose="/world/world.toml"
    )
    network: IPv4Network = _setting(
        "127.0.0",
        _network,
        "the private network, a /24, by its first three numbers; every host's address is in it",
        compose="198.19.25",
    )
    data: Path = _setting(
        "data", Path, "the folder of all that is kept: spool, mail, certificates, journal", compose="/data"
    )
    listen: str = _setting(
        "",
        _address,
        "the address that services listen on; empty: each its own host's address in the world",
        compose="0.0.0.0",
    )
    outside: Outside = _setting(
        "capture", _one_of(Outside), "mail for domains that the world does not know: capture, bounce or refuse"
    )
    unknown_users: UnknownUsers = _setting(
        "reject", _one_of(UnknownUsers), "mail for unknown users of a known domain: reject, or create their account"
    )
    unknown_password: str = _setting("postroad", _password, "the password of accounts that were created so")
    sender_check: bool = _setting("on", _switch, "whether a user may send only as an address that is theirs")
    plaintext_auth: bool = _setting("off", _switch, "whether passwords are taken without TLS (never on a real server)")
    trusted_networks: tuple[IPv4Network, ...] = _setting(
        "", _networks, "networks that may relay to anywhere through port 25, such as 10.0.0.0/8"
    )
    message_size: int = _setting("50M", size, "the largest message taken (RFC 1870)")
    quota: Quota = _setting(
        "none",
        parse_quota,
        "the mail an account may have, as 100M 1000 messages; more waits, or with reject comes back",
    )
    recipients: int = _setting("1000", _count, "the most recipients of one message")
    queue: int = _setting("100000", _count, "the most messages in the relay's queue; then clients get 452 4.3.1")
    snapshots: int = _setting("100", _count, "the most snapshots of one world")
    connections: int = _setting("500", _count, "the most connections to one service at a time; twice as many to web")
    login_timeout: float = _setting(
        "1m", duration, "how long a POP3 or IMAP client may be silent before it has logged in"
    )
    retry: tuple[float, ...] = _setting(
        "1s 5s 15s 1m 5m 15m 30m 1h", durations, "waits between attempts to deliver; the last one repeats"
    )
    expiry: float = _setting("5d", duration, "how long a message is tried before it is given up with a DSN")
    delay_notice: float = _setting(
        "4h", age, "after how long a sender gets a DSN that a message is delayed, which is tried on; 0: never"
    )
    smtp_without: tuple[str, ...] = _setting(
        "", _names, "SMTP extensions to hide on all ports, such as SIZE,SMTPUTF8: as on a server that lacks them"
    )
    imap_without: tuple[str, ...] = _setting(
        "", _names, "IMAP capabilities to hide, such as MOVE,IDLE: their commands are then BAD"
    )
    sasl_without: tuple[str, ...] = _setting(
        "", _names, "SASL mechanisms to hide from SMTP, IMAP and POP3, such as CRAM-MD5,XOAUTH2"
    )
    oauth_errors: Errors = _setting(
        "rfc", _one_of(Errors), "how a refused OAuth token is told: rfc (RFC 7628), gmail or exchange"
    )
    pop3_without: tuple[str, ...] = _setting(
        "", _names, "POP3 capabilities to hide, such as TOP,UIDL,SASL: their commands are then unknown"
    )
    pop3_expire: int | None = _setting(
        "never", days, "for how many days POP3 promises to keep mail: never, or 0: what was retrieved goes at QUIT"
    )
    pop3_login_delay: float = _setting(
        "0", age, "how long a POP3 client has to wait between two logins, such as 5m; 0: not at all"
    )
    imap_with: tuple[str, ...] = _setting(
        "", _names, "IMAP capabilities to offer that are off otherwise, because they are no standards"
    )
    sieve_without: tuple[str, ...] = _setting(
        "", _names, "Sieve extensions to hide, such as regex,vacation: scripts that require them are refused"
    )
    app_starttls: bool = _setting(
        "off",
        _switch,
        "whether the app door offers STARTTLS, which most libraries try and then distrust the certificate",
    )
    web_auth: tuple[tuple[str, str], ...] = _setting(
        "", _logins, "who may use the web service: user:password, several with spaces between; empty: everybody here"
    )
    web_hosts: tuple[str, ...] = _setting(
        "", _names, "further names by which the web service may be called, such as mail.example.org"
    )
    keep_messages: int = _setting(
        "0", _bound, "how many messages the web service remembers, the newest; 0: all (mailboxes keep theirs)"
    )
    keep_age: float = _setting("0", age, "how long the web service remembers a message, such as 7d; 0: for ever")
    release: str = _setting(
        "", _release, "the real server to which the web service may release a message: smtp://user:password@host:587"
    )
    webhooks_anywhere: bool = _setting(
        "off", _switch, "whether webhooks may be sent to other than this machine's and private addresses"
    )
    link_check: bool = _setting("off", _switch, "whether the link check may send requests to the Internet")
    transcripts: bool = _setting(
        "on", _switch, "whether what is said in sessions is recorded, in memory, without secrets"
    )
    transcript_sessions: int = _setting("1000", _count, "the sessions of each world that a service has on record")
    transcript_size: int = _setting("256K", size, "the most of one session that is on record")
    transcript_memory: int = _setting("32M", size, "the memory that a service's record may take; the oldest goes first")
    log_level: str = _setting("info", _one_of(("debug", "info", "warning", "error")), "how much the services log")
    dns_port: int = _setting("1053", _port, "DNS, UDP and TCP", compose="53")
    app_port: int = _setting(
        "1025", _port, "the app door: SMTP from anybody to anybody, for apps under test", compose="1025"
    )
    smtp_port: int = _setting("2525", _port, "SMTP between servers, on relay and store alike", compose="25")
    submission_port: int = _setting("1587", _port, "submission with STARTTLS", compose="587")
    submissions_port: int = _setting("1465", _port, "submission over TLS", compose="465")
    pop3_port: int = _setting("1110", _port, "POP3 with STLS", compose="110")
    pop3s_port: int = _setting("1995", _port, "POP3 over TLS", compose="995")
    imap_port: int = _setting("1143", _port, "IMAP with STARTTLS", compose="143")
    imaps_port: int = _setting("1993", _port, "IMAP over TLS", compose="993")
    sieve_port: int = _setting("4190", _port, "ManageSieve with STARTTLS", compose="4190")
    lmtp_port: int = _setting("2424", _port, "LMTP, on the store; containers do not publish it", compose="24")
    web_port: int = _setting("8025", _port, "the web service, HTTP: page and API", compose="8025")
    api_first: First = _setting(
        "mailpit", _one_of(First), "whose answer GET /api/v1/messages is: mailpit or mailhog; no other path is in both"
    )
    mailhog_port: int | None = _setting(
        "", _port_or_none, "a further port of the web service, at which MailHog comes first; empty: none"
    )
    published: tuple[tuple[str, int], ...] = _setting(
        "",
        _published,
        "the ports on localhost by which people reach containers, for the page that tells them",
        compose="app=${POSTROAD_APP_PORT:-1025} submission=${POSTROAD_SUBMISSION_PORT:-1587}"
        " submissions=${POSTROAD_SUBMISSIONS_PORT:-1465} smtp=${POSTROAD_SMTP_PORT:-2525}"
        " imap=${POSTROAD_IMAP_PORT:-1143} imaps=${POSTROAD_IMAPS_PORT:-1993}"
        " pop3=${POSTROAD_POP3_PORT:-1110} pop3s=${POSTROAD_POP3S_PORT:-1995}"
        " sieve=${POSTROAD_SIEVE_PORT:-4190} dns=${POSTROAD_DNS_PORT:-1053}"
        " web=${POSTROAD_WEB_PORT:-8025}",
    )
    control_port: int = _setting("8026", _port, "the control doors, HTTP, which only the web service may open")

    @property
    def front(self) -> str:
        """The address of the doors for people and apps: the app door and the web service.

        It is the network's first address, so 127.0.0.1 by default: an app under test needs to know localhost alone.
        """
        return self.listen or str(self.network[1])

    @property
    def capturing(self) -> bool:
        """Whether the world has to name an account that gets mail for unknown domains."""
        return self.outside is Outside.CAPTURE

    @property
    def tls_dir(self) -> Path:
        """The certificate that init made, for all services: ca.pem, cert.pem, key.pem."""
        return self.data / "tls"

    @property
    def trust_dir(self) -> Path:
        """The CA's certificate alone, for clients, readable by every user: ca.pem."""
        return self.data / "trust"

    @property
    def ca_dir(self) -> Path:
        """The CA with its key, which only init needs."""
        return self.data / "ca"

    @property
    def control_dir(self) -> Path:
        """The token of the control doors, which init made."""
        return self.data / "control"

    @property
    def web_dir(self) -> Path:
        """The web service's catalog and marks."""
        return self.data / "web"

    @property
    def journal_dir(self) -> Path:
        """The journal's files, one per service."""
        return self.data / "journal"

    @property
    def spool_dir(self) -> Path:
        """The relay's spool."""
        return self.data / "spool"

    @property
    def mail_dir(self) -> Path:
        """The store's mail."""
        return self.data / "mail"

    @classmethod
    def from_environ(cls, environ: Mapping[str, str]) -> Settings:
        """Read the settings; raises `ConfigError` with one line per setting that is wrong."""
        fields = {PREFIX + setting.name.upper(): setting for setting in dataclasses.fields(cls)}
        errors = [
            f"{name} is not a setting of Postroad; .env.example and `python -m postroad.config` list them all"
            for name in sorted(environ)
            if name.startswith(PREFIX) and name not in fields
        ]
        values: dict[str, Any] = {}
        for name, setting in fields.items():
            text = environ.get(name, setting.metadata["default"])
            try:
                values[setting.name] = setting.metadata["parse"](text)
            except ValueError as error:
                # Passwords must not get into logs.
                shown = name if setting.metadata["parse"] in _SECRET else f"{name}={text}"
                errors.append(f"{shown}: {error}")
        if errors:
            raise ConfigError("\n".join(errors))
        return cls(**values)


_HEAD = """\
# Postroad's settings, each with its default. Printed by `python -m postroad.config`.
#
# Docker Compose reads them from a file .env next to docker-compose.yml, or from the environment; `make run` from the
# environment. Ports are those of `make run`, and those that Compose publishes on 127.0.0.1 for the standard ones.
"""


def example() -> str:
    """Return the text of .env.example: every setting as a comment with its default."""
    lines = [_HEAD]
    for setting in dataclasses.fields(Settings):
        comment, compose = setting.metadata["comment"], setting.metadata["compose"]
        fixed = compose and "$" not in compose and not setting.name.endswith("_port")
        containers = f" (in containers {compose})" if fixed else ""
        lines.append(f"# {comment}{containers}\n#{PREFIX}{setting.name.upper()}={setting.metadata['default']}\n")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.stdout.write(example())
