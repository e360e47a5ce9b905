"""Faults that a test asks for: MAIL, RCPT or AUTH are refused with some probability, and the line may be bad. Pure.

The nth command of a kind is refused or not by a hash of seed, kind and n, so a test that is run again with the same
seed and the same commands sees the same refusals.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict
from enum import StrEnum
from typing import Any

from postroad.mail.reply import Reply
from postroad.value import value
from postroad_relay.submission.link import FaultError, Link, drawn, number_of

LARGEST_SEED = (1 << 53) - 1  # which every JSON parser knows exactly


class Command(StrEnum):
    """The commands that can be refused."""

    MAIL = "mail"
    RCPT = "rcpt"
    AUTH = "auth"


class Words(StrEnum):
    """Whose words a refusal has: clients compare them."""

    MAILPIT = "mailpit"
    MAILHOG = "mailhog"


_WORDS = {
    Words.MAILPIT: {
        Command.MAIL: "Chaos sender error",
        Command.RCPT: "Chaos recipient error",
        Command.AUTH: "Chaos authentication error",
    },
    Words.MAILHOG: {
        Command.MAIL: "Invalid sender {}",
        Command.RCPT: "Invalid recipient {}",
        Command.AUTH: "Unrecognised command",
    },
}
_CODES = {Command.MAIL: 451, Command.RCPT: 451, Command.AUTH: 535}


@value
class Fault:
    """What happens to one kind of command: `probability` is in percent."""

    code: int
    probability: float = 0.0

    def __post_init__(self) -> None:
        if not 400 <= self.code <= 599:
            raise FaultError("error code must be between 400 and 599")
        if not 0 <= self.probability <= 100:
            raise FaultError("probability must be between 0 and 100")


class Faults:
    """The faults in force, and how many commands of each kind have come since they are."""

    def __init__(
        self,
        seed: int = 0,
        faults: dict[Command, Fault] | None = None,
        *,
        words: Words = Words.MAILPIT,
        link: Link | None = None,
    ) -> None:
        if not 0 <= seed <= LARGEST_SEED:
            raise FaultError(f"seed must be between 0 and {LARGEST_SEED}")
        self.seed = seed
        self.words = words
        self.link = link or Link()
        self._faults = {command: Fault(code) for command, code in _CODES.items()} | (faults or {})
        self._counts: Counter[str] = Counter()

    @classmethod
    def of(cls, value: Any) -> Faults:
        """Return the faults of a JSON value; what it leaves out has its default. Raises `FaultError`."""
        if not isinstance(value, dict):
            raise FaultError("faults must be an object")
        if unknown := sorted(map(str, value.keys() - {"seed", "words", "link", *Command})):
            raise FaultError(f"there is no fault {', '.join(unknown)}")
        words = value.get("words", Words.MAILPIT.value)
        if words not in tuple(Words):
            raise FaultError(f"words must be one of {', '.join(Words)}")
        faults = {command: _fault(command, value[command.value]) for command in Command if command.value in value}
        seed = number_of(value.get("seed", 0), "seed", whole=True)
        return cls(seed, faults, words=Words(words), link=Link.of(value.get("link", {})))

    def to_json(self) -> dict[str, Any]:
        """Return the JSON value that `of` takes."""
        faults = {
            command.value: {"code": fault.code, "probability": fault.probability}
            for command, fault in self._faults.items()
        }
        return {"seed": self.seed, "words": self.words.value, **faults, "link": asdict(self.link)}

    def refusal(self, command: Command, address: str = "") -> Reply | None:
        """Count a command, and return the reply that refuses it, or None; `address` is the one that it names."""
        fault = self._faults[command]
        if not self._happens(command, fault.probability):
            return None
        # Mailpit's or MailHog's words, which clients compare. RFC 2034 §4 asks for an enhanced status code, too.
        return Reply(fault.code, None, (_WORDS[self.words][command].format(address),))

    def refuses_connection(self) -> bool:
        """Count a connection, and say whether it is closed before it is greeted."""
        return self._happens("refused", self.link.refused)

    def speed(self) -> float | None:
        """Return the speed of another connection, in octets per second; None: that of the network."""
        if not self._happens("slow", self.link.slow):
            return None
        share = drawn(self.seed, "speed", self._counts["slow"])
        return self.link.slowest + share * (self.link.fastest - self.link.slowest)

    def loses_connection(self) -> bool:
        """Count a block of octets, and say whether its connection is closed once it is answered."""
        return self._happens("lost", self.link.lost)

    def _happens(self, kind: str, percent: float) -> bool:
        if not percent:
            return False
        number = self._counts[kind]
        self._counts[kind] = number + 1
        return drawn(self.seed, kind, number) * 100 < percent


def _fault(command: Command, value: Any) -> Fault:
    if not isinstance(value, dict) or value.keys() - {"code", "probability"}:
        raise FaultError(f"{command} must be an object with code and probability")
    code = number_of(value.get("code", _CODES[command]), "error code", whole=True)
    return Fault(int(code), number_of(value.get("probability", 0), "probability"))
