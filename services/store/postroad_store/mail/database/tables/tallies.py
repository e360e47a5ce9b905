"""Triggers that count what an account has, so that no statement can forget it, and so that the count is exact."""

from __future__ import annotations

SCHEMA = """
CREATE TRIGGER mailbox_made AFTER INSERT ON mailboxes
    BEGIN UPDATE accounts SET mailboxes = mailboxes + 1 WHERE id = NEW.account; END;
CREATE TRIGGER mailbox_gone AFTER DELETE ON mailboxes
    BEGIN UPDATE accounts SET mailboxes = mailboxes - 1 WHERE id = OLD.account; END;
CREATE TRIGGER subscribed AFTER INSERT ON subscriptions
    BEGIN UPDATE accounts SET subscriptions = subscriptions + 1 WHERE id = NEW.account; END;
CREATE TRIGGER unsubscribed AFTER DELETE ON subscriptions
    BEGIN UPDATE accounts SET subscriptions = subscriptions - 1 WHERE id = OLD.account; END;
"""

STEPS = {3: SCHEMA}
