"""What a world is to its tests without asking anybody: its domains, its credentials, where its app door is."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

from postroad_kit.errors import PostroadError

if TYPE_CHECKING:
    from postroad_kit.definition import AccountInfo, Definition, DomainInfo, Login
    from postroad_kit.endpoints import Endpoint, Endpoints


class Outline:
    """The part of a world that sync and async tests share."""

    def __init__(self, definition: Definition | None, endpoints: Endpoints, url: str) -> None:
        self._definition = definition
        self.endpoints = endpoints
        self.own_port: Endpoint | None = None  # that `port` has opened
        self._url = url

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {'to be made' if self._definition is None else self._definition.id}>"

    @property
    def definition(self) -> Definition:
        """What it was made as."""
        if self._definition is None:
            raise PostroadError("the world is not made yet")
        return self._definition

    @property
    def id(self) -> str:
        """Its ID."""
        return self.definition.id

    @property
    def domains(self) -> tuple[DomainInfo, ...]:
        """Its domains."""
        return self.definition.domains

    @property
    def domain(self) -> str:
        """The name of its first domain."""
        if not self.domains:
            raise PostroadError("the default world is the world file's; its domains are not listed here")
        return self.domains[0].name

    @property
    def console_url(self) -> str:
        """The page that shows it to people."""
        return f"{self._url}/w/{self.id}/"

    @property
    def smtp_endpoint(self) -> Endpoint:
        """Host and port of the app door: what the app under test sends through."""
        return self.endpoints["app"]

    @property
    def smtp_user(self) -> str:
        """The user name at the app door, by which mail is known to be this world's; empty for the default world."""
        return self.definition.app.user if self.definition.app else ""

    @property
    def smtp_password(self) -> str:
        """Its password."""
        return self.definition.app.password if self.definition.app else ""

    @property
    def smtp_url(self) -> str:
        """The app door as one URL, as many frameworks want it: smtp://user:password@host:port."""
        host, port = self.smtp_endpoint
        login = f"{quote(self.smtp_user, safe='')}:{quote(self.smtp_password, safe='')}@" if self.smtp_user else ""
        return f"smtp://{login}{host}:{port}"

    @property
    def capture_login(self) -> Login:
        """The login of the account that gets what is sent to strangers."""
        if self.definition.capture is None:
            raise PostroadError("the default world's capture account is in the world file")
        return self.definition.capture

    def address(self, name: str) -> str:
        """Return an address in its first domain, or the name itself if it is a whole address."""
        return name if "@" in name else f"{name}@{self.domain}"

    def known(self, name: str) -> AccountInfo | None:
        """Return the account with a name in the first domain, or with an address, if the world was made with it."""
        wanted = name.casefold()
        if "@" in name:
            accounts = (account for domain in self.domains for account in domain.accounts)
            return next((account for account in accounts if account.address.casefold() == wanted), None)
        firsts = self.domains[0].accounts if self.domains else ()
        return next((account for account in firsts if account.name.casefold() == wanted), None)
