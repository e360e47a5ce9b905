"""The pieces of a message that a shell script wants: its text, its first link, its likeliest code."""

from __future__ import annotations

import sys
from typing import Any

from postroad.harmless import harmless

PIECES = ("id", "subject", "text", "html", "link", "code", "cursor")


class NoPieceError(Exception):
    """The message has no such piece."""


def piece_of(message: dict[str, Any], piece: str) -> str:
    """Return a piece of a message as the API has it; raises `NoPieceError`."""
    if piece == "cursor":
        return str(message["number"])
    if piece in {"id", "subject"}:
        return str(message[piece] or "")
    content = message["content"]
    if content is None:
        raise NoPieceError(f"the content of {message['id']} is gone")
    if piece in {"text", "html"}:
        return str(content[piece])
    pieces = (
        [link["url"] for link in content["links"]] if piece == "link" else [code["value"] for code in content["codes"]]
    )
    if not pieces:
        raise NoPieceError(f"{message['id']} has no {piece}")
    return str(pieces[0])


def write(piece: str) -> None:
    """Write a piece as it is, for a program that reads it; a terminal gets it harmless."""
    if sys.stdout.isatty():
        piece = "\n".join(map(harmless, piece.split("\n")))
    sys.stdout.write(piece if piece.endswith("\n") else f"{piece}\n")
