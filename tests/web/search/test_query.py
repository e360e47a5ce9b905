"""Queries of both dialects: what they are read as, and what they find by SQL and by the plain evaluator."""

from __future__ import annotations

import dataclasses
import functools
import time
from datetime import UTC
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from postroad_web.catalog.record import Address, Copy, Digest, Origin, RecipientState, Record, State
from postroad_web.catalog.searchable import searchable
from postroad_web.search import Dialect, Query, QueryError, parse
from postroad_web.search.dates import read_date, read_size
from postroad_web.search.match import Subject
from postroad_web.search.pattern import MAX_PATTERN, PatternError, literal_of, searcher
from tests.web.search.database import database, matching

# -- a small world ------------------------------------------------------------------------------------------------

EVE = Address("Eve Ärger", "eve@beta.test")
BOB = Address('Bob "B" [x], Builder', "bob@gamma.test")


def subject_of(record: Record, text: str = "", header: str = "\n") -> Subject:
    return Subject(record, searchable(text), header)


RECORDS = [
    subject_of(
        Record(
            id="a1",
            number=1,
            arrived=1_000.0,
            sender="app@alpha.test",
            recipients=(
                RecipientState("Eve@beta.test", State.DELIVERED, copies=(Copy("eve", "INBOX", 1, 1),)),
                RecipientState("hidden@beta.test", State.CAPTURED, copies=(Copy("capture", "Sent/x", 1, 2),)),
            ),
            message_id="<Abc.1@alpha.test>",
            size=2_000,
            tags=("Orders", "b c"),
            read=True,
            state=State.DELIVERED,
            digest=Digest(
                subject="Your Ärger (100%) \\o/ order_1",
                from_=(Address("App", "app@alpha.test"),),
                to=(EVE,),
                attachments=1,
            ),
        ),
        "Your Ärger (100%) \\o/ order_1 app@alpha.test eve@beta.test hidden@beta.test Hello World, invoice.pdf 1",
        "\nx-mailer: Lua 5.4\nlist-id: <news.alpha.test>\nx-empty: \nreceived: from a\nreceived: from b\n",
    ),
    subject_of(
        Record(
            id="b2",
            number=2,
            arrived=2_000.0,
            sender=None,
            recipients=(RecipientState("bob@gamma.test", State.DEFERRED),),
            size=5_000_000,
            origin=Origin.REPORT,
            state=State.DEFERRED,
            digest=Digest(
                subject="Undelivered", from_=(BOB,), cc=(EVE,), reply_to=(Address("", "re@x.test"),), inline=1
            ),
        ),
        "undelivered bob@gamma.test what's up? 日本語 world hello",
    ),
    Subject(Record(id="c3", number=3, arrived=3_000.0, sender="x@y.test", state=State.CAPTURED, size=10), "", ""),
]
DIALECTS: list[Dialect] = ["native", "mailpit"]


@functools.cache
def world() -> Any:
    return database(RECORDS, unindexed=2)


def find(query: Query) -> list[int]:
    """Return what is found, which must be the same in both ways."""
    by_sql = matching(world(), query)
    assert by_sql == [row.record.number for row in RECORDS if query.matches(*row)]
    return by_sql


BOTH: list[tuple[str, list[int]]] = [
    ("", [1, 2, 3]),
    ("hello", [1, 2]),
    ("HELLO", [1, 2]),
    ("hello world", [1, 2]),
    ('"hello world"', [1]),
    ('"up? 日本"', [2]),
    ("日", [2]),
    ("ÄRGER", [1]),
    ("100%", [1]),
    ("1%", []),
    ("order_1", [1]),
    ("orderx1", []),
    ("-hello", [3]),
    ("!hello", [3]),
    ("-x1", [1, 2, 3]),
    ("-1", [2, 3]),
    ("!1", [2, 3]),
    ("\t hello ", [1, 2]),
    ("- hello", []),
    ("from:APP", [1]),
    ('from:"b]"', []),
    ("from:[x]", [2]),
    ("from:builder", [2]),
    ("-from:app", [2, 3]),
    ("to:EVE", [1]),
    ("cc:eve@beta", [2]),
    ("bcc:hidden", [1]),
    ("bcc:bob@gamma", [2]),
    ("reply-to:re@", [2]),
    ("addressed:eve", [1, 2]),
    ("-addressed:eve", [3]),
    ("addressed:alpha", [1]),
    ("subject:ORDER_", [1]),
    ('subject:"100%) \\o"', [1]),
    ("subject:x%y", []),
    ("message-id:ABC.1", [1]),
    ("subject:xx", []),
    ("message-id:xx", []),
    ("tag:orders", [1]),
    ('tag:"B C"', [1]),
    ("tag:order", []),
    ("is:read", [1]),
    ("is:unread", [2, 3]),
    ("-is:read", [2, 3]),
    ("is:tagged", [1]),
    ("-is:tagged", [2, 3]),
    ("has:attachment", [1]),
    ("has:attachments", [1]),
    ("has:inline", [2]),
    ("-has:inlines", [1, 3]),
    ("larger:1K", [1, 2]),
    ("larger:1.5MB", [2]),
    ("smaller:10", []),
    ("smaller:11", [3]),
    ("after:1970-01-01T00:33:20Z", [2, 3]),
    ("before:1970-01-01T00:33:20Z", [1, 2]),
    ("after:2020-01-01", []),
    ("foo:bar", []),
    ("foo:1K", []),
    ("what's", [2]),
    ("'; DROP TABLE records; --", []),
    ('"x" OR rowid', []),
    ("NEAR(hello)", []),
    ("hel*", []),
]


@pytest.mark.parametrize("dialect", ["native", "mailpit"])
@pytest.mark.parametrize(("text", "numbers"), BOTH)
def test_what_both_dialects_find(dialect: Any, text: str, numbers: list[int]) -> None:
    assert find(parse(text, dialect=dialect)) == numbers


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ('-"hello"', [3]),
        ('"-hello"', [3]),
        ('"is:read"', [1]),
        ('from:"a" to:eve', [1]),
        ("from: to: subject: tag:", [1, 2, 3]),
        ("from: invoice", [1]),
        ("after:never undelivered before:rubbish", [2]),
        ('""', [1, 2, 3]),
        ("after:never before:rubbish", [1, 2, 3]),
        ("larger:heavy", []),
        ("is:captured", []),
        ("-after:1970-01-01T00:33:20Z", [1, 2]),
        ("-before:1970-01-01T00:33:20Z", [2, 3]),
        ("hello(world", [1]),
        ('"hello world', [1]),
        ("hello or nothing", []),
        ("to:ärger", [1]),
        ("<>", [1, 2, 3]),
        ("-", []),
        ('to:"eve@beta.test"', [1]),
        ("100", [1]),  # a number alone is a word, and no size
        ("larger:100", [1, 2]),
    ],
)
def test_what_mailpits_dialect_alone_finds(text: str, numbers: list[int]) -> None:
    assert find(parse(text, dialect="mailpit")) == numbers


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("invoice or undelivered", [1, 2]),
        ("hello invoice OR undelivered", [1, 2]),
        ("hello and (invoice or undelivered)", [1, 2]),
        ("not (invoice or undelivered)", [3]),
        ("-(hello world)", [3]),
        ("!(hello) or is:read", [1, 3]),
        ("( hello )", [1, 2]),
        ('"hello"-hello', []),
        ('"hello"invoice', [1]),
        ('("hello")invoice', [1]),
        ("/inv.ice/", [1]),
        ("/INV(oi|x)ce\\.pdf/", [1]),
        ("/a\\/b/", []),
        ("/o\\/ order/", [1]),
        ("/hello/foo", []),
        ("(/^undel/)", [2]),
        ("nothing orders", []),  # `or` is a word only by itself
        ("nothing or(hello)", [1, 2]),
        ("from:/^app$/", [1]),
        ("subject:/order_\\d/", [1]),
        ("addressed:/eve ä/", [1, 2]),
        ("message-id:/^<abc/", [1]),
        ("header:x-mailer", [1]),
        ("header:X-Mailer=lua", [1]),
        ('header:x-mailer="lua 5"', [1]),
        ("header:x-mailer=/^lua \\d/", [1]),
        ("header:received=/b$/", [1]),
        ("header:received=b", [1]),
        ("header:mailer=lua", []),
        ("header:x-empty", [1]),
        ("(header:list-id)", [1]),
        ("((header:list-id=news))", [1]),
        ("subject:(100%)", [1]),  # brackets that belong to a word
        ("(subject:(100%))", [1]),
        ("-header:list-id", [2, 3]),
        ("header:list-id=<news", [1]),
        ("is:report", [2]),
        ("is:captured", [3]),
        ("state:deferred", [2]),
        ("account:EVE", [1]),
        ("account:ev", []),
        ("mailbox:inbox", [1]),
        ("mailbox:Sent/x", [1]),
        ("mailbox:sent/x", []),
        ("rcpt:eve@BETA.test", [1]),
        ("rcpt:ve@beta.test", []),
        ("rcpt:@beta", [1]),
        ("rcpt:eve@", [1]),
        ("sender:app@", [1]),
        ("message-id:<abc.1@>", [1]),
        ("message-id:<abc.1", [1]),
        ("message-id:abc.1@alpha.test>", [1]),
        ("from:<app", []),
        ("from:app>", []),
        ("rcpt:beta.test", [1]),
        ('rcpt:"a\nb"', []),
        ("sender:app@ALPHA.test", [1]),
        ("sender:pp@alpha.test", []),
        ("sender:@alpha", [1]),
        ("sender:<>", [2]),
        ("-sender:<>", [1, 3]),
        ("-sender:@alpha", [2, 3]),
        ("message-id:<abc.1@alpha.test>", [1]),
        ('"a or b"', []),
        ('"is:read"', []),
        ("or", [1, 2]),
        ("order", [1]),
        ("foo(bar) baz", []),
        ("http://example.test/x", []),
        ("subject:ÄRGER", [1]),
        ("cc:ÄRGER", [2]),
        ("AND", []),
    ],
)
def test_what_the_native_dialect_alone_finds(text: str, numbers: list[int]) -> None:
    assert find(parse(text)) == numbers


@pytest.mark.parametrize(
    ("text", "sentence", "column"),
    [
        ("(a", "this bracket is not closed", 1),
        ("a (b c", "this bracket is not closed", 3),
        ("a)", "there is no opening bracket for this one", 2),
        ("()", "a term is missing here", 2),
        ("a or", "a term is missing here", 5),
        ("or or", "a term is missing here", 6),
        ("not", "a term is missing here", 4),
        ("a and", "a term is missing here", 6),
        ('a "b', "this quote is not closed", 3),
        ('a ""', "there is nothing here to look for", 3),
        ("from:", "from: needs a value", 6),
        ('subject:" "', "subject: needs a value", 9),
        ("is:blue", "is: takes one of read, unread, tagged, report, captured", 4),
        ("has:legs", "has: takes one of attachment, attachments, inline, inlines", 5),
        ("state:odd", f"state: takes one of {', '.join(State)}", 7),
        ("after:soon", "after: takes a date or a time, such as 2026-11-23 or 2026-11-23T12:00Z", 7),
        ("before:soon", "before: takes a date or a time, such as 2026-11-23 or 2026-11-23T12:00Z", 8),
        ("larger:big", "larger: takes a number of octets, such as 500, 20K or 1.5M", 8),
        ("smaller:big", "smaller: takes a number of octets, such as 500, 20K or 1.5M", 9),
        ("header:", "header: needs the name of a field, as in header:x-mailer=lua", 8),
        ("rcpt:/a/", "rcpt: takes no regular expression", 6),
        ("x /(/", "the regular expression can't be read: missing )", 3),
        ("x subject:/[/", "the regular expression can't be read", 11),
        (f"/{'a' * (MAX_PATTERN + 1)}/", "a regular expression has at most 1024 characters", 1),
        ("/((a{100}){100}){100}/", "the regular expression can't be read", 1),
        ("a " * 65, "a query has at most 64 terms", 129),
        ("(" * 17 + "a" + ")" * 17, "brackets are nested at most 16 deep", 17),
        ("(a) " * 9 + "(" * 17 + "a" + ")" * 17, "brackets are nested at most 16 deep", 53),
        ("a" * 4097, "a query has at most 4096 octets", 4096),
    ],
)
def test_a_bad_query_is_told_where_it_is_bad(text: str, sentence: str, column: int) -> None:
    with pytest.raises(QueryError) as caught:
        parse(text)
    assert caught.value.sentence.startswith(sentence)
    assert caught.value.column == column
    assert str(caught.value).endswith(f"(at character {column})")


def test_angle_brackets_around_a_message_id_do_not_count_and_nothing_else() -> None:
    assert parse("message-id:<Xa.1X>") == parse("message-id:Xa.1X") != parse("message-id:a.1")
    assert parse("subject:<Xa>") != parse("subject:Xa")


def test_half_a_surrogate_pair_in_a_query_is_a_question_mark() -> None:
    for dialect in DIALECTS:
        assert parse("a\ud800b", dialect=dialect) == parse("a?b", dialect=dialect)
        assert parse("a\0b", dialect=dialect) == parse("a b", dialect=dialect)


def test_a_word_with_a_colon_that_is_no_keyword_is_text() -> None:
    for text in ("foo:bar", "foo:20K", "x-y:true", "re:hello"):
        assert parse(text) == parse(f'"{text}"')
        assert parse(text, dialect="mailpit") == parse(f'"{text}"', dialect="mailpit")


def test_the_longest_expression_and_the_largest(capfd: pytest.CaptureFixture[str]) -> None:
    assert searcher("a" * MAX_PATTERN)("A" * MAX_PATTERN)
    with pytest.raises(PatternError, match="at most 1024 characters"):
        searcher("a" * (MAX_PATTERN + 1))
    with pytest.raises(PatternError, match=r"^the regular expression can't be read: pattern too large"):
        searcher(r"(\pL{20}){3}")  # 1 MiB is not enough
    assert searcher(r"(\pL{2}){2}")("grüße")
    assert capfd.readouterr() == ("", "")


def test_a_query_without_a_time_zone_is_in_utc_wherever_the_machine_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    try:
        for dialect in DIALECTS:
            assert parse("after:2026-06-01", dialect=dialect) == parse("after:2026-06-01", dialect=dialect, tz="UTC")
    finally:
        monkeypatch.undo()
        time.tzset()


@pytest.mark.parametrize("dialect", ["native", "mailpit"])
@pytest.mark.parametrize("text", ["a " * 64, "a" * 4096, "(" * 16 + "a" + ")" * 16])
def test_what_is_just_within_bounds(text: str, dialect: Dialect) -> None:
    parse(text, dialect=dialect)


@pytest.mark.parametrize("text", ["a " * 65, "a" * 4097])
def test_mailpits_dialect_has_the_same_bounds(text: str) -> None:
    with pytest.raises(QueryError) as in_mailpits:
        parse(text, dialect="mailpit")
    with pytest.raises(QueryError) as in_ours:
        parse(text)
    assert (in_mailpits.value.sentence, in_mailpits.value.column) == (in_ours.value.sentence, in_ours.value.column)


def test_time_zones() -> None:
    berlin = parse("after:2026-06-01", tz="Europe/Berlin")
    assert berlin != parse("after:2026-06-01")
    assert parse("after:2026-06-01", dialect="mailpit", tz="../../etc/passwd") == parse("after:2026-06-01", tz="utc")
    for name in ("Nowhere/City", "../etc/passwd", "Europe", "", "\ud800", "x" * 1000):
        with pytest.raises(QueryError, match="is not a time zone") as caught:
            parse("a", tz=name)
        assert caught.value.column == 1


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2024-04-01", 1711929600),
        ("2024/04/01", 1711929600),
        ("2024.4.1", 1711929600),
        ("04/01/2024", 1711929600),
        ("4/1/24", 1711929600),
        ("20240401", 1711929600),
        ("1 Apr 2024", 1711929600),
        ("Mon, 1 April 2024", 1711929600),
        ("April 1st, 2024", 1711929600),
        ("2024-04", 1711929600),
        ("2024-04-01t10:20:30z", 1711966830),
        ("2024-04-01 10:20", 1711966800),
        ("2024-04-01T10:20:30.5+02:00", 1711959630.5),
        ("2024-04-01T10:20:30-0130", 1711972230),
        ("2024-04-01 12:20 am", 1711930800),
        ("2024-04-01 1:20pm", 1711977600),
        ("1711929600", 1711929600),
        ("1711929600123", 1711929600.123),
        ("2024", 1704067200),
    ],
)
def test_dates(text: str, moment: float) -> None:
    assert read_date(text, UTC) == moment


@pytest.mark.parametrize(
    "text", ["", "x", "2024-13-01", "2024-02-30", "99999", "2024-04-01 25:00", "2024-04-01 13:00 pm", "+99:99", "0000"]
)
def test_what_is_no_date(text: str) -> None:
    assert read_date(text, UTC) is None


@pytest.mark.parametrize(("text", "size"), [("0", 0), ("1.5 KB", 1536), ("2m", 2 << 20), ("x", None), ("1g", None)])
def test_sizes(text: str, size: float | None) -> None:
    assert read_size(text) == size


@pytest.mark.parametrize(
    ("source", "literal"),
    [
        ("hello", "hello"),
        ("Hel+o wor?ld", "hel"),
        ("faXed", "faxed"),
        ("a|bcd", ""),
        ("(?s)abc", ""),
        ("x(abc)yz", "yz"),
        ("[abc]def", "def"),
        ("[^]abc]de", "de"),
        (r"a\.b\dcdef", "cdef"),
        (r"\bword\b", "word"),
        ("abc{2}d", "ab"),
        ("abcd*", "abc"),
        *((f"ab\\{mark}cde", "cde") for mark in '<>",;()'),  # searchable texts have a space for each
        *((f"ab\\{mark}cd", f"ab{mark}cd") for mark in "@!#%&'/:=`~.-*+?[]{}$^"),
        ("abcd+", "abcd"),
        ("abcd?", "abc"),
        ("ab.cde", "cde"),
        ("abé", "ab"),
        ("xyz((ab)cde)*fghi", "xyz"),
        ("<abc>", "abc"),
        (r"\Qa*b\E", ""),
        ("", ""),
    ],
)
def test_the_literal_of_an_expression(source: str, literal: str) -> None:
    assert literal_of(source) == literal


def test_a_long_phrase_is_found() -> None:
    text = " ".join(f"word{number}" for number in range(500))
    connection = database([Subject(dataclasses.replace(RECORDS[0].record, number=7), text, "")])
    assert matching(connection, parse(f'"{text}"')) == [7]
    assert matching(connection, parse(f'"{text}x"')) == []


# -- any records, any query ---------------------------------------------------------------------------------------

TEXT = st.text(st.sampled_from('aAbBäÄkK\u017feé%_\\"[],.@ \n()<>日'), max_size=8)
ADDRESS = st.builds(Address, TEXT, TEXT)
ADDRESSES = st.lists(ADDRESS, max_size=2).map(tuple)


@st.composite
def subjects(draw: st.DrawFn) -> Subject:
    digest = draw(
        st.none()
        | st.builds(
            Digest,
            subject=TEXT,
            from_=ADDRESSES,
            to=ADDRESSES,
            cc=ADDRESSES,
            bcc=ADDRESSES,
            reply_to=ADDRESSES,
            attachments=st.integers(0, 2),
            inline=st.integers(0, 2),
        )
    )
    copies = st.builds(
        Copy, TEXT, st.sampled_from(["INBOX", "a", "A"]), st.just(1), st.integers(1, 10**9), st.just(value=False)
    )
    recipient = st.builds(
        RecipientState, TEXT.map(lambda text: text.replace("\n", "")), copies=st.lists(copies, max_size=1).map(tuple)
    )
    record = draw(
        st.builds(
            Record,
            id=st.uuids().map(str),
            number=st.just(1),
            origin=st.sampled_from(Origin),
            arrived=st.integers(0, 4).map(float),
            sender=st.none() | TEXT,
            recipients=st.lists(recipient, max_size=2, unique_by=lambda receiver: receiver.address.lower()).map(tuple),
            message_id=st.none() | TEXT,
            size=st.integers(0, 4),
            digest=st.just(digest),
            read=st.booleans(),
            tags=st.lists(TEXT, max_size=2).map(tuple),
            state=st.sampled_from(State),
        )
    )
    if digest is None:
        return Subject(record, "", "")
    lines = draw(
        st.lists(st.tuples(st.sampled_from(["x-a", "x-b"]), TEXT.map(lambda t: t.replace("\n", ""))), max_size=2)
    )
    header = "\n" + "\n".join(f"{name}: {value}" for name, value in lines) + "\n"
    people = [*digest.from_, *digest.to, *digest.cc, *digest.bcc, *digest.reply_to]
    said = [digest.subject, *(f"{name} {address}" for name, address in people)]
    said += [receiver.address for receiver in record.recipients]
    return Subject(record, searchable("\n".join([*said, draw(TEXT)])), header)


WORD = st.text(st.sampled_from("aAbBäÄkKeé%_\\[],.@日"), min_size=1, max_size=4)
VALUE = WORD | TEXT.filter(lambda text: '"' not in text).map(lambda text: f'"{text}"')
KEYWORDS = "from to cc bcc reply-to addressed subject message-id tag rcpt sender account mailbox"
KEYWORD = st.sampled_from([*(f"{keyword}:" for keyword in KEYWORDS.split(" ")), "header:x-a=", "header:x-b="])
ATOM = (
    VALUE
    | st.builds("{}{}".format, KEYWORD, VALUE)
    | st.sampled_from(
        [
            *("is:read", "is:tagged", "is:report", "is:captured", "has:attachment", "has:inline", "larger:2"),
            *("after:1970-01-01T00:00:02Z", "before:1970-01-01T00:00:02Z", "header:x-a", "sender:<>", "mailbox:inbox"),
            *(
                "/[aä]/",
                "subject:/^a/",
                "from:/b.?$/",
                "header:x-a=/a|b/",
                "addressed:/é/",
                "message-id:/a/",
                "smaller:2",
            ),
            *(f"state:{state}" for state in State),
        ]
    )
)
QUERIES = st.recursive(
    ATOM,
    lambda inner: (
        st.builds(lambda node: f"-({node})", inner)
        | st.builds(lambda left, right: f"({left} or {right})", inner, inner)
        | st.builds(lambda left, right: f"{left} {right}", inner, inner)
    ),
    max_leaves=6,
)


@settings(suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])
@given(st.lists(subjects(), max_size=5), QUERIES, st.sampled_from(["native", "mailpit"]), st.integers(0, 2))
def test_sql_says_what_the_evaluator_says(rows: list[Subject], text: str, dialect: Any, unindexed: int) -> None:
    try:
        query = parse(text, dialect=dialect)
    except QueryError:
        return
    numbered = [
        subject._replace(record=dataclasses.replace(subject.record, number=number))
        for number, subject in enumerate(rows, 1)
    ]
    connection = database(numbered, unindexed=unindexed)
    try:
        by_plain = [row.record.number for row in numbered if query.matches(*row)]
        assert matching(connection, query) == by_plain
    finally:
        connection.close()


@given(st.text(max_size=100) | st.lists(ATOM | st.sampled_from(list('()-!/"')), max_size=10).map(" ".join))
def test_nothing_but_a_query_error_is_raised(text: str) -> None:
    matching(world(), parse(text, dialect="mailpit"))
    try:
        query = parse(text)
    except QueryError as error:
        column = error.column
    else:
        find(query)
        return
    assert 1 <= column <= len(text) + 1
