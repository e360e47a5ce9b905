"""The errors of the mail, as one tree.

    MailError
    ├── NoSuchMailbox        NONEXISTENT
    ├── MessagesExpunged     EXPUNGEISSUED
    ├── MailboxExists        ALREADYEXISTS
    ├── NameNotAllowed       CANNOT
    │   ├── NameTooLong      LIMIT
    │   └── HasInferiors     HASCHILDREN
    ├── UseNotAllowed        USEATTR
    ├── AnnotationTooLarge   METADATA MAXSIZE
    ├── TooManyAnnotations   METADATA TOOMANY
    ├── Unsupported          CANNOT
    ├── NotPermitted         NOPERM
    ├── OverQuota            OVERQUOTA    SMTP says 452 4.2.2 or 552 5.2.2
    ├── LimitReached         LIMIT
    │   ├── TooManyScripts   LIMIT       ManageSieve says QUOTA/MAXSCRIPTS
    │   └── ScriptsTooLarge  LIMIT       ManageSieve says QUOTA/MAXSIZE
    ├── NoSuchScript         NONEXISTENT
    ├── ScriptExists         ALREADYEXISTS
    ├── ScriptActive         CANNOT      ManageSieve says ACTIVE
    ├── NoSuchSnapshot       NONEXISTENT  no client of IMAP asks for it
    ├── SnapshotRefused      CANNOT       neither for it
    └── StorageError         UNAVAILABLE  nothing was written
        ├── StorageFull      UNAVAILABLE  SMTP says 452 4.3.1
        ├── StorageBusy      INUSE       another process holds the database
        └── StorageCorrupt   CORRUPTION

`code` is the response code (RFC 5530 §3) of the IMAP NO. The exception's text is fit for a client, except when the
database cannot be opened: then it is for the administrator, and names the file. The refused call has written nothing.
"""

# ruff: noqa: N818 - the names are the words of IMAP
from __future__ import annotations


class MailError(Exception):
    """The mail cannot be read or changed as the caller asked; nothing has been changed."""

    code: str = "CANNOT"


class NoSuchMailbox(MailError):
    r"""No mailbox has this name, or the mailbox has gone, or it is only a name (\Noselect)."""

    code = "NONEXISTENT"


class MessagesExpunged(MailError):
    """Another session has removed messages that the command names."""

    code = "EXPUNGEISSUED"


class MailboxExists(MailError):
    """A mailbox of this name exists already."""

    code = "ALREADYEXISTS"


class NameNotAllowed(MailError):
    """No mailbox can have this name, or this one cannot be deleted or renamed."""

    code = "CANNOT"


class NameTooLong(NameNotAllowed):
    """The name has more levels, or longer ones, than a mailbox may have here."""

    code = "LIMIT"


class HasInferiors(NameNotAllowed):
    """A name that is no mailbox cannot be deleted while there are names below it (RFC 9051 §6.3.5, §7.1)."""

    code = "HASCHILDREN"


class UseNotAllowed(MailError):
    """No mailbox here can have this special use, or this mailbox cannot (RFC 6154 §5.3)."""

    code = "USEATTR"


class AnnotationTooLarge(MailError):
    """The value of an annotation is too large (RFC 5464 §4.3)."""

    def __init__(self, message: str, most: int) -> None:
        super().__init__(message)
        self.code = f"METADATA MAXSIZE {most}"


class TooManyAnnotations(MailError):
    """The mailbox, or the server, has as many annotations as it may have (RFC 5464 §4.3)."""

    code = "METADATA TOOMANY"


class Unsupported(MailError):
    """The server has no such thing (RFC 5530 §3)."""

    code = "CANNOT"


class NotPermitted(MailError):
    """The user may not do this (RFC 5530 §3)."""

    code = "NOPERM"


class OverQuota(MailError):
    """The messages would put accounts over their quota (RFC 9208 §4.3.1); `logins` are those accounts."""

    code = "OVERQUOTA"

    def __init__(self, message: str, logins: frozenset[str]) -> None:
        super().__init__(message)
        self.logins = logins


class LimitReached(MailError):
    """The account or mailbox has as many keywords, mailboxes or subscriptions as it may have."""

    code = "LIMIT"


class TooManyScripts(LimitReached):
    """The account has as many scripts as it may have."""


class ScriptsTooLarge(LimitReached):
    """The account's scripts would take more octets than they may."""


class NoSuchScript(MailError):
    """The account has no script of this name."""

    code = "NONEXISTENT"


class ScriptExists(MailError):
    """The account has a script of this name already."""

    code = "ALREADYEXISTS"


class ScriptActive(MailError):
    """The script is the active one, which can't be deleted (RFC 5804 §2.10)."""


class NoSuchSnapshot(MailError):
    """The world has no snapshot of this name."""

    code = "NONEXISTENT"


class SnapshotRefused(MailError):
    """A snapshot can't be taken or restored as things are; the text says why."""


class StorageError(MailError):
    """The database could not be read or written; nothing has been changed."""

    code = "UNAVAILABLE"


class StorageFull(StorageError):
    """No space is left on the disk."""


class StorageBusy(StorageError):
    """Another process has held the database too long."""

    code = "INUSE"


class StorageCorrupt(StorageError):
    """The database is damaged."""

    code = "CORRUPTION"
