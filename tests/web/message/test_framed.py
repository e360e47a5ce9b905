"""HTML in a frame."""

from __future__ import annotations

import pytest

from postroad_web.message.framed import framed


@pytest.mark.parametrize(
    ("html", "shown"),
    [
        ("<p>x", '<base target="_blank"><p>x'),
        ("", '<base target="_blank">'),
        ("\ufeff\n<!DOCTYPE html>\n<html><body>x", '\ufeff\n<!DOCTYPE html><base target="_blank">\n<html><body>x'),
        ("<!doctype html", '<base target="_blank"><!doctype html'),
    ],
)
def test_links_open_outside_and_the_doctype_stays_in_front(html: str, shown: str) -> None:
    assert framed(html, remote=False) == framed(html, remote=True) == shown


@pytest.mark.parametrize(
    "link",
    [
        "<link rel=preconnect href=//x>",
        "<LINK/rel=dns-prefetch href=//x>",
        "<link\trel=x>",
        "<link>",
        "<!--<link x>-->",
    ],
)
def test_nothing_connects_before_it_is_asked_for(link: str) -> None:
    """Wherever it stands: what we took for a comment may be none for a browser."""
    assert "<link" not in framed(f"<head>{link}</head>", remote=False).lower()
    assert link in framed(link, remote=True)


def test_other_names_stay() -> None:
    assert "<linker>" in framed("<linker>", remote=False)


def test_a_link_becomes_an_element_that_no_browser_knows() -> None:
    assert framed("a<link rel=x>b<LINK/>", remote=False) == '<base target="_blank">a<x-link rel=x>b<x-link/>'
