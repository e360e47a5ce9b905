"""What a release asks for, and the one server that can be named in it: that of POSTROAD_RELEASE. Pure."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote, urlsplit

if TYPE_CHECKING:
    from collections.abc import Mapping

    from postroad_web.mailpit.gojson import Struct

SETTING = "release"  # the name of the server of POSTROAD_RELEASE
MECHANISMS = frozenset({"PLAIN", "CRAMMD5"})
_PORTS = {"smtp": 25, "smtps": 465}
_SUBMISSION = 587  # where there is a login


class UnknownError(ValueError):
    """There is no server of that name, or no such mechanism."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outgoing:
    """A server, and the address that a message is released to; the members are MailHog's, in its order."""

    name: str = ""
    save: bool = False
    email: str = ""
    host: str = ""
    port: str = ""
    username: str = ""
    password: str = ""
    mechanism: str = ""

    @property
    def url(self) -> str:
        """The server as a URL, as POSTROAD_RELEASE has it."""
        login = f"{quote(self.username, '')}:{quote(self.password, '')}@" if self.username else ""
        return f"smtp://{login}{f'[{self.host}]' if ':' in self.host else self.host}:{self.port}"

    def shape(self) -> dict[str, Any]:
        """Return MailHog's JSON, without the password."""
        return {name.capitalize(): value for name, value in asdict(replace(self, password="")).items()}


def servers(setting: str) -> dict[str, Outgoing]:
    """Return the servers that have names, by the setting POSTROAD_RELEASE."""
    if not setting:
        return {}
    parts = urlsplit(setting)
    port = parts.port or (_SUBMISSION if parts.username and parts.scheme == "smtp" else _PORTS[parts.scheme])
    server = Outgoing(
        name=SETTING,
        host=parts.hostname or "",
        port=str(port),
        username=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
        mechanism="PLAIN" if parts.username else "",
    )
    return {SETTING: server}


def outgoing_of(asked: Struct, named: Mapping[str, Outgoing]) -> Outgoing:
    """Return what a request asks for, by the servers that have names; raises `UnknownError`, `gojson.BadJsonError`."""
    names = ("name", "email", "host", "port", "username", "password", "mechanism")
    outgoing = Outgoing(save=asked.flag("save"), **{name: asked.text(name) for name in names})
    if outgoing.name and not outgoing.save:
        if outgoing.name not in named:
            raise UnknownError(f"there is no server named {outgoing.name}")
        outgoing = replace(named[outgoing.name], email=outgoing.email)
    if (outgoing.username or outgoing.password) and outgoing.mechanism not in MECHANISMS:
        raise UnknownError(f"{outgoing.mechanism} is no mechanism of MailHog's")
    return outgoing
