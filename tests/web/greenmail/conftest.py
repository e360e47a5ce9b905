"""GreenMail's dialect over a catalog of its own, with toys for the control doors; the store's has users too."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest_asyncio

from postroad.control.client import DoorRefused
from postroad_web import greenmail
from tests.web import dialect

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from tests.harness.doors import ToyStack
    from tests.web.dialect import Web

BOB = {"login": "bob", "email": "bob@beta.test", "account": "bob@beta.test"}


class ToyUsers:
    """The users of a toy store, and the mailboxes of their accounts."""

    def __init__(self, stack: ToyStack) -> None:
        self.store = stack.store
        self.users: list[dict[str, str]] = [BOB]
        self.created: list[dict[str, str]] = []
        self.store.answers |= {
            ("GET", "/users"): lambda _: {"users": self.users},
            ("POST", "/users"): self._make,
            ("POST", "/users/reset"): lambda _: self.users.clear() or {},  # type: ignore[func-returns-value]
            ("DELETE", "/users/bob"): lambda _: self.users.remove(BOB) or {},  # type: ignore[func-returns-value]
            ("GET", "/accounts/bob%40beta.test/mailboxes"): lambda _: {
                "mailboxes": [{"name": name, "uid_validity": 77} for name in ("INBOX", "Sent")]
            },
            ("GET", "/accounts/bob%40beta.test/messages"): self.messages,
            ("GET", "/figures"): {"journal": {}},
        }

    def _make(self, asked: dict[str, str]) -> dict[str, str]:
        if any(user["email"] == asked["email"] for user in self.users):
            raise DoorRefused(409, "there is a user already")
        self.created.append(asked)
        self.users.append({"login": asked["login"], "email": asked["email"], "account": asked["email"]})
        return self.users[-1]

    def messages(self, asked: dict[str, Any]) -> dict[str, Any]:
        """Return a page of bob's messages."""
        uids = sorted(
            uid
            for account, mailbox, _, uid in self.store.contents
            if (account, mailbox) == ("bob@beta.test", asked["mailbox"]) and uid > asked["after"]
        )
        page = uids[: asked["limit"]]
        return {"messages": [{"uid": uid} for uid in page], "next": page[-1] if len(uids) > len(page) else None}


@asynccontextmanager
async def served(folder: Path, **environ: str) -> AsyncIterator[tuple[Web, ToyUsers]]:
    """Serve the dialect with these settings."""
    async with dialect.served(folder, greenmail.routes, environ=environ, ready=True) as web:
        yield web, ToyUsers(web.stack)


@pytest_asyncio.fixture
async def green(tmp_path: Path) -> AsyncIterator[tuple[Web, ToyUsers]]:
    async with served(tmp_path) as both:
        yield both
