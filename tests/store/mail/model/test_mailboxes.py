"""One object per mailbox, for as long as anybody holds it."""

from __future__ import annotations

import gc

from postroad_store.mail.model.mailboxes import Mailboxes
from tests.store.mail.model.test_mailbox import ROW


def test_a_mailbox_that_is_held_is_not_made_a_second_time() -> None:
    mailboxes = Mailboxes()
    held = mailboxes.adopt(ROW)
    assert mailboxes.adopt(ROW) is held
    assert mailboxes.of(held.account) == [held]
    assert mailboxes.of(held.account + 1) == []
    account = held.account
    del held
    gc.collect()
    assert mailboxes.of(account) == []
