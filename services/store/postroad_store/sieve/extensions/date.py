"""date (RFC 5260 §4, §5): the parts of dates in header fields, and of the current one."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone
from email.utils import format_datetime
from typing import TYPE_CHECKING

from postroad.mime.envelope import date_time
from postroad.mime.fields import without_comments
from postroad_store.sieve.errors import RunError
from postroad_store.sieve.extensions.base import FIELD_NAME, fields
from postroad_store.sieve.matching import any_match
from postroad_store.sieve.spec import Extension, Kind, Tagged, Word

if TYPE_CHECKING:
    from collections.abc import Callable

    from postroad_store.sieve.program import Step
    from postroad_store.sieve.run import Run
    from postroad_store.sieve.spec import Context

# RFC 5260 §4.1: time-zone = ( "+" / "-" ) 4DIGIT
_ZONE = re.compile(r"([+-])([0-9]{2})([0-9]{2})")
_DAY_ZERO = datetime(1858, 11, 17, tzinfo=UTC).toordinal()  # of the Modified Julian Day


def _iso8601(when: datetime) -> str:
    # RFC 5260 §4.2: a zone of zero is "Z"
    return when.replace(microsecond=0).isoformat().replace("+00:00", "Z")


# RFC 5260 §4.2
_PARTS: dict[str, Callable[[datetime], str]] = {
    "year": lambda when: f"{when.year:04}",
    "month": lambda when: f"{when.month:02}",
    "day": lambda when: f"{when.day:02}",
    "date": lambda when: f"{when.year:04}-{when.month:02}-{when.day:02}",
    "julian": lambda when: str(when.toordinal() - _DAY_ZERO),
    "hour": lambda when: f"{when.hour:02}",
    "minute": lambda when: f"{when.minute:02}",
    "second": lambda when: f"{when.second:02}",
    "time": lambda when: f"{when.hour:02}:{when.minute:02}:{when.second:02}",
    "iso8601": _iso8601,
    "std11": format_datetime,
    "zone": lambda when: when.strftime("%z"),
    "weekday": lambda when: str(when.isoweekday() % 7),
}


def _zone(text: str) -> timezone | None:
    match = _ZONE.fullmatch(text)
    if match is None:
        return None
    offset = timedelta(hours=int(match[2]), minutes=int(match[3]))
    return timezone(-offset if match[1] == "-" else offset) if offset < timedelta(days=1) else None


def _check(context: Context, step: Step) -> None:
    *names, part, _keys = step.arguments
    for name in names:
        if isinstance(name, str) and not FIELD_NAME.fullmatch(name):
            context.warn(f"no header field has the name {name[:60]!r}")  # RFC 5228 §2.4.2.2: no error
    if isinstance(part, str) and part.lower() not in _PARTS:
        context.refuse(f"{part[:20]!r} is no part of a date: {', '.join(_PARTS)}")
    zone = step.tags.get(":zone")
    if isinstance(zone, str) and _zone(zone) is None:
        context.refuse(f"{zone[:20]!r} is no time zone such as +0100")


def _in_zone(run: Run, step: Step, when: datetime) -> datetime:
    if ":originalzone" in step.tags:
        return when
    local = run.around.now
    if ":zone" not in step.tags:
        return when.astimezone(local.tzinfo)
    text = run.text(step.tags[":zone"])
    zone = _zone(text)
    if zone is None:
        raise RunError(f"{text[:20]!r} is no time zone such as +0100")
    return when.astimezone(zone)


def _matches(run: Run, step: Step, when: datetime | None) -> bool:
    assert step.matching is not None  # noqa: S101 - `Word.matches`
    part = run.text(step.arguments[-2]).lower()
    if part not in _PARTS:
        raise RunError(f"{part[:20]!r} is no part of a date: {', '.join(_PARTS)}")
    values = [] if when is None else [_PARTS[part](when)]
    return any_match(run, step.matching, values, run.texts(step.arguments[-1]))


def _date_of(value: bytes) -> datetime | None:
    """Return the date-time of a field (RFC 5322 §3.3): all of it, or what is behind the last semicolon."""
    read = date_time(without_comments(value).rpartition(b";")[2])
    if read is None:
        return None
    day, second, zone = read
    try:
        offset = timezone(timedelta(seconds=zone))
    except ValueError:  # a day or more
        return None
    return (datetime.fromordinal(day) + timedelta(seconds=second)).replace(tzinfo=offset)


def _date(run: Run, step: Step) -> bool:
    named = fields(run, step, [run.text(step.arguments[0])])
    when = _date_of(named[0].raw) if named else None
    if when is not None:
        try:
            when = _in_zone(run, step, when)
        except OverflowError:  # the first or the last day that there is, in another zone
            when = None
    return _matches(run, step, when)


def _currentdate(run: Run, step: Step) -> bool:
    return _matches(run, step, _in_zone(run, step, run.around.now))


_ZONE_TAG = Tagged(":zone", Kind.STRING, group="zone")

EXTENSION = Extension(
    "date",
    (
        Word(
            "date",
            (Kind.STRING, Kind.STRING, Kind.STRINGS),
            (_ZONE_TAG, Tagged(":originalzone", group="zone")),
            test=_date,
            check=_check,
            matches=True,
        ),
        Word("currentdate", (Kind.STRING, Kind.STRINGS), (_ZONE_TAG,), test=_currentdate, check=_check, matches=True),
    ),
)
