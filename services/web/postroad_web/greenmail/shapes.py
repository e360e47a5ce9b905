"""Users, messages and the configuration as GreenMail's JSON has them. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from postroad.greenmail import PORTS
from postroad.mime.fields import fields, header_end
from postroad.mime.text import decode, decode_words

if TYPE_CHECKING:
    from postroad.greenmail import Habits

# GreenMail's own, in milliseconds: no timeouts, and two seconds for a server to start.
_TIMES = {"readTimeout": -1, "writeTimeout": -1, "connectionTimeout": -1, "serverStartupTimeout": 2000}


def user(entry: dict[str, Any]) -> dict[str, str]:
    """Return a user, of an entry of the store's."""
    return {"login": entry["login"], "email": entry["email"]}


def said(sentence: str) -> dict[str, str]:
    """Return what GreenMail says of what it has done, or not."""
    return {"message": sentence}


def message(uid: int, content: bytes) -> dict[str, Any]:
    """Return a message of a mailbox.

    GreenMail's description of its API says `messageId` where its JSON has `Message-ID`: here it has both.
    """
    header = dict(reversed(fields(content[: header_end(content, 0, len(content))])))  # of several the first counts
    ident = _text(header.get(b"message-id"))
    subject = header.get(b"subject")
    return {
        "uid": str(uid),
        "Message-ID": ident,
        "messageId": ident,
        "subject": None if subject is None else decode_words(subject),
        "contentType": _text(header.get(b"content-type")) or "text/plain",
        "mimeMessage": decode(content, None),
    }


def configuration(habits: Habits | None, address: str) -> dict[str, Any]:
    """Return the servers that there are, by GreenMail's habits, None if its ports are closed; and what they do."""
    opened = [name for name in PORTS if habits is not None and name in habits.ports]
    return {
        "serverSetups": [
            {
                "port": PORTS[name],
                "address": address,
                "protocol": name,
                "isSecure": name.endswith("s"),
                **_TIMES,
                "isDynamicPort": False,
            }
            for name in opened
        ],
        "authenticationDisabled": habits is not None and habits.auth_disabled,
        "sieveIgnoreDetail": habits is not None and habits.ignore_detail,
        "preloadDirectory": None if habits is None else habits.preload,
    }


def _text(value: bytes | None) -> str | None:
    return None if value is None else decode(value, None)
