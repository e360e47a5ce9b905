"""A running Postroad, by its URL: it makes worlds."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any, Self

from postroad_kit import asking
from postroad_kit.definition import DEFAULT_DEFINITION, wanted
from postroad_kit.http.plain import Client
from postroad_kit.world import World

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from postroad_kit.definition import Accounts
    from postroad_kit.endpoints import Endpoints

URL = "POSTROAD_URL"  # the variable that names a running stack; it is no setting of the stack itself
LIFE = 3600  # seconds after which a world goes that nobody has dropped


class Postroad:
    """A running stack. Any thread may use it."""

    def __init__(self, url: str) -> None:
        self.client = Client(url)
        self.url = self.client.place.url

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<Postroad {self.url}>"

    @cached_property
    def endpoints(self) -> Endpoints:
        """Where the protocols are spoken."""
        return self.client.ask(asking.endpoints())

    def world(
        self,
        ident: str | None = None,
        *,
        accounts: Accounts | None = None,
        domains: int | Sequence[str | Mapping[str, Any]] | None = None,
        owner: str | None = None,
        ttl: int | None = LIFE,
        password: str | None = None,
        imap_without: Sequence[str] | None = None,
        quota: Any = None,
        when_used: bool = False,
    ) -> World:
        """Make a world, which is in force in all services when this returns; a context manager drops it.

        With `when_used` it is made at its first use.

        `accounts` are those of its one domain, by name or with members such as a quota. The others are the members of
        POST /v1/worlds: `domains` how many, or each by name or with accounts, aliases, catch-all and records; `ttl` the
        seconds after which it goes by itself.
        """
        definition = wanted(
            ident,
            accounts,
            domains=domains,
            owner=owner,
            ttl=ttl,
            password=password,
            imap_without=imap_without,
            quota=quota,
        )
        info = None if when_used else self.client.ask(asking.make(definition))
        return World(self.client, info, self.endpoints, definition if when_used else None)

    def find(self, ident: str) -> World:
        """Return a world that exists."""
        return World(self.client, self.client.ask(asking.read(ident)), self.endpoints)

    @property
    def default(self) -> World:
        """The world of the world file; it is shared by all who use it, and nothing drops it."""
        return World(self.client, DEFAULT_DEFINITION, self.endpoints)

    def close(self) -> None:
        """Close idle connections."""
        self.client.close()
