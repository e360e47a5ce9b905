from __future__ import annotations

from dataclasses import replace

import pytest

from postroad_web.mailpit import markup
from postroad_web.mailpit.markup import embedded, with_images
from postroad_web.message.parsed import Part, Role

NAMELESS = Part(
    part_id="2",
    role=Role.ATTACHMENT,
    content_type="image/png",
    charset="",
    encoding="7bit",
    disposition="",
    filename="",
    content_id="",
    size=0,
    md5="",
    sha1="",
    sha256="",
    body=0,
    end=0,
)
LOGO = replace(NAMELESS, part_id="1.2", role=Role.INLINE, content_id="logo@a b.test")


@pytest.mark.parametrize(
    ("html", "shown"),
    [
        ('<img src="cid:logo@a%20b.test">', '<img src="/api/v1/message/ID/part/1.2">'),
        (
            "<p style='background: url(CID:logo@a%20b.test)'>",
            "<p style='background: url(/api/v1/message/ID/part/1.2)'>",
        ),
        ('<img src="cid:other">', '<img src="cid:other">'),
        ("acid:logo", "acid:logo"),
    ],
)
def test_embedded_images_come_from_the_api(html: str, shown: str) -> None:
    assert with_images(html, "/api/v1/message/ID", [LOGO, NAMELESS]) == shown


def test_html_without_parts_stays() -> None:
    assert with_images("<img src=cid:x>", "/api/v1/message/ID", [NAMELESS]) == "<img src=cid:x>"


HEAD, TAIL = '<!DOCTYPE html><html><head><meta charset="utf-8"></head><body>', "</body></html>"
OUT = ' target="_blank" rel="noreferrer noopener"'


@pytest.mark.parametrize(
    ("html", "shown"),
    [
        ("<A href=x target=_top>x</a>", f"{HEAD}<A{OUT} href=x target=_top>x</a>{TAIL}"),
        ("<a name=x>x</a>", f"{HEAD}<a name=x>x</a>{TAIL}"),
        ("<html><body>x <", "<html><body>x <"),
        ("<area href=x>", f"{HEAD}<area{OUT} href=x>{TAIL}"),
    ],
)
def test_links_of_a_frame_open_outside(html: str, shown: str) -> None:
    assert embedded(html) == shown


def test_very_long_html_stays_as_it_is_behind_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    html = '<img src="cid:logo@a%20b.test"><a href=x>' * 2
    cut = html.index("<a")
    monkeypatch.setattr(markup, "MAX_MARKUP", cut)
    shown = with_images(html, "/api/v1/message/ID", [LOGO, NAMELESS])
    assert shown.count("cid:") == 1
    assert shown.endswith(html[cut:])
    assert embedded(html) == embedded("").replace("<body>", f"<body>{html}")
