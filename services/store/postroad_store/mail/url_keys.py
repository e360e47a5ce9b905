"""The keys by which IMAP URLs are authorized (RFC 4467 §2.2): one for each mailbox of an account."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from postroad_store.mail.database.commits.url_keys import DropUrlKeys, MakeUrlKey

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from postroad_store.mail.database.reader import Reader
    from postroad_store.mail.model.account import Account
    from postroad_store.mail.model.mailbox import Mailbox

KEY_OCTETS = 32  # RFC 4467 §2.2: at least 128 bits


class UrlKeys:
    """All keys of a storage."""

    def __init__(self, reader: Reader, submit: Callable[[Any], Awaitable[Any]]) -> None:
        self._reader = reader
        self._submit = submit

    def find(self, account: Account, mailbox: Mailbox) -> bytes | None:
        """Read: return the key of a mailbox, None if it has none."""
        return self._reader.url_key(mailbox.id, account.id)

    def make(self, account: Account, mailbox: Mailbox, *, renew: bool = False) -> Awaitable[bytes]:
        """Commit: return the key of a mailbox, made if there is none; `renew`: made anew. Raises `NoSuchMailbox`."""
        return self._submit(MakeUrlKey(account, mailbox, os.urandom(KEY_OCTETS), renew=renew))

    def drop(self, account: Account) -> Awaitable[None]:
        """Commit: remove the keys of all the account's mailboxes."""
        return self._submit(DropUrlKeys(account))
