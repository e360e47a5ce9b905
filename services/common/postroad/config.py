"""Configuration: environment variables with the prefix POSTROAD_, read once into a frozen dataclass.

Every setting of every service is here, with its default and one comment; `python -m postroad.config` prints
`.env.example` from this table. An unknown or malformed variable stops the start with a sentence that names it. One of
them is another program's, and has that one's name.
"""

from __future__ import annotations

import dataclasses
import sys
from dataclasses import field
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

from postroad import variables
from postroad.folders import Folders
from postroad.greenmail import DEFAULT as GREENMAIL
from postroad.greenmail import Habits, OptionError, read_options
from postroad.measures import age, days, duration, durations, size
from postroad.sasl.oauth import Errors
from postroad.value import value
from postroad.world.quota import Quota, parse_quota

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from ipaddress import IPv4Network

PREFIX = "POSTROAD_"
URL = "POSTROAD_URL"  # where the API is, for its clients: commands and tests. It is no setting of the stack


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


# Settings with these never get into a log.
_SECRET = frozenset({variables.password, variables.logins, variables.release})


def _setting(
    default: str, parse: Callable[[str], Any], comment: str, *, compose: str | None = None, variable: str | None = None
) -> Any:
    """Declare a setting; `compose` is what docker-compose.yml gives to the containers, if that differs.

    `variable` is the variable's whole name, where it is another program's.
    """
    return field(
        metadata={"default": default, "parse": parse, "comment": comment, "compose": compose, "variable": variable}
    )


def variable_of(setting: dataclasses.Field[Any]) -> str:
    """Return the name of a setting's environment variable."""
    return setting.metadata["variable"] or PREFIX + setting.name.upper()


@value
class Settings(Folders):
    """All settings. Durations are in seconds, sizes in octets."""

    world: Path = _setting(
        "services/world.toml", Path, "the world file: domains, hosts, accounts, aliases", compose="/world/world.toml"
    )
    network: IPv4Network = _setting(
        "127.0.0",
        variables.network,
        "the private network, a /24, by its first three numbers; every host's address is in it",
        compose="198.19.25",
    )
    data: Path = _setting(
        "data", Path, "the folder of all that is kept: spool, mail, certificates, journal", compose="/data"
    )
    listen: str = _setting(
        "",
        variables.address,
        "the address that services listen on; empty: each its own host's address in the world",
        compose="0.0.0.0",
    )
    outside: Outside = _setting(
        "capture", variables.one_of(Outside), "mail for domains that the world does not know: capture, bounce or refuse"
    )
    unknown_users: UnknownUsers = _setting(
        "reject",
        variables.one_of(UnknownUsers),
        "mail for unknown users of a known domain: reject, or create their account",
    )
    unknown_password: str = _setting("postroad", variables.password, "the password of accounts that were created so")
    sender_check: bool = _setting("on", variables.switch, "whether a user may send only as an address that is theirs")
    plaintext_auth: bool = _setting(
        "off", variables.switch, "whether passwords are taken without TLS (never on a real server)"
    )
    trusted_networks: tuple[IPv4Network, ...] = _setting(
        "", variables.networks, "networks that may relay to anywhere through port 25, such as 10.0.0.0/8"
    )
    message_size: int = _setting("50M", size, "the largest message taken (RFC 1870)")
    quota: Quota = _setting(
        "none",
        parse_quota,
        "the mail an account may have, as 100M 1000 messages; more waits, or with reject comes back",
    )
    recipients: int = _setting("1000", variables.count, "the most recipients of one message")
    queue: int = _setting(
        "100000", variables.count, "the most messages in the relay's queue; then clients get 452 4.3.1"
    )
    snapshots: int = _setting("100", variables.count, "the most snapshots of one world")
    connections: int = _setting(
        "500", variables.count, "the most connections to one service at a time; twice as many to web"
    )
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
        "",
        variables.names,
        "SMTP extensions to hide on all ports, such as SIZE,SMTPUTF8: as on a server that lacks them",
    )
    imap_without: tuple[str, ...] = _setting(
        "", variables.names, "IMAP capabilities to hide, such as MOVE,IDLE: their commands are then BAD"
    )
    sasl_without: tuple[str, ...] = _setting(
        "", variables.names, "SASL mechanisms to hide from SMTP, IMAP and POP3, such as CRAM-MD5,XOAUTH2"
    )
    oauth_errors: Errors = _setting(
        "rfc",
        variables.one_of(Errors),
        "the words in which an OAuth token is refused: rfc (RFC 7628), gmail or exchange",
    )
    pop3_without: tuple[str, ...] = _setting(
        "", variables.names, "POP3 capabilities to hide, such as TOP,UIDL,SASL: their commands are then unknown"
    )
    pop3_expire: int | None = _setting(
        "never", days, "for how many days POP3 promises to keep mail: never, or 0: what was retrieved goes at QUIT"
    )
    pop3_login_delay: float = _setting(
        "0", age, "how long a POP3 client has to wait between two logins, such as 5m; 0: not at all"
    )
    imap_message_limit: int = _setting(
        "0", variables.bound, "how many messages one IMAP command may treat, announced as MESSAGELIMIT; 0: any number"
    )
    imap_with: tuple[str, ...] = _setting(
        "", variables.names, "IMAP capabilities to offer that are off otherwise, because they are no standards"
    )
    sieve_without: tuple[str, ...] = _setting(
        "", variables.names, "Sieve extensions to hide, such as regex,vacation: scripts that require them are refused"
    )
    app_starttls: bool = _setting(
        "off",
        variables.switch,
        "whether the app door offers STARTTLS, which most libraries try and then distrust the certificate",
    )
    web_auth: tuple[tuple[str, str], ...] = _setting(
        "",
        variables.logins,
        "who may use the web service: user:password, several with spaces between; empty: everybody here",
    )
    web_hosts: tuple[str, ...] = _setting(
        "",
        variables.names,
        "further names by which the web service may be called, such as mail.example.org; they name no world",
    )
    worlds: int = _setting("20000", variables.count, "the most worlds that the API may have made at a time")
    world_accounts: int = _setting("1000", variables.count, "the most accounts of one world")
    world_size: int = _setting("256K", size, "the longest definition of a world, as JSON")
    world_ports: range = _setting(
        "1026-1033",
        variables.ports,
        "the ports, from first to last, of which the API may give some to worlds, as app doors of their own",
    )
    ports_per_world: int = _setting("2", variables.count, "the most ports of one world")
    keep_messages: int = _setting(
        "0",
        variables.bound,
        "how many messages of each world the web service remembers, the newest; 0: all (mailboxes keep theirs)",
    )
    keep_age: float = _setting("0", age, "how long the web service remembers a message, such as 7d; 0: for ever")
    release: str = _setting(
        "",
        variables.release,
        "the real server to which the web service may release a message: smtp://user:password@host:587",
    )
    webhooks_anywhere: bool = _setting(
        "off", variables.switch, "whether webhooks may be sent to other than this machine's and private addresses"
    )
    link_check: bool = _setting("off", variables.switch, "whether the link check may send requests to the Internet")
    transcripts: bool = _setting(
        "on", variables.switch, "whether what is said in sessions is recorded, in memory, without secrets"
    )
    transcript_sessions: int = _setting(
        "1000", variables.count, "the sessions of each world that a service has on record"
    )
    transcript_size: int = _setting("256K", size, "the most of one session that is on record")
    transcript_memory: int = _setting("32M", size, "the memory that a service's record may take; the oldest goes first")
    log_level: str = _setting(
        "info", variables.one_of(("debug", "info", "warning", "error")), "how much the services log"
    )
    dns_port: int = _setting("1053", variables.port, "DNS, UDP and TCP", compose="53")
    app_port: int = _setting(
        "1025", variables.port, "the app door: SMTP from anybody to anybody, for apps under test", compose="1025"
    )
    smtp_port: int = _setting("2525", variables.port, "SMTP between servers, on relay and store alike", compose="25")
    submission_port: int = _setting("1587", variables.port, "submission with STARTTLS", compose="587")
    submissions_port: int = _setting("1465", variables.port, "submission over TLS", compose="465")
    pop3_port: int = _setting("1110", variables.port, "POP3 with STLS", compose="110")
    pop3s_port: int = _setting("1995", variables.port, "POP3 over TLS", compose="995")
    imap_port: int = _setting("1143", variables.port, "IMAP with STARTTLS", compose="143")
    imaps_port: int = _setting("1993", variables.port, "IMAP over TLS", compose="993")
    sieve_port: int = _setting("4190", variables.port, "ManageSieve with STARTTLS", compose="4190")
    lmtp_port: int = _setting("2424", variables.port, "LMTP, on the store; containers do not publish it", compose="24")
    web_port: int = _setting("8025", variables.port, "the web service, HTTP: page and API", compose="8025")
    api_first: First = _setting(
        "mailpit",
        variables.one_of(First),
        "whose answer GET /api/v1/messages is: mailpit or mailhog; no other path is in both",
    )
    mailhog_port: int | None = _setting(
        "", variables.port_or_none, "a further port of the web service, at which MailHog comes first; empty: none"
    )
    greenmail: bool = _setting(
        "off",
        variables.switch,
        "whether GreenMail's ports (3025, 3110, 3143, 3465, 3993, 3995, 8080) are opened, with its habits",
    )
    greenmail_opts: str = _setting(
        GREENMAIL, str, "GreenMail's own options, for those ports", variable="GREENMAIL_OPTS"
    )
    greenmail_additional_opts: str = _setting(
        "", str, "further ones, behind those", variable="GREENMAIL_ADDITIONAL_OPTS"
    )
    published: tuple[tuple[str, int], ...] = _setting(
        "",
        variables.published,
        "the ports on localhost by which people reach containers, for the page that tells them",
        compose="app=${POSTROAD_APP_PORT:-1025} submission=${POSTROAD_SUBMISSION_PORT:-1587}"
        " submissions=${POSTROAD_SUBMISSIONS_PORT:-1465} smtp=${POSTROAD_SMTP_PORT:-2525}"
        " imap=${POSTROAD_IMAP_PORT:-1143} imaps=${POSTROAD_IMAPS_PORT:-1993}"
        " pop3=${POSTROAD_POP3_PORT:-1110} pop3s=${POSTROAD_POP3S_PORT:-1995}"
        " sieve=${POSTROAD_SIEVE_PORT:-4190} dns=${POSTROAD_DNS_PORT:-1053}"
        " web=${POSTROAD_WEB_PORT:-8025}",
    )
    control_port: int = _setting("8026", variables.port, "the control doors, HTTP, which only the web service may open")

    @property
    def front(self) -> str:
        """The address of the doors for people and apps: the app door and the web service.

        It is the network's first address, so 127.0.0.1 by default: an app under test needs to know localhost alone.
        """
        return self.listen or str(self.network[1])

    @property
    def habits(self) -> Habits | None:
        """GreenMail's, if its ports are open."""
        return read_options(f"{self.greenmail_opts} {self.greenmail_additional_opts}") if self.greenmail else None

    @property
    def capturing(self) -> bool:
        """Whether the world has to name an account that gets mail for unknown domains."""
        return self.outside is Outside.CAPTURE

    @classmethod
    def from_environ(cls, environ: Mapping[str, str]) -> Settings:
        """Read the settings; raises `ConfigError` with one line per setting that is wrong."""
        fields = {variable_of(setting): setting for setting in dataclasses.fields(cls)}
        errors = [
            f"{name} is not a setting of Postroad; .env.example and `python -m postroad.config` list them all"
            for name in sorted(environ)
            if name.startswith(PREFIX) and name not in fields and name != URL
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
        if values.get("greenmail"):  # another GreenMail may have the variable otherwise
            for name in ("greenmail_opts", "greenmail_additional_opts"):
                try:
                    read_options(values[name])
                except OptionError as error:
                    errors.append(f"{name.upper()}: {error}")
        if errors:
            raise ConfigError("\n".join(errors))
        settings = cls(**values)
        settings._check_world_ports()
        return settings

    def _check_world_ports(self) -> None:
        """Raise `ConfigError` if another door has a port of those for worlds on the same address."""
        for name, port in {"app": self.app_port, "web": self.web_port, **dict(self.published)}.items():
            if port in self.world_ports:
                first, last = self.world_ports[0], self.world_ports[-1]
                raise ConfigError(
                    f"POSTROAD_WORLD_PORTS={first}-{last}: {port} is POSTROAD_{name.upper()}_PORT; give worlds others"
                )


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
        fixed = compose and "$" not in compose and not setting.name.endswith("port")
        containers = f" (in containers {compose})" if fixed else ""
        lines.append(f"# {comment}{containers}\n#{variable_of(setting)}={setting.metadata['default']}\n")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.stdout.write(example())
