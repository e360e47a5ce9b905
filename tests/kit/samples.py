"""Answers of the API, as small as they can be, for the modules that read them."""

from __future__ import annotations

from typing import Any

from postroad_kit.letter import Letter
from postroad_kit.reading import fields_of


def recipient(address: str = "bob@shop.test", state: str = "delivered", **more: Any) -> dict[str, Any]:
    copy = {"account": address, "mailbox": "INBOX", "uid_validity": 7, "uid": 1, "removed": False}
    plain = {"address": address, "state": state, "reason": None, "host": None, "due": None, "attempts": 1}
    return {**plain, "copies": [copy], **more}


def content(**more: Any) -> dict[str, Any]:
    told = {"header": "", "post": "", "links": [], "one_click": False, "errors": []}
    plain = {"text": "", "html": "", "headers": [], "links": [], "codes": [], "attachments": [], "inline": []}
    return {**plain, "list_unsubscribe": told, **more}


def message(ident: str = "4F1A9C", **more: Any) -> dict[str, Any]:
    plain = {
        "id": ident,
        "number": 1764115200000000,
        "world": "checkout",
        "origin": "app",
        "state": "delivered",
        "arrived": "2026-11-26T12:00:00.000Z",
        "sender": "app@shop.test",
        "recipients": [recipient()],
        "message_id": "<1@shop.test>",
        "size": 300,
        "subject": "Welcome",
        "from": [{"name": "Shop", "address": "app@shop.test"}],
        "to": [{"name": "", "address": "bob@shop.test"}],
        "cc": [],
        "bcc": [],
        "reply_to": [],
        "date": None,
        "read": False,
        "tags": ["orders"],
        "about": None,
        "reports": [],
        "login": None,
        "content": content(),
    }
    return {**plain, **more}


def letter(**of_content: Any) -> Letter:
    return Letter(**fields_of(message(content=content(**of_content))))


def link(url: str, text: str = "", kind: str = "link") -> dict[str, str]:
    return {"url": url, "text": text or url, "kind": kind, "source": "html"}


def code(value: str, score: int) -> dict[str, Any]:
    return {"value": value, "reason": "follows “code”", "score": score}


def part(filename: str, part_id: str = "2") -> dict[str, Any]:
    plain = {"content_type": "application/pdf", "content_id": "", "size": 4, "md5": "", "sha1": "", "sha256": "ab"}
    return {"part_id": part_id, "filename": filename, **plain}
