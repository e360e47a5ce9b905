"""JSON of the API, read into values. Members that the kit does not know are left alone."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from postroad_kit.letter import Code, Content, Copy, File, Link, Person, Recipient, Unsubscribe

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


def fields_of(message: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of a `Letter`."""
    return {
        "id": message["id"],
        "number": message["number"],
        "world": message["world"],
        "origin": message["origin"],
        "state": message["state"],
        "arrived": datetime.fromisoformat(message["arrived"]),
        "sender": message["sender"],
        "recipients": tuple(map(_recipient, message["recipients"])),
        "message_id": message["message_id"],
        "size": message["size"],
        "subject": message["subject"] or "",
        "from_": _people(message["from"]),
        "to": _people(message["to"]),
        "cc": _people(message["cc"]),
        "bcc": _people(message["bcc"]),
        "reply_to": _people(message["reply_to"]),
        "date": when(message["date"]),
        "read": message["read"],
        "tags": tuple(message["tags"]),
        "about": message["about"],
        "reports": tuple(message["reports"]),
        "login": message["login"],
        "content": _content(message.get("content") or {}),
    }


def when(text: str | None) -> datetime | None:
    """Return a time of the API, with its time zone."""
    return None if text is None else datetime.fromisoformat(text)


def _people(people: Iterable[Mapping[str, str]]) -> tuple[Person, ...]:
    return tuple(Person(person["name"], person["address"]) for person in people)


def _recipient(value: Mapping[str, Any]) -> Recipient:
    copies = tuple(
        Copy(copy["account"], copy["mailbox"], copy["uid_validity"], copy["uid"], copy["removed"])
        for copy in value["copies"]
    )
    return Recipient(
        value["address"],
        value["state"],
        value["reason"] or "",
        value["host"] or "",
        when(value["due"]),
        value["attempts"],
        copies,
    )


def _content(content: Mapping[str, Any]) -> Content:
    if not content:
        return Content()
    told = content["list_unsubscribe"]
    return Content(
        content["text"].replace("\r\n", "\n"),
        content["html"].replace("\r\n", "\n"),
        tuple((field["name"], field["value"]) for field in content["headers"]),
        tuple(Link(link["url"], link["text"], link["kind"], link["source"]) for link in content["links"]),
        tuple(Code(code["value"], code["reason"], code["score"]) for code in content["codes"]),
        _files(content["attachments"]),
        _files(content["inline"]),
        Unsubscribe(tuple(told["links"]), told["one_click"], tuple(told["errors"])),
    )


def _files(parts: Iterable[Mapping[str, Any]]) -> tuple[File, ...]:
    return tuple(
        File(
            part["part_id"],
            part["filename"],
            part["content_type"],
            part["content_id"],
            part["size"],
            part["sha256"],
        )
        for part in parts
    )
