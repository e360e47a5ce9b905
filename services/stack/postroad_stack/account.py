"""The account that a command is given, looked up in the world of this environment."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from postroad.config import Settings
from postroad.world.source import WorldError, load_world
from postroad_stack.starter import with_world

if TYPE_CHECKING:
    from postroad.world.world import Account


def account_of(login: str) -> tuple[Settings, Account]:
    """Return the settings and the account of this login name; raises `ConfigError` and `WorldError`."""
    settings = Settings.from_environ(with_world(os.environ))
    account = load_world(settings.world, settings.network, capturing=settings.capturing).account(login)
    if account is None:
        raise WorldError((f"{login} is no account of the world {settings.world}",))
    return settings, account
