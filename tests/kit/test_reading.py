"""A message of the API with every member, no two alike, as the kit reads it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from postroad_kit.letter import Code, Content, Copy, File, Link, Person, Recipient, Unsubscribe
from postroad_kit.reading import fields_of, when


def people(*names: str) -> list[dict[str, str]]:
    return [{"name": name.title(), "address": f"{name}@b.test"} for name in names]


def persons(*names: str) -> tuple[Person, ...]:
    return tuple(Person(name.title(), f"{name}@b.test") for name in names)


COPY = {"account": "acc@b.test", "mailbox": "A/B", "uid_validity": 7, "uid": 9, "removed": True}
RECIPIENT = {
    "address": "rcpt@b.test",
    "state": "deferred",
    "reason": "full",
    "host": "mx.b.test",
    "due": "2026-11-26T12:00:05.000Z",
    "attempts": 3,
    "copies": [COPY],
}
PART = {"part_id": "2", "filename": "a.txt", "content_type": "a/b", "content_id": "c", "size": 4, "sha256": "5f"}
CONTENT = {
    "text": "a\r\nb",
    "html": "<b>\r\n",
    "headers": [{"name": "X", "value": "y"}],
    "links": [{"url": "https://a.test", "text": "A", "kind": "link", "source": "html"}],
    "codes": [{"value": "123", "reason": "why", "score": 80}],
    "attachments": [PART],
    "inline": [PART | {"part_id": "3"}],
    "list_unsubscribe": {"links": ["mailto:u@b.test"], "one_click": True, "errors": ["no"]},
}
MESSAGE: dict[str, Any] = {
    "id": "id",
    "number": 11,
    "world": "w",
    "origin": "submitted",
    "state": "delivered",
    "arrived": "2026-11-26T12:00:00.000Z",
    "sender": "s@b.test",
    "recipients": [RECIPIENT, RECIPIENT | {"reason": None, "host": None, "due": None, "copies": []}],
    "message_id": "<1@b.test>",
    "size": 12,
    "subject": "Hi",
    "from": people("from"),
    "to": people("to", "too"),
    "cc": people("cc"),
    "bcc": people("bcc"),
    "reply_to": people("reply"),
    "date": "2026-11-26T13:00:00+01:00",
    "read": True,
    "tags": ["t"],
    "about": "x",
    "reports": ["r"],
    "login": "l",
    "content": CONTENT,
}


def test_every_member() -> None:
    due = datetime(2026, 11, 26, 12, 0, 5, tzinfo=UTC)
    copy = Copy("acc@b.test", "A/B", 7, 9, removed=True)
    file = File("2", "a.txt", "a/b", "c", 4, "5f")
    same = (
        "id",
        "number",
        "world",
        "origin",
        "state",
        "sender",
        "message_id",
        "size",
        "subject",
        "read",
        "about",
        "login",
    )
    assert fields_of(MESSAGE) == {
        **{name: MESSAGE[name] for name in same},
        "arrived": datetime(2026, 11, 26, 12, tzinfo=UTC),
        "recipients": (
            Recipient("rcpt@b.test", "deferred", "full", "mx.b.test", due, 3, (copy,)),
            Recipient("rcpt@b.test", "deferred", "", "", None, 3, ()),
        ),
        "from_": persons("from"),
        "to": persons("to", "too"),
        "cc": persons("cc"),
        "bcc": persons("bcc"),
        "reply_to": persons("reply"),
        "date": datetime(2026, 11, 26, 12, tzinfo=UTC),
        "tags": ("t",),
        "reports": ("r",),
        "content": Content(
            "a\nb",
            "<b>\n",
            (("X", "y"),),
            (Link("https://a.test", "A", "link", "html"),),
            (Code("123", "why", 80),),
            (file,),
            (File("3", "a.txt", "a/b", "c", 4, "5f"),),
            Unsubscribe(("mailto:u@b.test",), True, ("no",)),
        ),
    }


def test_what_is_not_there() -> None:
    absent: list[dict[str, Any]] = [{}, {"content": {}}]
    for content in absent:
        fields = fields_of(MESSAGE | {"subject": None, "date": None, "content": None} | content)
        assert (fields["subject"], fields["date"], fields["content"]) == ("", None, Content())
    assert when(None) is None
