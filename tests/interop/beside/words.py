"""The words of random Sieve scripts: names, values, and what they are compared with."""

from __future__ import annotations

REQUIRED = (
    *("fileinto", "relational", "comparator-i;ascii-numeric", "envelope", "subaddress", "regex", "date", "index"),
    *("mailbox", "body", "variables", "imap4flags", "copy", "editheader", "reject"),
)
FIELDS = ("subject", "From", "TO", "cc", "Bcc", "sender", "Date", "Message-ID", "x-none", "content-type", "X-A", "x-b")
ADDRESSES = ("From", "TO", "cc", "bcc", "Sender", "reply-to")
EDITED = ("X-A", "X-B", "Subject", "x-a", "Comments", "To")
MAILBOXES = ("INBOX", "Junk", "Lists/sieve", "new", "a/b")
COPIES = ("copies", "Copies/2")
FLAGS = ("\\Seen", "\\Answered", "\\Flagged", "\\Deleted", "\\Draft", "work", "$Forwarded", "Work", "a b", "", "\\Odd")
WORDS = (
    *(
        "alpha",
        "BETA",
        "lorem",
        "Zurich",
        "re:",
        "a.test",
        "alice",
        "Bob",
        "",
        "x1",
        "*",
        "?",
        "a\\b",
        '"',
        "12",
        "7 up",
    ),
)
NUMBERS = ("0", "1", "2", "3", "12", "012", "x", "", "4294967296", "1x")
RELATIONS = ("gt", "ge", "lt", "le", "eq", "ne")
PARTS = (
    *(
        "year",
        "month",
        "day",
        "date",
        "julian",
        "hour",
        "minute",
        "second",
        "time",
        "iso8601",
        "std11",
        "zone",
        "weekday",
    ),
)
# Pigeonhole takes zones and parts of dates that do not exist.
ZONES = ("+0000", "-0500", "+0530", "-1200", "+1400", "-0030")
DATES = (
    "Tue, 3 Feb 2026 01:02:03 +0000",
    "3 Feb 2026 23:59 -0800",
    "Sat, 29 Feb 2020 12:00:00 GMT",
    "Fri, 31 Dec 1999 23:59:60 +0930",
    "Mon, 01 Mar 2100 00:00:00 EST (a comment)",
    "yesterday",
    "",
)
FLAGGED = ("f", "F", "g")  # variables with flags alone: what else is in one stays there with pigeonhole
VARIABLES = ("a", "B", "b", "_c1")
MODIFIERS = (":lower", ":upper", ":lowerfirst", ":upperfirst", ":quotewildcard", ":length")
SENDERS = ("alice@alpha.test", "a.b+c@sub.c.test", "Bob@A.test")
RECIPIENTS = ("bob+inbox@beta.test", "bob@beta.test", "Bob+A+b@Beta.TEST")
