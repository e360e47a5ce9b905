"""Triggers that count what an account has, so that no statement can forget it, and so that the count is exact.

`messages` and `octets` are the sums of those of its mailboxes (RFC 9208 §5.1, §5.2).
"""

from __future__ import annotations

_TRIGGERS = """
CREATE TRIGGER mailbox_made AFTER INSERT ON mailboxes
    BEGIN UPDATE accounts SET mailboxes = mailboxes + 1 WHERE id = NEW.account; END;
CREATE TRIGGER mailbox_gone AFTER DELETE ON mailboxes
    BEGIN
        UPDATE accounts
        SET mailboxes = mailboxes - 1, messages = messages - OLD.messages, octets = octets - OLD.octets
        WHERE id = OLD.account;
    END;
CREATE TRIGGER mailbox_used AFTER UPDATE OF messages, octets ON mailboxes
    WHEN NEW.messages <> OLD.messages OR NEW.octets <> OLD.octets
    BEGIN
        UPDATE accounts
        SET messages = messages + NEW.messages - OLD.messages, octets = octets + NEW.octets - OLD.octets
        WHERE id = NEW.account;
    END;
CREATE TRIGGER subscribed AFTER INSERT ON subscriptions
    BEGIN UPDATE accounts SET subscriptions = subscriptions + 1 WHERE id = NEW.account; END;
CREATE TRIGGER unsubscribed AFTER DELETE ON subscriptions
    BEGIN UPDATE accounts SET subscriptions = subscriptions - 1 WHERE id = OLD.account; END;
"""

SCHEMA = _TRIGGERS

# The mailboxes' own counters have been set by then.
_COUNT = """
UPDATE accounts SET
    mailboxes = (SELECT count(*) FROM mailboxes WHERE account = accounts.id),
    subscriptions = (SELECT count(*) FROM subscriptions WHERE account = accounts.id),
    messages = (SELECT coalesce(sum(messages), 0) FROM mailboxes WHERE account = accounts.id),
    octets = (SELECT coalesce(sum(octets), 0) FROM mailboxes WHERE account = accounts.id);
"""

STEPS = {3: _COUNT + _TRIGGERS}
