from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from postroad_web.mailpit.htmlcheck import features
from postroad_web.mailpit.htmlcheck.check import check, support
from postroad_web.mailpit.htmlcheck.stylesheet import Document, Styles
from postroad_web.mailpit.htmlcheck.support import Support, as_html, report

if TYPE_CHECKING:
    from collections import Counter


def uses_in(source: str) -> dict[str, int]:
    return {warning["Slug"]: warning["Score"]["Found"] for warning in check(source)["Warnings"]}


def css(text: str, **tags: int) -> Counter[str]:
    document = Document()
    document.tags.update(tags)
    styles = Styles(document)
    styles.sheet(text)
    return styles.uses


def seen() -> set[str]:
    """Return all features that the tables know."""
    tables: list[dict[Any, str]] = [
        features.ELEMENTS,
        features.ATTRIBUTES,
        features.TYPES,
        features.SUFFIXES,
        features.WORDS,
        features.ANY_WORD,
        features.FUNCTIONS,
        features.UNITS,
        features.AT_RULES,
        features.MEDIA_FEATURES,
        features.PSEUDO_CLASSES,
        features.PSEUDO_ELEMENTS,
        features.COMBINATORS,
        features.SELECTOR,
    ]
    slugs = {slug for table in tables for slug in table.values()}
    slugs |= {slug for property_slugs in features.PROPERTIES.values() for slug in property_slugs}
    return slugs | {value for value in vars(features).values() if isinstance(value, str) and "-" in value[:9]}


def test_the_tables_know_every_feature_of_the_data() -> None:
    known = set(support().features)
    assert known - seen() == set()
    assert {slug for slug in seen() if " " not in slug} - known - {features.__name__} == set()


def test_html() -> None:
    source = (
        "<!DOCTYPE html><!-- a --><html lang='de'><body><h2>x</h2><P ALIGN=left>y</p><input type=checkbox>"
        "<a href='#top'>t</a><a href='mailto:a@b.test'>m</a><a href='https://b.test/#top'>w</a>"
        "<img src='x.GIF?1'><img src='data:image/png;base64,AA'><img src='data:text/plain,x'><img src=x>"
        "<meta name='color-scheme' content=light></body></html>"
    )
    uses = uses_in(source)
    for slug, count in {
        "html-doctype": 1,
        "html-h1-h6": 1,
        "html-align": 1,
        "html-input-checkbox": 1,
        "html-anchor-links": 1,
        "html-mailto-links": 1,
        "html-meta-color-scheme": 1,
        "image-base64": 1,
    }.items():
        assert uses.get(slug) == count, slug
    assert "html-table" not in uses
    assert uses_in("".join(f"<h{level}>x</h{level}>" for level in range(1, 7)))["html-h1-h6"] == 6


def test_styles_of_elements_and_of_sheets() -> None:
    source = (
        "<style>p, .wide { display: flex !important } p { color: rgb(1, 2, 3) } /* c */ .none { float: left }</style>"
        "<p>a</p><p class='wide x'>b</p><div style='width: calc(50% - 2px); display: none'>c</div>"
    )
    uses = uses_in(source)
    assert uses["css-display-flex"] == 3  # two paragraphs, and one element of the class
    assert uses["css-unit-calc"] == uses["css-display-none"] == 1
    assert "css-float" not in uses  # no element has the class


@pytest.mark.parametrize(
    ("sheet", "slugs"),
    [
        ("@media (hover) { p { gap: 1px } }", {"css-at-media", "css-at-media-hover", "css-gap", "css-unit-px"}),
        ("@media screen and (prefers-color-scheme: dark) {}", {"css-at-media", "css-at-media-prefers-color-scheme"}),
        ("@font-face { font-family: x }", {"css-at-font-face"}),
        ("@import url(x.css);", {"css-at-import"}),
        ("@page { gap: 0 }", {"css-gap"}),
        ("@keyframes k { from { opacity: 0 } }", {"css-at-keyframes"}),
        ("@supports (display: grid) { p { display: grid } }", {"css-at-supports", "css-display", "css-display-grid"}),
        ("p { --x: 1; width: var(--x) }", {"css-variables", "css-width"}),
        ("p { & em { top: 1vw } }", {"css-nesting"}),
        ("p{width: min-content; font-family: system-ui}", {"css-width", "css-intrinsic-size", "css-sytem-ui"}),
        ("p{flex-flow: column}", {"css-flex-direction"}),
        ("p{x: repeating-linear-gradient(red, blue)}", {"css-linear-gradient"}),
        ("p{x: linear-gradient(1%, lab(1))}", {"css-linear-gradient", "css-modern-color", "css-unit-percent"}),
        ("p:hover{}", {"css-pseudo-class-hover"}),
        ("p{--x: 1}", {"css-variables"}),
        ("p{-x: 1; x--: 1}", set()),
        ("p::before{}", {"css-pseudo-element-before"}),
        ("p:nth-child(2n){}", {"css-pseudo-class-nth-child"}),
        ("p{x: unknown(1) unknown; y: 1unknown}", set()),
        ("p:unknown{}", set()),
        ("p:unknown(1){}", set()),
        ("* , #a{}", {"css-selector-universal", "css-selector-grouping", "css-selector-id"}),
        ("p[a] > p{}", {"css-selector-attribute", "css-selector-child", "css-selector-chaining"}),
        ("p + p ~ p{}", {"css-selector-adjacent-sibling", "css-selector-general-sibling"}),
        ("p p.a{}", {"css-selector-descendant", "css-selector-class", "css-selector-chaining"}),
        ("p { /* c */ }", {"css-comments"}),
        (", {}", set()),
        ("}}} <x", set()),
    ],
)  # fmt: skip
def test_css(sheet: str, slugs: set[str]) -> None:
    uses = css(sheet, p=1)
    assert {slug for slug, count in uses.items() if count} - {"css-selector-type"} == slugs


@pytest.mark.parametrize(
    ("sheet", "counts"),
    [
        ("/* a */ /* b */ p{/* c */ /* d */ gap: 1px}", {"css-comments": 4, "css-gap": 2, "css-unit-px": 2}),
        ("p, q, p{} p, p{}", {"css-selector-grouping": 2}),
        ("p{& a{}} p{& a{}}", {"css-nesting": 2}),
        ("p p p{}", {"css-selector-descendant": 2, "css-selector-type": 3}),
        ("p :unknown p{}", {"css-selector-descendant": 1, "css-selector-type": 2}),
        ("p.a.b.c p.d.e{}", {"css-selector-chaining": 2, "css-selector-class": 5}),
        ("p.a > p.b + p ~ *{}", {"css-selector-chaining": 2, "css-selector-child": 1, "css-selector-universal": 1}),
        ("p.a p p.b{}", {"css-selector-chaining": 2}),
        (":unknown p{}", {"css-selector-descendant": 0, "css-selector-type": 1}),
        ("p.a:hover::before{}", {"css-selector-chaining": 1, "css-pseudo-class-hover": 1}),
        ("[a]b{}", {"css-selector-attribute": 1, "css-selector-type": 1}),
        ("p, /* c */ q{gap: 1px}", {"css-gap": 3, "css-selector-type": 2}),
        ("p /* c */ , q{gap: 1px}", {"css-gap": 3, "css-selector-descendant": 0}),
        ("p /* c */{gap: 1px}", {"css-gap": 2, "css-selector-descendant": 0}),
        ("(a)*{}", {"css-selector-universal": 1}),
        ("(a){gap: 1px}", {"css-gap": 1}),
        ("@media x {" * 7 + "p{& a{}}" + "}" * 7, {"css-nesting": 1}),
        ("@media x {" * 8 + "p{& a{}}" + "}" * 8, {"css-nesting": 0}),
        ("p *.a{}", {"css-selector-chaining": 0, "css-selector-class": 1}),
        ("p , q{gap: 1px}", {"css-gap": 3}),  # two paragraphs and one quotation
        ("q p{gap: 1px}", {"css-gap": 2}),  # the last part says which elements it is about
        ("p q{gap: 1px}", {"css-gap": 1}),
        ("p > .none{gap: 1px}", {"css-gap": 0}),
        ("q.none{gap: 1px}", {"css-gap": 0}),
        ("P{gap: 1px}", {"css-gap": 2}),
        ("*{gap: 1px}", {"css-gap": 1}),
        (":hover{gap: 1px}", {"css-gap": 1}),
        ("@page{gap: 1px} @page{gap: 1px}", {"css-gap": 2}),
        ("@keyframes a{gap: 1px} @-webkit-keyframes a{gap: 1px}", {"css-gap": 0, "css-at-keyframes": 2}),
        ("@layer a{p{gap: 1px}} @container (x){p{gap: 1px}}", {"css-gap": 4}),
        ("@media (hover) and (hover){} @media (hover){}", {"css-at-media": 2, "css-at-media-hover": 2}),
        ("p{gap: 1px; gap: 2px !important}", {"css-gap": 4, "css-important": 2}),
        ("p{x: calc(calc(1px) + 1em)}", {"css-unit-calc": 2, "css-unit-px": 2, "css-unit-em": 2}),
        ("p{x: {y: 1px} [1em]}", {"css-unit-px": 2, "css-unit-em": 2}),
    ],
)
def test_how_often(sheet: str, counts: dict[str, int]) -> None:
    uses = css(sheet, p=2, q=1)
    assert {slug: uses[slug] for slug in counts} == counts


def test_whom_a_selector_concerns() -> None:
    page = "<p id=a class='x y'><p id=b class='x x'><q id=a class=y>"
    for selector, count in (("#a", 2), ("#b", 1), ("#c", 0), (".x", 2), (".y", 2), ("p#a", 2), ("q.x", 1), (".x.y", 2)):
        assert uses_in(f"<style>{selector} {{ gap: 1px }}</style>{page}").get("css-gap", 0) == count, selector


def test_rules_within_rules_and_floods_are_bounded() -> None:
    assert css("@media x {" * 500 + "p{gap:1px}" + "}" * 500)["css-at-media"] == 9
    assert css("@media x {" * 8 + "p{gap:1px}" + "}" * 8, p=1)["css-gap"] == 1
    assert css("@media x {" * 9 + "p{gap:1px}" + "}" * 9, p=1)["css-gap"] == 0
    assert css("p{width:" + "1px " * 300_000 + "}", p=1)["css-width"] == 1
    assert check("<p style='" + "(" * 100_000 + "'>" + "<div>" * 50_000)["Total"]["Nodes"] == 50_001


def feature(slug: str, stats: dict[str, Any], **more: Any) -> dict[str, Any]:
    blank = {"title": "", "description": None, "url": "", "category": "html", "tags": None, "keywords": None}
    return {**blank, "slug": slug, "stats": stats, "notes_by_num": None, **more}


DATA = {
    "nicenames": {"family": {"gmail": "Gmail", "aol": "AOL"}, "platform": {"ios": "iOS", "macos": "macOS"}},
    "data": [
        feature(
            "html-a",
            {"gmail": {"ios": {"1": "y", "2": "n"}}, "aol": {"ios": {"1": "a #2"}, "macos": {"1": "y #1"}}},
            title="A",
            url="https://a.test",
            tags=["x"],
            keywords="k",
            description="The `<a>` of [HTML](https://a.test/) is **old**.",
            notes_by_num={"1": "One.", "2": "`Two`"},
        ),
        feature("html-b", {"aol": {"ios": {"1": "y"}}}),
        feature("html-c", {"aol": {"ios": {"1": "n"}}}),
    ],
}


def test_a_report() -> None:
    answer = report(
        Support(DATA), {"html-a": 1, "html-b": 9, "html-c": 1, "html-unknown": 1, "html-d": 0}, tests=3, nodes=4
    )
    assert [warning["Slug"] for warning in answer["Warnings"]] == ["html-c", "html-a"]
    assert answer["Platforms"] == {"ios": ["AOL", "Gmail"], "macos": ["AOL"]}
    assert answer["Total"] == {"Tests": 3, "Nodes": 4, "Supported": 62.5, "Partial": 12.5, "Unsupported": 25.0}
    assert answer["Warnings"][0] == {
        "Slug": "html-c",
        "Title": "",
        "Description": "",
        "URL": "",
        "Category": "html",
        "Tags": [],
        "Keywords": "",
        "Results": [
            {
                "Name": "AOL iOS (1)",
                "Platform": "ios",
                "Family": "aol",
                "Version": "1",
                "Support": "no",
                "NoteNumber": "",
            }
        ],
        "NotesByNumber": {},
        "Score": {"Found": 1, "Supported": 0.0, "Partial": 0.0, "Unsupported": 100.0},
    }
    warning = answer["Warnings"][1]
    named = ("Title", "URL", "Category", "Tags", "Keywords")
    assert [warning[name] for name in named] == ["A", "https://a.test", "html", ["x"], "k"]
    assert [(client["Support"], client["NoteNumber"]) for client in warning["Results"]] == [
        *(("yes", ""), ("no", ""), ("partial", "2"), ("partial", "1")),
    ]
    assert warning["Score"] == {"Found": 1, "Supported": 25.0, "Partial": 50.0, "Unsupported": 25.0}
    assert warning["NotesByNumber"] == {"1": "One.", "2": "<code>Two</code>"}
    assert warning["Results"][2] == {
        "Name": "AOL iOS (1)",
        "Platform": "ios",
        "Family": "aol",
        "Version": "1",
        "Support": "partial",
        "NoteNumber": "2",
    }
    assert warning["Description"] == (
        'The <code>&lt;a&gt;</code> of <a href="https://a.test/" target="_blank" rel="noreferrer noopener">HTML</a>'
        " is <strong>old</strong>."
    )


def test_no_warning_weighs_more_than_all_elements() -> None:
    """A feature may be found more often than there are elements."""
    often, once = (report(Support(DATA), {"html-c": count}, tests=1, nodes=4)["Total"] for count in (9, 4))
    assert often["Unsupported"] == once["Unsupported"] == 100
    assert report(Support(DATA), {"html-c": 2}, tests=1, nodes=4)["Total"]["Unsupported"] == 50


def test_a_report_of_nothing() -> None:
    total = report(Support(DATA), {}, tests=3, nodes=0)["Total"]
    assert total == {"Tests": 3, "Nodes": 0, "Supported": 100.0, "Partial": 0.0, "Unsupported": 0.0}


def test_no_markup_of_the_data_passes() -> None:
    assert as_html("<script>") == "&lt;script&gt;"
