"""Why a script is refused before it runs, or given up while it does."""

from __future__ import annotations

from postroad.value import value


class ScriptError(Exception):
    """A fault at an offset of the script, in characters."""

    def __init__(self, sentence: str, at: int) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.at = at


@value
class Fault:
    """A fault, as a person needs it; line and column count from 1."""

    sentence: str
    line: int
    column: int

    def __str__(self) -> str:
        """Give place and sentence, as ManageSieve's NO shows them."""
        return f"line {self.line}, column {self.column}: {self.sentence}"


class InvalidScript(Exception):  # noqa: N818 - what the author of the script reads
    """The script can't be used: all its faults, the first ones if there are many."""

    def __init__(self, faults: list[Fault]) -> None:
        super().__init__("\r\n".join(map(str, faults)))
        self.faults = faults


class RunError(Exception):
    """The script can't go on: the message is kept (RFC 5228 §2.10.6). `line` is the command's; 0 if it is not known."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence)
        self.line = 0

    def __str__(self) -> str:
        """Give the sentence with its line."""
        sentence: str = self.args[0]
        return f"line {self.line}: {sentence}" if self.line else sentence


def located(error: ScriptError, source: str) -> Fault:
    """Return the fault with its line and column."""
    before = source[: error.at]
    return Fault(error.sentence, before.count("\n") + 1, error.at - before.rfind("\n"))
