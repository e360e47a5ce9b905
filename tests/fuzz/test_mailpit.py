"""Mailpit's dialect on anything: what strangers mail, and what clients send."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from postroad_web.catalog.record import RecipientState, Record
from postroad_web.mailpit import gojson, shapes
from postroad_web.mailpit.dates import rfc3339, seconds_of
from postroad_web.mailpit.htmlcheck.check import check
from postroad_web.mailpit.linkcheck import links_of
from postroad_web.mailpit.markup import embedded, with_images
from postroad_web.mailpit.outgoing import SendError, draft_of
from postroad_web.mailpit.source import header_map, source
from postroad_web.mailpit.window import window
from postroad_web.message.compose import ComposeError, compose_message
from postroad_web.message.parse import parse_message

EXAMPLES = settings(max_examples=100)

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)
NAMES = st.sampled_from(
    ["From", "To", "Cc", "Bcc", "ReplyTo", "Subject", "Text", "HTML", "Attachments", "Tags", "Headers"]
)
PIECES = st.sampled_from(
    [
        *("<a href=", "'x'>", "<img src='cid:a'>", "<style>", "</style>", "p{", "}", "@media ", "(hover)", "<!--"),
        *("-->", "<a", " style='width:1px", "--x:1;", "calc(", ")", "/*", "*/", "<script>", "cid:a", "<", ">", '"'),
        *("\n", "http://a.test/"),
    ]
)
HTML = st.lists(PIECES | st.text(max_size=5)).map("".join)


@EXAMPLES
@given(st.binary())
def test_any_body_is_read_or_refused(body: bytes) -> None:
    try:
        struct = gojson.decode(body)
    except gojson.BadJsonError:
        return
    assert isinstance(struct, gojson.Struct)


@EXAMPLES
@given(VALUES)
def test_json_comes_back(value: Any) -> None:
    octets = gojson.encode(value)
    assert not set(b"<>&") & set(octets)
    assert json.loads(octets) == value or "\\ud" in json.dumps(value)


@EXAMPLES
@given(st.dictionaries(NAMES, VALUES))
def test_what_is_asked_to_be_sent_is_refused_or_a_message(asked: dict[str, Any]) -> None:
    people = {"From": {"Email": "a@b.test"}} | asked
    try:
        content = compose_message(draft_of(gojson.decode(json.dumps(people).encode("utf-8", "replace"))))
    except (SendError, ComposeError, gojson.BadJsonError):
        return
    assert len(parse_message(content).from_) == 1


@EXAMPLES
@given(HTML)
def test_any_html_is_checked_and_shown(html: str) -> None:
    total = check(html)["Total"]
    assert 0 <= total["Supported"] <= 100
    content = b"MIME-Version: 1.0\r\nContent-Type: text/html; charset=utf-8\r\n\r\n" + html.encode("utf-8", "replace")
    parsed = parse_message(content)
    links_of(parsed)
    shown = embedded(with_images(html, "ID", parsed.parts))
    assert html.count("<") <= shown.count("<")


@EXAMPLES
@given(st.binary())
def test_any_content_has_a_source(content: bytes) -> None:
    record = Record(id="0", number=1, sender="a@b.test", recipients=(RecipientState("c@d.test"),), size=len(content))
    shown = source(record, content)
    fields = header_map(shown)
    assert fields["Bcc"][0] == "c@d.test"
    gojson.encode(fields)
    gojson.encode(shapes.message(record, parse_message(shown)))


@EXAMPLES
@given(st.floats(allow_nan=False))
def test_any_time_is_written(seconds: float) -> None:
    assert seconds_of(rfc3339(seconds)) is not None


@EXAMPLES
@given(st.text(), st.text(), st.text())
def test_any_parameters_are_a_window(start: str, limit: str, before: str) -> None:
    asked = window(start, limit, before)
    assert asked.start >= 0
    assert asked.limit >= 0
