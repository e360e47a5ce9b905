"""Capabilities that change more than one command."""

from __future__ import annotations

from typing import TYPE_CHECKING

from postroad_store.imap.spec import Capability, after_login

if TYPE_CHECKING:
    from postroad_store.imap.spec import Conditions

# IMAP4rev2 with all that RFC 9051 appendix E makes a part of it.
IMAP4REV2 = Capability(
    b"IMAP4rev2",
    "RFC 9051",
    enables=True,
    requires=(
        *(b"ENABLE", b"IDLE", b"NAMESPACE", b"UNSELECT", b"UIDPLUS", b"ESEARCH", b"SEARCHRES", b"LIST-EXTENDED"),
        *(b"LIST-STATUS", b"MOVE", b"LITERAL-", b"BINARY", b"SPECIAL-USE", b"STATUS=SIZE", b"STATUS=DELETED"),
        *(b"SASL-IR", b"CHILDREN"),
    ),
)
# Notifications about commands that take long.
INPROGRESS = Capability(b"INPROGRESS", "RFC 9585", after_login)
# Literals that the client need not ask for: of any size, or of 4,096 octets at most. RFC 7888 §5: a server advertises
# one of them. LITERAL+ is what clients know, and allows all that LITERAL- does, which IMAP4rev2 includes.
LITERAL_PLUS = Capability(b"LITERAL+", "RFC 7888 §3")
LITERAL_MINUS = Capability(b"LITERAL-", "RFC 7888 §5", covered_by=b"LITERAL+")
# UTF-8 in quoted strings, mailbox names and header fields.
UTF8_ACCEPT = Capability(b"UTF8=ACCEPT", "RFC 6855", after_login, enables=True, requires=(b"ENABLE",))

# UID EXPUNGE, and the codes APPENDUID and COPYUID.
UIDPLUS = Capability(b"UIDPLUS", "RFC 4315", after_login)

# FETCH of parts without their transfer encoding, and APPEND of octets that hold NULs (~{n}).
BINARY = Capability(b"BINARY", "RFC 3516", after_login)
# RETURN in SEARCH, and the ESEARCH response.
ESEARCH = Capability(b"ESEARCH", "RFC 4731", after_login)
# RETURN in SORT.
ESORT = Capability(b"ESORT", "RFC 5267", after_login, requires=(b"SORT",))
# Results that are kept up to date, and pages of them: RETURN (CONTEXT UPDATE PARTIAL), CANCELUPDATE.
CONTEXT_SEARCH = Capability(b"CONTEXT=SEARCH", "RFC 5267", after_login)
CONTEXT_SORT = Capability(b"CONTEXT=SORT", "RFC 5267", after_login, requires=(b"SORT",))
# What the client is told of, whenever it happens; and items of new messages, in UPDATE of RETURN.
NOTIFY = Capability(b"NOTIFY", "RFC 5465", after_login)
# RETURN (SAVE), and `$` wherever a command takes a sequence set.
SEARCHRES = Capability(b"SEARCHRES", "RFC 5182", after_login, requires=(b"ESEARCH",))
# Searches that are kept under a name, as annotations.
FILTERS = Capability(b"FILTERS", "RFC 5466", after_login, requires=(b"METADATA",))
# OLDER and YOUNGER, wherever messages are searched for.
WITHIN = Capability(b"WITHIN", "RFC 5032", after_login)
# Mod-sequences: what has changed since, and changes only of what has not (RFC 7162 §3.1).
CONDSTORE = Capability(b"CONDSTORE", "RFC 7162", after_login, enables=True)
# A client that comes back is told what it has missed (RFC 7162 §3.2.3: the one presupposes ENABLE).
QRESYNC = Capability(b"QRESYNC", "RFC 7162", after_login, enables=True, requires=(b"ENABLE", b"CONDSTORE"))
# UIDs in place of message numbers, everywhere.
UIDONLY = Capability(b"UIDONLY", "RFC 9586", after_login, enables=True, requires=(b"ENABLE",))

# What SEARCH, SORT and THREAD compare text by: i;unicode-casemap. It has no syntax (RFC 5255 §4.3).
I18NLEVEL = Capability(b"I18NLEVEL=1", "RFC 5255", after_login)

# The search key FUZZY, and the relevancy of what it finds: RETURN (RELEVANCY), SORT (RELEVANCY).
SEARCH_FUZZY = Capability(b"SEARCH=FUZZY", "RFC 6203", after_login)

# Pages of what SEARCH finds and FETCH answers.
PARTIAL = Capability(b"PARTIAL", "RFC 9394", after_login)

# Ids of mailboxes (CREATE, SELECT, STATUS), messages and threads (FETCH, SEARCH) that never come back.
OBJECTID = Capability(b"OBJECTID", "RFC 8474", after_login)

# When a message came into its mailbox (FETCH, SEARCH).
SAVEDATE = Capability(b"SAVEDATE", "RFC 8514", after_login)

# The first words of a message (FETCH).
PREVIEW = Capability(b"PREVIEW", "RFC 8970", after_login)

# LIST's attributes and options, and the items of STATUS.
CHILDREN = Capability(b"CHILDREN", "RFC 3348", after_login)
SPECIAL_USE = Capability(b"SPECIAL-USE", "RFC 6154", after_login)
CREATE_SPECIAL_USE = Capability(b"CREATE-SPECIAL-USE", "RFC 6154", after_login)
# RFC 5258 §3.2: the return option CHILDREN "MUST be supported by all servers".
LIST_EXTENDED = Capability(b"LIST-EXTENDED", "RFC 5258", after_login, requires=(b"CHILDREN",))
LIST_STATUS = Capability(b"LIST-STATUS", "RFC 5819", after_login, requires=(b"LIST-EXTENDED",))
STATUS_SIZE = Capability(b"STATUS=SIZE", "RFC 8438", after_login)
STATUS_DELETED = Capability(b"STATUS=DELETED", "RFC 9051", after_login)


def _message_size(conditions: Conditions) -> bytes | None:
    # RFC 7889 §2: without a value where limits "might differ from mailbox to mailbox"
    return None if conditions.message_size is None else b"%d" % conditions.message_size


APPENDLIMIT = Capability(b"APPENDLIMIT", "RFC 7889", after_login, _message_size)


def _message_limit(conditions: Conditions) -> bytes:
    return b"%d" % conditions.message_limit


# So many messages at most in one command; or only in COPY and APPEND. Offered where POSTROAD_IMAP_MESSAGE_LIMIT is set.
SAVELIMIT = Capability(
    b"SAVELIMIT", "RFC 9738", after_login, _message_limit, covered_by=b"MESSAGELIMIT", on_request=True
)
MESSAGELIMIT = Capability(
    b"MESSAGELIMIT", "RFC 9738", after_login, _message_limit, requires=(b"SAVELIMIT",), on_request=True
)

# Several messages in one APPEND, all or none.
MULTIAPPEND = Capability(b"MULTIAPPEND", "RFC 3502", after_login)

# Messages made of parts of others (APPEND, REPLACE).
CATENATE = Capability(b"CATENATE", "RFC 4469", after_login)

# Annotations: METADATA has those of mailboxes too, METADATA-SERVER is what is left without it.
METADATA_SERVER = Capability(b"METADATA-SERVER", "RFC 5464", after_login, enables=True, covered_by=b"METADATA")
METADATA = Capability(b"METADATA", "RFC 5464", after_login, enables=True, requires=(b"METADATA-SERVER",))
LIST_METADATA = Capability(b"LIST-METADATA", "RFC 9590", after_login, requires=(b"LIST-EXTENDED", b"METADATA"))

# Gmail's ids, labels and search.
X_GM_EXT_1 = Capability(b"X-GM-EXT-1", "Google's X-GM-EXT-1", after_login, on_request=True)

# URLs that let others read a message, and what URLFETCH tells of it besides.
URLAUTH = Capability(b"URLAUTH", "RFC 4467", after_login)
URLAUTH_BINARY = Capability(b"URLAUTH=BINARY", "RFC 5524", after_login, requires=(b"URLAUTH",))

# Quotas, and the resources that they are of.
QUOTA = Capability(b"QUOTA", "RFC 9208", after_login)
QUOTASET = Capability(b"QUOTASET", "RFC 9208", after_login, requires=(b"QUOTA",))
QUOTA_RES_STORAGE = Capability(b"QUOTA=RES-STORAGE", "RFC 9208", after_login, requires=(b"QUOTA",))
QUOTA_RES_MESSAGE = Capability(b"QUOTA=RES-MESSAGE", "RFC 9208", after_login, requires=(b"QUOTA",))

# Who may do what with a mailbox; RFC 4314 §5.1.1: RIGHTS= has the rights that RFC 2086 did not know.
ACL = Capability(b"ACL", "RFC 4314", after_login)
RIGHTS = Capability(b"RIGHTS", "RFC 4314", after_login, lambda _: b"texk", requires=(b"ACL",))
LIST_MYRIGHTS = Capability(b"LIST-MYRIGHTS", "RFC 8440", after_login, requires=(b"LIST-EXTENDED", b"ACL"))
