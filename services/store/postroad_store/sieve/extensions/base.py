"""What every script has: control, keep, discard, redirect, and the tests of RFC 5228 §5."""

from __future__ import annotations

import re
from email.utils import getaddresses
from typing import TYPE_CHECKING, Any

from postroad.mail.address import AddressError, parse_address, quote_local_part
from postroad.mime.fields import without_comments
from postroad_store.sieve.actions import File, Redirect
from postroad_store.sieve.errors import RunError
from postroad_store.sieve.matching import CONTAINS, IS, MATCHES, any_match, counted
from postroad_store.sieve.program import constants
from postroad_store.sieve.run import Stop
from postroad_store.sieve.spec import AddressPart, Kind, Tagged, Tests, Word

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from postroad_store.sieve.message import Field
    from postroad_store.sieve.program import Step
    from postroad_store.sieve.run import Run
    from postroad_store.sieve.spec import Context

# RFC 5322 §3.6.8: field-name = 1*ftext
FIELD_NAME = re.compile(r"[!-9;-~]+")
# RFC 5228 §2.4.2.3: sieve-address = addr-spec / phrase "<" addr-spec ">"; comments are spaces by then
_NAMED = re.compile(r"""(?:[^\x00-\x08\x0a-\x1f()<>\[\]:;@\\,"]|"(?:[^"\\]|\\.)*")*<(.*)>[ \t]*;""")
_ADDR_SPEC = re.compile(r"""[ \t]*("(?:[^"\\]|\\.)*"|[^ \t"@]+)[ \t]*@[ \t]*(\[[^\]]*\]|[^ \t;]+)[ \t]*;""")
_HIDDEN = re.compile(r""""(?:[^"\\]|\\.)*"|\[[^\]]*\]""")  # quoted strings and literals, whose colons count for nothing
# RFC 5228 §5.1: "Implementations MUST restrict the address test to headers that contain addresses"
ADDRESS_FIELDS = frozenset(
    {
        *("from", "to", "cc", "bcc", "sender", "reply-to", "return-path", "delivered-to", "x-original-to"),
        *("resent-from", "resent-to", "resent-cc", "resent-bcc", "resent-sender", "resent-reply-to"),
        *("envelope-to", "errors-to", "return-receipt-to", "disposition-notification-to", "apparently-to"),
        *("abuse-reports-to", "x-complaints-to", "x-beenthere", "x-admin", "mail-followup-to", "mail-reply-to"),
    }
)


# Control (RFC 5228 §3)


def _if(run: Run, step: Step) -> None:
    branch: Step | None = step
    while branch is not None:
        if not branch.word.block:
            run.steps((branch,))  # raises: the compiler could make no sense of this branch, behind an `ihave`
        if not branch.tests or run.holds(branch.tests[0]):
            run.steps(branch.block)
            return
        branch = branch.otherwise


def _stop(_run: Run, _step: Step) -> None:
    raise Stop


# Actions (RFC 5228 §4)


def file(run: Run, step: Step, mailbox: str | None) -> None:
    """Store the message in a mailbox, as the tags of other extensions say."""
    options: dict[str, Any] = {"flags": run.flags, "header": run.header} | step.options(run)
    action = File(mailbox, **options)
    run.take(action)
    if not action.copy:
        run.implicit_keep = False


def _keep(run: Run, step: Step) -> None:
    file(run, step, None)


def _discard(run: Run, _step: Step) -> None:
    run.implicit_keep = False


def address_of(text: str) -> str | None:
    """Return the address in `a@b` or `Name <a@b>` (RFC 5228 §2.4.2.3); None if it is not one valid address.

    RFC 5322 §3.4.1: local-part and domain may have comments and white space around them.
    """
    bare = without_comments(f"{text.strip()};".encode()).decode()  # a comment without an end takes the semicolon away
    named = _NAMED.fullmatch(bare)
    spec = _ADDR_SPEC.fullmatch(bare if named is None else f"{named[1]};")
    try:
        return None if spec is None else str(parse_address(f"{spec[1]}@{spec[2]}"))
    except AddressError:
        return None


def mailbox_list(text: str) -> list[tuple[str, str]]:
    """Return the display names and addresses of a mailbox-list (RFC 5322 §3.4); none if it is not a valid one."""
    plain = _HIDDEN.sub("", without_comments(text.encode()).decode())
    if "\r" in text or "\n" in text or ":" in plain or ";" in plain:  # a group is no mailbox
        return []
    pairs = getaddresses([text])
    try:
        return [(name, str(parse_address(address))) for name, address in pairs]
    except AddressError:
        return []


def _check_redirect(context: Context, step: Step) -> None:
    for text in constants(step.arguments):
        if address_of(text) is None:
            context.refuse(f"{text[:60]!r} is not a mail address")


def _redirect(run: Run, step: Step) -> None:
    text = run.text(step.arguments[0])
    address = address_of(text)
    if address is None:
        raise RunError(f"{text[:60]!r} is not a mail address")
    action = Redirect(address, run.header, **step.options(run))
    run.take(action)
    if not action.copy:
        run.implicit_keep = False


# Header fields


def check_names(context: Context, step: Step) -> None:
    """Warn of names that no header field can have.

    RFC 5228 §2.4.2.2: "An implementation MUST NOT cause an error for syntactically invalid header names in tests."
    """
    for name in constants(step.arguments[0]):
        if not FIELD_NAME.fullmatch(name):
            context.warn(f"no header field has the name {name[:60]!r}")


def fields(run: Run, step: Step, names: Iterable[str]) -> list[Field]:
    """Return the fields of these names, or the one of them that the index extension chooses (RFC 5260 §6)."""
    named = [field for name in names for field in run.message.named(name)]
    run.charge(500 + sum(len(field.octets) for field in named))
    options = step.options(run)
    if "index" not in options:
        return named
    at = options["index"]
    if options.get("last"):
        named.reverse()
    return named[at - 1 : at]


# Tests (RFC 5228 §5)


def _check_address(context: Context, step: Step) -> None:
    check_names(context, step)
    for name in constants(step.arguments[0]):
        if FIELD_NAME.fullmatch(name) and name.lower() not in ADDRESS_FIELDS:
            context.refuse(f"{name[:60]} is no header field with addresses")


def _address(run: Run, step: Step) -> bool:
    names = [name for name in run.texts(step.arguments[0]) if name.lower() in ADDRESS_FIELDS]
    pairs = (pair for field in fields(run, step, names) for pair in _addresses(run, field))
    return match_addresses(run, step, pairs, run.texts(step.arguments[1]))


def _addresses(run: Run, field: Field) -> list[tuple[str, str | None]]:
    """Return local-part and domain of each address in a field; the text of one that is not valid, without a domain.

    RFC 5228 §2.7.4: such an address is matched by no part of it, so as a whole it may be, as `MAILER-DAEMON` should.
    """
    valid = run.message.addresses(field)
    text = field.text.strip()
    # RFC 5228 §5.1: group names are never acted on; a group has a colon and ends with a semicolon (RFC 5322 §3.4)
    is_group = ":" in text and text.endswith(";")
    return list(valid) if valid or not text or is_group else [(text, None)]


def match_addresses(run: Run, step: Step, pairs: Iterable[tuple[str, str | None]], keys: list[str]) -> bool:
    """Return whether the part of an address that the test names matches a key (RFC 5228 §2.7.4)."""
    assert step.part is not None  # noqa: S101 - `Word.parts`
    assert step.matching is not None  # noqa: S101 - `Word.matches`
    if step.matching.type.counts:
        # RFC 5231 §4.2: the number of addresses, whichever part is named; of the null reverse-path it is 0
        return counted(run, step.matching, sum(map(any, pairs)), keys)
    of = step.part.of
    values = (value for pair in pairs if (value := of(*pair)) is not None)
    return any_match(run, step.matching, values, keys)


def _allof(run: Run, step: Step) -> bool:
    return all(run.holds(test) for test in step.tests)


def _anyof(run: Run, step: Step) -> bool:
    return any(run.holds(test) for test in step.tests)


def _exists(run: Run, step: Step) -> bool:
    # RFC 5228 §5.5: true if all of the headers exist
    names = run.texts(step.arguments[0])
    return all(run.message.named(name) for name in names)


def _header(run: Run, step: Step) -> bool:
    assert step.matching is not None  # noqa: S101 - `Word.matches`
    keys = run.texts(step.arguments[1])
    return any_match(run, step.matching, _texts(fields(run, step, run.texts(step.arguments[0]))), keys)


def _texts(of_fields: Iterable[Field]) -> Iterator[str]:
    return (field.text for field in of_fields)


def _not(run: Run, step: Step) -> bool:
    return not run.holds(step.tests[0])


def _check_size(context: Context, step: Step) -> None:
    if not step.tags:
        context.refuse("size needs :over or :under")


def _size(run: Run, step: Step) -> bool:
    # RFC 5228 §5.9: a message of exactly that size is neither over nor under it
    size, limit = run.message.size, step.arguments[0]
    return bool(size > limit if ":over" in step.tags else size < limit)


def _true(_run: Run, _step: Step) -> bool:
    return True


def _false(_run: Run, _step: Step) -> bool:
    return False


WORDS = (
    Word("if", run=_if, tests=Tests.ONE, block=True),
    Word("elsif", run=_if, tests=Tests.ONE, block=True),
    Word("else", run=_if, block=True),
    Word("stop", run=_stop),
    Word("keep", run=_keep),
    Word("discard", run=_discard),
    Word("redirect", (Kind.STRING,), run=_redirect, check=_check_redirect),
    Word("address", (Kind.STRINGS, Kind.STRINGS), test=_address, check=_check_address, matches=True, parts=True),
    Word("allof", test=_allof, tests=Tests.LIST),
    Word("anyof", test=_anyof, tests=Tests.LIST),
    Word("exists", (Kind.STRINGS,), test=_exists, check=check_names),
    Word("false", test=_false),
    Word("header", (Kind.STRINGS, Kind.STRINGS), test=_header, check=check_names, matches=True),
    Word("not", test=_not, tests=Tests.ONE),
    Word(
        "size",
        (Kind.NUMBER,),
        (Tagged(":over", group="size"), Tagged(":under", group="size")),
        test=_size,
        check=_check_size,
    ),
    Word("true", test=_true),
)
MATCH_TYPES = (IS, CONTAINS, MATCHES)
PARTS = (
    AddressPart(":all", lambda local, domain: f"{quote_local_part(local)}@{domain}" if domain else local),
    AddressPart(":localpart", lambda local, domain: None if domain is None else local),
    AddressPart(":domain", lambda _local, domain: domain),
)
