"""A bad line, as a test asks for it: connections are refused, cut off or slowed down with some probability. Pure.

It is MailHog's Jim that does so. Each decision is a hash of a seed and a number, as for commands (`faults`).
"""

from __future__ import annotations

from dataclasses import fields
from hashlib import blake2b
from typing import Any

from postroad.value import value


class FaultError(ValueError):
    """Faults are asked for that can't be; the message is a sentence."""


def drawn(seed: int, kind: str, number: int) -> float:
    """Return a number from 0 on, below 1, that is always the same for the same seed, kind and number."""
    digest = blake2b(f"{seed} {kind} {number}".encode(), digest_size=7).digest()
    return (int.from_bytes(digest) >> 3) / (1 << 53)  # as many bits as a float can have


def number_of(value: Any, name: str, *, whole: bool = False) -> Any:
    """Return a number of JSON; raises `FaultError` if it is none."""
    if isinstance(value, bool) or not isinstance(value, int if whole else (int, float)):
        raise FaultError(f"{name} must be a {'whole ' if whole else ''}number")
    return value


@value
class Link:
    """How bad the line is: probabilities in percent, speeds in octets per second."""

    refused: float = 0.0  # a connection is closed before it is greeted
    lost: float = 0.0  # it is closed once what has come is answered
    slow: float = 0.0  # it gets a speed from `slowest` to `fastest`
    slowest: float = 1024.0
    fastest: float = 10240.0

    def __post_init__(self) -> None:
        for name in ("refused", "lost", "slow"):
            if not 0 <= getattr(self, name) <= 100:
                raise FaultError(f"{name} must be between 0 and 100")
        if not 1 <= self.slowest <= self.fastest <= 1e12:
            raise FaultError("slowest must be at least 1, and fastest no less than it")

    @classmethod
    def of(cls, value: Any) -> Link:
        """Return the line of a JSON value; what it leaves out has its default. Raises `FaultError`."""
        names = {field.name for field in fields(cls)}
        if not isinstance(value, dict) or value.keys() - names:
            raise FaultError(f"link must be an object with {', '.join(sorted(names))}")
        return cls(**{name: number_of(given, name) for name, given in value.items()})

    @property
    def is_good(self) -> bool:
        """Whether nothing ever happens on it."""
        return not (self.refused or self.lost or self.slow)
