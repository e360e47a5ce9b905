"""The program `postroad road`: `postroad trace` by the name that the API has for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from postroad_stack.trace import command

if TYPE_CHECKING:
    from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the road; returns 1 if no event is found."""
    return command.main(arguments, name="road")
