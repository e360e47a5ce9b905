"""Who may log in at the ports of a world: its accounts and its app user, and nobody of any other world."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from postroad.mail.address import Address
from postroad.world.world import Account

if TYPE_CHECKING:
    from collections.abc import Mapping

    from postroad.sasl.token import Grant
    from postroad.world.layers import Layers

_APP = "[app]"  # where the app user has its account, for the check of its password: no domain is an address literal


class PortUsers:
    """The users of one world by its ID, as they are when they are asked for (`postroad.world.realm.Known`)."""

    forms = frozenset({"plain"})  # as passwords of the API's worlds are
    administrators: frozenset[str] = frozenset()
    tokens: Mapping[str, Grant] = MappingProxyType({})  # the file's are for its own world

    def __init__(self, layers: Layers, world: str) -> None:
        self._layers = layers
        self._world = world

    def account(self, login: str) -> Account | None:
        """Return the account of a login name, None if it is none of this world's."""
        overlay = self._layers.overlays.get(self._world)
        if overlay is None:
            return None
        app = overlay.definition["app"]
        if login == app["user"]:
            return Account(Address(app["user"], _APP), app["password"])
        return overlay.world.account(login)

    @staticmethod
    def name(account: Account) -> Account | str:
        """Return what `account` has found as a session has it: the app user is a name, and no account."""
        return account.address.local_part if account.address.domain == _APP else account
