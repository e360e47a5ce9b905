"""vacation (RFC 5230) and vacation-seconds (RFC 6131): tell the sender that the user is away.

What the message alone decides is decided here: whether a person wrote to this user (RFC 5230 §4.5, §4.6). Whether the
sender has had this response lately is decided by whoever carries out the action, which remembers it.
"""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING

from postroad_store.sieve.actions import Respond
from postroad_store.sieve.errors import RunError
from postroad_store.sieve.extensions.base import address_of, mailbox_list
from postroad_store.sieve.spec import Extension, Kind, Tagged, Word

if TYPE_CHECKING:
    from postroad_store.sieve.program import Step
    from postroad_store.sieve.run import Run
    from postroad_store.sieve.spec import Context

DAY = 86_400
LEAST_DAYS, DAYS, MOST_DAYS = 1, 7, 90  # RFC 5230 §4.1
REASON = 64 * 1024  # characters of a response
# RFC 5230 §4.6, RFC 3834 §2: addresses behind which nobody reads
_NOBODY = re.compile(
    r"(?:mailer-daemon|listserv|majordomo|mdaemon|no-?reply|do-?not-?reply|bounces?|owner-.*|.*-(?:request|owner)"
    r"|.*-bounces?(?:[+-].*)?|bounces?[+-].*)\Z",
    re.IGNORECASE,
)
_LIST_FIELDS = ("list-id", "list-help", "list-subscribe", "list-unsubscribe", "list-post", "list-owner", "list-archive")
# RFC 5230 §4.5: the fields one of which must have an address of the user
_TO_FIELDS = ("to", "cc", "bcc", "resent-to", "resent-cc", "resent-bcc")
_BULK = frozenset({"bulk", "junk", "list"})
_SUPPRESSED = frozenset({"all", "oof"})  # what Exchange's messages say that want no responses; pigeonhole heeds it too


def _check(context: Context, step: Step) -> None:
    sender = step.tags.get(":from")
    if isinstance(sender, str) and not mailbox_list(sender):
        context.refuse(f"{sender[:60]!r} is not a mail address")  # RFC 5230 §4.3
    for name, unit in ((":days", 1), (":seconds", DAY)):
        if step.tags.get(name, 0) > MOST_DAYS * unit:
            context.warn(f"{name} is at most {MOST_DAYS * unit}, which is used instead")
    reason = step.arguments[0]
    if ":mime" in step.tags and isinstance(reason, str):
        head = reason.partition("\r\n\r\n")[0]
        if not head.isascii():  # RFC 5230 §5: "8bit text is not allowed" in MIME header fields
            context.refuse("the header fields of a :mime response must be ASCII")


def _vacation(run: Run, step: Step) -> None:
    tags = step.tags
    owner = run.around.owner
    reason = run.text(step.arguments[0])
    if len(reason) > REASON:
        raise RunError(f"a vacation response has at most {REASON} characters")
    subject = run.text(tags[":subject"]) if ":subject" in tags else _subject(run)
    sender = run.text(tags[":from"]) if ":from" in tags else owner
    if not mailbox_list(sender):
        run.notes.append(f"vacation: {sender[:60]!r} is not a mail address, so the account's own is used")
        sender = owner  # RFC 5230 §4.3: invalid values may be ignored
    action = Respond(_handle(step), _seconds(step), reason, subject, sender, ":mime" in tags)
    run.respond(action, _unfit(run, step))


def _subject(run: Run) -> str:
    # RFC 5230 §5.3
    subjects = run.message.values("subject")
    return f"Auto: {subjects[0]}" if subjects else "Automated reply"


def _seconds(step: Step) -> int:
    if ":seconds" in step.tags:  # RFC 6131 §2: 0 answers each message
        return int(min(step.tags[":seconds"], MOST_DAYS * DAY))
    days: int = step.tags.get(":days", DAYS)
    return min(max(days, LEAST_DAYS), MOST_DAYS) * DAY


def _handle(step: Step) -> str:
    """Return what tells this response from others (RFC 5230 §4.2): arguments "MUST NOT have undergone" expansion."""
    tags = step.tags
    if ":handle" in tags:
        return f"handle {tags[':handle']!r}"
    parts = [tags.get(":subject"), tags.get(":from"), ":mime" in tags, step.arguments[0]]
    return "made " + hashlib.sha256(repr(parts).encode()).hexdigest()


def _unfit(run: Run, step: Step) -> str | None:
    """Return why no response may be sent, None if it may."""
    sender = run.around.sender
    message = run.message
    if sender is None:
        return "the reverse-path is null"  # RFC 3834 §2: "Responders MUST NOT generate any response" to it
    if _NOBODY.match(sender[0]):
        return f"nobody reads mail to {sender[0]}@{sender[1]}"
    own = {_key(run.around.owner), *(_pair_key(pair) for pair in run.around.recipients)}
    own |= {_key(address) for text in run.texts(step.tags.get(":addresses", ())) if (address := address_of(text))}
    if _pair_key(sender) in own:
        return "it is the user's own message"
    for name in _LIST_FIELDS:  # RFC 5230 §4.6
        if message.named(name):
            return f"it has {name}"
    for value in message.values("auto-submitted"):
        if value.partition(";")[0].strip().lower() != "no":
            return f"it is Auto-Submitted: {value[:60]}"
    if any(value.strip().lower() in _BULK for value in message.values("precedence")):
        return "its Precedence says that it was sent to many"
    for value in message.values("x-auto-response-suppress"):
        if not _SUPPRESSED.isdisjoint(word.strip().lower() for word in value.split(",")):
            return f"it has X-Auto-Response-Suppress: {value[:60]}"
    named = (pair for name in _TO_FIELDS for field in message.named(name) for pair in message.addresses(field))
    if not any(_pair_key(pair) in own for pair in named):
        return "no recipient field names the user"
    return None


def _key(address: str) -> str:
    return address.casefold()


def _pair_key(pair: tuple[str, str]) -> str:
    return f"{pair[0]}@{pair[1]}".casefold()


_PERIOD = "period"
VACATION = Extension(
    "vacation",
    (
        Word(
            "vacation",
            (Kind.STRING,),
            (
                Tagged(":days", Kind.NUMBER, group=_PERIOD),
                Tagged(":subject", Kind.STRING),
                Tagged(":from", Kind.STRING),
                Tagged(":addresses", Kind.STRINGS),
                Tagged(":mime"),
                Tagged(":handle", Kind.STRING),
            ),
            run=_vacation,
            check=_check,
        ),
    ),
)
# RFC 6131 §2: the capability "implies the vacation capability"
VACATION_SECONDS = Extension(
    "vacation-seconds",
    tagged={"vacation": (Tagged(":seconds", Kind.NUMBER, group=_PERIOD),)},
    implies=("vacation",),
)
EXTENSIONS = (VACATION, VACATION_SECONDS)
