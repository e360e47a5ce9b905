"""Keeps the users that were made over HTTP in a small file, which is durable before a change is answered."""

from __future__ import annotations

import asyncio
import json
import logging
import os
from typing import TYPE_CHECKING, Any

from postroad.greenmail import User
from postroad.syncing import sync
from postroad_store.greenmail.users import Users

if TYPE_CHECKING:
    from pathlib import Path

    from postroad.greenmail import Habits

log = logging.getLogger(__name__)

FILE = "users.json"


class Ledger:
    """The file in a folder. Changes take turns, so that each is written with all before it."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / FILE
        self._turn = asyncio.Lock()

    def load(self, habits: Habits | None) -> Users:
        """Return the users as they were left; raises `OSError`."""
        try:
            value: Any = json.loads(self._path.read_text(encoding="utf-8"))
            users = [User(user["login"], user["email"], user["password"]) for user in value["made"]]
            return Users(habits, users, value["removed"])
        except FileNotFoundError:
            return Users(habits)
        except (ValueError, KeyError, TypeError) as error:
            log.error("the users can't be read, so there are none: %s", error, extra={"file": str(self._path)})  # noqa: TRY400 - said all
            return Users(habits)

    async def keep(self, users: Users) -> None:
        """Write the users; they are on disk when this returns. Raises `OSError`."""
        async with self._turn:
            await asyncio.to_thread(self._write, json.dumps(users.kept()).encode())

    def _write(self, octets: bytes) -> None:
        written = self._path.with_suffix(".new")
        written.unlink(missing_ok=True)
        handle = os.open(written, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)  # it has passwords
        with os.fdopen(handle, "wb") as file:
            file.write(octets)
            file.flush()
            os.fsync(file.fileno())
        written.replace(self._path)
        sync(self._path.parent)
