"""Faults that a test asks for: MAIL, RCPT or AUTH are refused with some probability. Pure.

The nth command of a kind is refused or not by a hash of seed, kind and n, so a test that is run again with the same
seed and the same commands sees the same refusals.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from hashlib import blake2b
from typing import Any

from postroad.mail.reply import Reply

LARGEST_SEED = (1 << 53) - 1  # which every JSON parser knows exactly


class Command(StrEnum):
    """The commands that can be refused."""

    MAIL = "mail"
    RCPT = "rcpt"
    AUTH = "auth"


_WORDS = {Command.MAIL: "sender", Command.RCPT: "recipient", Command.AUTH: "authentication"}
_CODES = {Command.MAIL: 451, Command.RCPT: 451, Command.AUTH: 535}


class FaultError(ValueError):
    """Faults are asked for that can't be; the message is a sentence."""


@dataclass(frozen=True, slots=True)
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

    def __init__(self, seed: int = 0, faults: dict[Command, Fault] | None = None) -> None:
        if not 0 <= seed <= LARGEST_SEED:
            raise FaultError(f"seed must be between 0 and {LARGEST_SEED}")
        self.seed = seed
        self._faults = {command: Fault(code) for command, code in _CODES.items()} | (faults or {})
        self._counts = dict.fromkeys(Command, 0)

    @classmethod
    def of(cls, value: Any) -> Faults:
        """Return the faults of a JSON value; what it leaves out has its default. Raises `FaultError`."""
        if not isinstance(value, dict):
            raise FaultError("faults must be an object")
        if unknown := sorted(map(str, value.keys() - {"seed", *Command})):
            raise FaultError(f"there is no fault {', '.join(unknown)}")
        faults = {command: _fault(command, value[command.value]) for command in Command if command.value in value}
        return cls(_number(value.get("seed", 0), "seed", whole=True), faults)

    def to_json(self) -> dict[str, Any]:
        """Return the JSON value that `of` takes."""
        faults = {
            command.value: {"code": fault.code, "probability": fault.probability}
            for command, fault in self._faults.items()
        }
        return {"seed": self.seed, **faults}

    def refusal(self, command: Command) -> Reply | None:
        """Count a command, and return the reply that refuses it, or None."""
        fault = self._faults[command]
        if not fault.probability:
            return None
        number = self._counts[command]
        self._counts[command] = number + 1
        digest = blake2b(f"{self.seed} {command} {number}".encode(), digest_size=7).digest()
        if int.from_bytes(digest) * 100 >= fault.probability * (1 << 56):
            return None
        # Mailpit's words, which its clients compare. RFC 2034 §4 asks for an enhanced status code, too.
        return Reply(fault.code, None, (f"Chaos {_WORDS[command]} error",))


def _fault(command: Command, value: Any) -> Fault:
    if not isinstance(value, dict) or value.keys() - {"code", "probability"}:
        raise FaultError(f"{command} must be an object with code and probability")
    code = _number(value.get("code", _CODES[command]), "error code", whole=True)
    return Fault(int(code), _number(value.get("probability", 0), "probability"))


def _number(value: Any, name: str, *, whole: bool = False) -> Any:
    if isinstance(value, bool) or not isinstance(value, int if whole else (int, float)):
        raise FaultError(f"{name} must be a {'whole ' if whole else ''}number")
    return value
