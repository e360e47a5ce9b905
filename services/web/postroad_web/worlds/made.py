"""One world that was made: its definition, which the services get too, and what only the web service knows. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from postroad.jsontext import to_json
from postroad.value import value

if TYPE_CHECKING:
    from collections.abc import Mapping


@value
class Made:
    """A world. Times are in seconds since the epoch; `password` is for accounts that come later without one."""

    definition: Mapping[str, Any]
    created: float
    expires: float | None = None
    password: str | None = None
    dropping: bool = False  # it is no more, and something may be left of it

    @property
    def id(self) -> str:
        """Its ID."""
        ident: str = self.definition["id"]
        return ident

    @property
    def app_password(self) -> str:
        """The password of its app user."""
        password: str = self.definition["app"]["password"]
        return password

    @property
    def ports(self) -> tuple[int, ...]:
        """Its own ports of the relay."""
        return tuple(self.definition.get("ports", ()))

    @property
    def size(self) -> int:
        """The octets of its definition, as JSON."""
        return len(to_json(self.definition))

    @property
    def accounts(self) -> int:
        """How many accounts it has, without its capture box."""
        return sum(len(domain["accounts"]) for domain in self.definition["domains"])
