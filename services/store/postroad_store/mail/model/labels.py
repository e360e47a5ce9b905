"""Gmail's labels as mailboxes: which name means which (decision 29)."""

from __future__ import annotations

# System labels that are mailboxes, by their use; the first of two spellings is what FETCH says.
USES = {"\\Sent": "\\Sent", "\\Draft": "\\Drafts", "\\Trash": "\\Trash", "\\Spam": "\\Junk", "\\All": "\\All"}
SPELLINGS = {"\\DRAFTS": "\\Draft", "\\JUNK": "\\Spam"}
INBOX = "\\Inbox"
STARRED, IMPORTANT = "\\Starred", "\\Important"  # these are flags
IMPORTANT_KEYWORD = "$Important"  # RFC 8457 §3

_BY_USE = {use: label for label, use in USES.items()}
_SYSTEM = {label.upper(): label for label in (*USES, INBOX, STARRED, IMPORTANT)} | SPELLINGS


def label_of(name: str, special_use: str | None) -> str:
    """Return the label of a mailbox."""
    if name == "INBOX":
        return INBOX
    for use in (special_use or "").split():
        if use in _BY_USE:
            return _BY_USE[use]
    return name


def system_label(text: str) -> str | None:
    """Return the own spelling of a system label, None if there is none of this name."""
    return _SYSTEM.get(text.upper())
