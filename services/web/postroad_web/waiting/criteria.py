"""What a wait asks of a message: criteria, each of which a message meets or does not. Pure.

All criteria of a wait have to be met. Addresses and texts are compared without regard to case. An address is compared
whole: bob@beta.test is not met by jacob@beta.test; `*` in it stands for any characters.

Some criteria look at the envelope or at the digest, others at the parsed content; content is loaded only for messages
that meet all of the former.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import re2

from postroad_web.catalog.record import Origin, State

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from postroad_web.catalog.record import Address, RecipientState, Record
    from postroad_web.message.parsed import Parsed

    Content = Callable[[Parsed], bool]

SETTLED = frozenset({State.DELIVERED, State.CAPTURED, State.FAILED, State.DROPPED})
_ARRIVED = frozenset({State.DELIVERED, State.CAPTURED})
_MEMORY = 1 << 20  # octets that a compiled expression may take


class CriterionError(ValueError):
    """A criterion can't be used; the sentence says why. `field` is the criterion's name."""

    def __init__(self, field: str, sentence: str) -> None:
        super().__init__(sentence)
        self.field = field


class Verdict(NamedTuple):
    """Which criteria a message meets, and which not. `whole` is False if its content has not been looked at yet."""

    met: tuple[str, ...]
    missed: tuple[str, ...]
    whole: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Criteria:
    """The criteria of one wait; None and empty ones ask for nothing."""

    id: str | None = None  # the queue ID
    recipient: str | None = None  # of the envelope
    sender: str | None = None  # of the envelope; "" is the null reverse-path
    to: str | None = None  # in a To or Cc field
    from_: str | None = None  # in the From field
    subject: str | None = None  # a part of it
    header: tuple[tuple[str, str], ...] = ()  # names, and a part of the value of each
    body: str | None = None  # a part of the text, or of the HTML
    attachment: str | None = None  # a file name, with * and ?
    regex: str | None = None  # found in subject, text or HTML
    reports: bool = False  # whether notifications (DSNs) count


class Judge:
    """Decides which messages meet the criteria; raises `CriterionError` for an expression that is none.

    `query` is a further criterion: a test of a record by a query of the search language.
    """

    def __init__(self, criteria: Criteria, query: Callable[[Record], bool] | None = None) -> None:
        self.criteria = criteria
        self.recipient = None if criteria.recipient is None else _pattern(criteria.recipient)
        self._outer = list(_outer(criteria, self.recipient))
        if query is not None:
            self._outer.append(("query", query))
        self._inner: list[tuple[str, Content]] = list(_inner(criteria))

    @property
    def reads_content(self) -> bool:
        """Whether some criterion looks at the content."""
        return bool(self._inner)

    def outside(self, record: Record) -> Verdict:
        """Judge by all that the record says."""
        met: list[str] = []
        missed: list[str] = []
        for name, test in self._outer:
            (met if test(record) else missed).append(name)
        if record.origin is Origin.REPORT and not self.criteria.reports:
            missed.append("reports")
        return Verdict(tuple(met), tuple(missed), not self._inner)

    def inside(self, outside: Verdict, content: Parsed | None) -> Verdict:
        """Judge by the content, too; None: it is gone."""
        met, missed = list(outside.met), list(outside.missed)
        for name, test in self._inner:
            (met if content is not None and test(content) else missed).append(name)
        return Verdict(tuple(met), tuple(missed), whole=True)

    def settled(self, record: Record) -> bool:
        """Whether nothing more will happen to the recipients that were asked for; all of them if none was."""
        return SETTLED.issuperset(recipient.state for recipient in self._asked_for(record))

    def placed(self, record: Record) -> bool:
        """Whether it is known where their copies are: the store's journal may lag behind the relay's."""
        arrived = (recipient for recipient in self._asked_for(record) if recipient.state in _ARRIVED)
        return all(recipient.copies for recipient in arrived)

    def _asked_for(self, record: Record) -> list[RecipientState]:
        return [
            recipient for recipient in record.recipients if self.recipient is None or self.recipient(recipient.address)
        ]


def _outer(
    criteria: Criteria, recipient: Callable[[str], bool] | None
) -> Iterable[tuple[str, Callable[[Record], bool]]]:
    if (wanted := criteria.id) is not None:
        yield "id", lambda record: record.id == wanted
    if recipient is not None:
        yield "recipient", lambda record: any(recipient(each.address) for each in record.recipients)
    if criteria.sender is not None:
        sender = _pattern(criteria.sender)
        yield "sender", lambda record: sender(record.sender or "")
    if criteria.to is not None:
        to = _pattern(criteria.to)
        yield "to", lambda record: record.digest is not None and _named(to, (*record.digest.to, *record.digest.cc))
    if criteria.from_ is not None:
        from_ = _pattern(criteria.from_)
        yield "from", lambda record: record.digest is not None and _named(from_, record.digest.from_)
    if criteria.subject is not None:
        subject = criteria.subject.casefold()
        yield "subject", lambda record: record.digest is not None and subject in record.digest.subject.casefold()


def _inner(criteria: Criteria) -> Iterable[tuple[str, Content]]:
    for name, value in criteria.header:
        yield f"header {name}", _field(name, value)
    if criteria.body is not None:
        body = criteria.body.casefold()
        yield "body", lambda content: body in content.text.casefold() or body in content.html.casefold()
    if criteria.attachment is not None:
        name_fits = _pattern(criteria.attachment, single=True)
        yield (
            "attachment",
            lambda content: any(name_fits(part.filename) for part in (*content.attachments, *content.inline)),
        )
    if criteria.regex is not None:
        search = compiled("regex", criteria.regex).search
        yield "regex", lambda content: any(search(text) for text in (content.subject, content.text, content.html))


def _field(name: str, value: str) -> Content:
    name, value = name.casefold(), value.casefold()
    return lambda content: any(
        field.name.casefold() == name and value in field.value.casefold() for field in content.headers
    )


def _named(fits: Callable[[str], bool], addresses: Sequence[Address]) -> bool:
    return any(fits(address.address) for address in addresses)


def _pattern(text: str, *, single: bool = False) -> Callable[[str], bool]:
    """Return a test for texts that are this one; `*` in it is any characters, and with `single` `?` is one of any."""
    wanted = text.casefold()
    if "*" not in wanted and not (single and "?" in wanted):
        return lambda value: value.casefold() == wanted
    wild = {"*": ".*", "?": "."} if single else {"*": ".*"}
    expression = compiled(
        "pattern", "(?s)" + "".join(wild.get(character) or re2.escape(character) for character in wanted)
    )
    return lambda value: expression.fullmatch(value.casefold()) is not None


def compiled(field: str, expression: str) -> Any:
    """Return a regular expression, which takes time linear in the text; raises `CriterionError`."""
    options = re2.Options()
    options.max_mem = _MEMORY
    options.log_errors = False
    try:
        return re2.compile(expression, options)
    except re2.error as error:
        reason = error.args[0] if error.args else "it can't be read"
        reason = reason.decode("utf-8", "replace") if isinstance(reason, bytes) else reason
        raise CriterionError(field, f"is not a regular expression: {reason}") from None
