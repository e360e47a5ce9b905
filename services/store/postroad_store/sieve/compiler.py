"""From the tree of a script to its program: every word is known, required, and has the arguments that it declares.

All faults are collected, the first one of each command. `require`, `if`, `elsif` and `else` are handled here, because
they are about the order of commands (RFC 5228 §3.1, §3.2).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

from postroad_store.sieve import limits
from postroad_store.sieve.arguments import Reading
from postroad_store.sieve.comparators import ASCII_CASEMAP
from postroad_store.sieve.errors import InvalidScript, RunError, ScriptError, located
from postroad_store.sieve.lexer import read
from postroad_store.sieve.matching import IS
from postroad_store.sieve.parser import parse
from postroad_store.sieve.program import Matching, Program, Step, constants
from postroad_store.sieve.spec import Tests, Word
from postroad_store.sieve.syntax import Strings
from postroad_store.sieve.texts import TextError, decoded, template

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from postroad_store.sieve.program import Text
    from postroad_store.sieve.registry import Registry
    from postroad_store.sieve.run import Run
    from postroad_store.sieve.spec import AddressPart, MatchType
    from postroad_store.sieve.syntax import Call

_IF, _ELSIF, _ELSE = "if", "elsif", "else"


def compile_script(octets: bytes, registry: Registry) -> Program:
    """Return the program of a script; raises `InvalidScript`."""
    try:
        source = read(octets)
    except ScriptError as error:
        lenient = octets.decode("utf-8", "replace").replace("\r\n", "\n").replace("\n", "\r\n")
        raise InvalidScript([located(error, lenient)]) from None
    try:
        calls = parse(source)
    except ScriptError as error:
        raise InvalidScript([located(error, source)]) from None
    return Compiler(source, registry).program(calls)


class Compiler:
    """Compiles one script; `spec.Context` for the checks of words."""

    def __init__(self, source: str, registry: Registry) -> None:
        self._source = source
        self._registry = registry
        self._required: set[str] = set(registry.base)
        self._given: set[str] = set()  # as the script names them
        self._faults: list[ScriptError] = []
        self._warnings: list[str] = []
        self._namespaces: dict[str, Callable[[Run, str], str]] = {}
        self._at = 0  # of the word that is being checked
        # RFC 5463 §4: after an `ihave` for what we lack, faults are errors of the run.
        self._deferring = False

    def program(self, calls: Sequence[Call]) -> Program:
        """Compile all commands; raises `InvalidScript`."""
        # RFC 5228 §3.2: require "must be the first commands"
        rest = list(calls)
        while rest and rest[0].name == "require":
            call = rest.pop(0)
            self._guarded(self._require, call)
        steps = self._block(rest)
        if self._faults:
            faults = sorted(self._faults, key=lambda fault: fault.at)
            raise InvalidScript([located(fault, self._source) for fault in faults[: limits.FAULTS]])
        return Program(steps, frozenset(self._given), tuple(self._warnings))

    def _guarded(self, work: Callable[[Call], Any], call: Call) -> Any:
        try:
            return work(call)
        except ScriptError as error:
            if self._deferring:
                return self._fault(call, error)
            self._faults.append(error)
            return None

    def _fault(self, call: Call, error: ScriptError) -> Step:
        def fail(_run: Run, _step: Step) -> NoReturn:
            raise RunError(error.sentence)

        return Step(Word(call.name, run=fail, test=fail), self._line(call))

    # spec.Context

    def refuse(self, sentence: str) -> NoReturn:
        """Note a fault of the command or test that is being checked."""
        raise ScriptError(sentence, self._at)

    def warn(self, sentence: str) -> None:
        """Note what is legal, and probably not meant."""
        self._warnings.append(str(located(ScriptError(sentence, self._at), self._source)))

    def has(self, capability: str) -> bool:
        """Whether the script has required a capability."""
        return capability in self._required

    def enable(self, capabilities: tuple[str, ...], *, never: Collection[str]) -> bool:
        """Require capabilities if there are all of them, and none is one of `never`."""
        if not set(capabilities) <= self._registry.capabilities.keys() - set(never):
            self._deferring = True
            return False
        for capability in capabilities:
            self._enable(capability)
        return True

    # require

    def _require(self, call: Call) -> None:
        self._at = call.at
        match call.arguments:
            case (Strings() as names,) if not call.tests and call.block is None:
                for name in names.values:
                    # RFC 5228 §3.2: an unknown capability is an error
                    if name not in self._registry.capabilities:
                        raise ScriptError(f"there is no extension {name[:60]!r} here", names.at)
                    self._enable(name)
            case _:
                self.refuse("require takes a list of strings")

    def _enable(self, capability: str) -> None:
        self._given.add(capability)
        self._required.add(capability)
        extension = self._registry.capabilities[capability]
        self._required.update(extension.implies)
        if extension.namespace and extension.variable is not None:
            self._namespaces[extension.namespace] = extension.variable

    # Commands

    def _block(self, calls: Sequence[Call]) -> tuple[Step, ...]:
        steps: list[Step] = []
        last: Step | None = None  # the `if` or `elsif` that an `else` may follow
        for call in calls:
            is_branch = call.name in {_ELSIF, _ELSE}
            step: Step | None = self._guarded(self._command, call)
            if is_branch and last is not None:
                last.otherwise = step
            elif is_branch and not self._faults_at(call):
                # RFC 5228 §3.1: elsif and else follow an if or elsif
                self._faults.append(ScriptError(f"{call.name} must follow an if or an elsif", call.at))
            elif step is not None:
                steps.append(step)
            last = step if call.name in {_IF, _ELSIF} else None
        return tuple(steps)

    def _faults_at(self, call: Call) -> bool:
        return any(fault.at >= call.at for fault in self._faults)

    def _command(self, call: Call) -> Step:
        self._at = call.at
        if call.name == "require":
            self.refuse("require must be in front of all other commands")
        word, capability = self._registry.commands.get(call.name, (None, ""))
        if word is None:
            said = "a test, and no command" if call.name in self._registry.tests else "not a command"
            self.refuse(f"{call.name} is {said}")
        self._needs(call.name, capability)
        return self._step(call, word)

    def _test(self, call: Call) -> Step:
        self._at = call.at
        word, capability = self._registry.tests.get(call.name, (None, ""))
        if word is None:
            said = "a command, and no test" if call.name in self._registry.commands else "not a test"
            self.refuse(f"{call.name} is {said}")
        self._needs(call.name, capability)
        return self._step(call, word)

    def _needs(self, name: str, capability: str) -> None:
        if capability not in self._required:
            self.refuse(f'{name} needs require "{capability}"')

    def _step(self, call: Call, word: Word) -> Step:
        reading = Reading(self, call, word, self._registry)
        step = Step(word, self._line(call), reading.arguments(), reading.tags, reading.effects)
        step.part = reading.part or (self._registry.whole_address if word.parts else None)
        if word.matches:
            step.matching = self._matching(reading.match_type or IS, reading, step)
        if word.tests is Tests.NONE and call.tests:
            self.refuse(f"{word.name} takes no test")
        if word.tests is Tests.ONE and (len(call.tests) != 1 or call.is_list):
            self.refuse(f"{word.name} takes one test")
        if word.tests is Tests.LIST and not call.is_list:
            self.refuse(f"{word.name} takes a list of tests")
        if (call.block is not None) != word.block:
            self.refuse(f"{word.name} takes {'a' if word.block else 'no'} block")
        step.tests = tuple([self._test(test) for test in call.tests])
        self._at = call.at
        if word.check is not None:
            step.prepared = word.check(self, step)
        if call.block is not None:
            step.block = self._block(call.block)
        return step

    def _matching(self, kind: MatchType, reading: Reading, step: Step) -> Matching:
        comparator = reading.comparator or ASCII_CASEMAP  # RFC 5228 §2.7.3: the default
        # RFC 5228 §2.7.3: it is an error if the comparator lacks the kind of match
        if kind.substrings and comparator.number is not None:
            self.refuse(f"{comparator.name} knows no {kind.name}")
        if kind.check is not None:
            for key in constants(step.arguments[-1] or ()):  # keys that are optional may be missing
                kind.check(self, key)
        return Matching(kind, comparator, reading.relation)

    # For `arguments.Reading`

    def text(self, value: str, at: int, *, constant: bool) -> Text:
        """Return a string as it is compiled; raises `ScriptError`."""
        try:
            if self.has("encoded-character"):
                value = decoded(value)
            text = template(value, self._namespaces) if self.has("variables") else value
        except TextError as error:
            raise ScriptError(str(error), at) from None
        if constant and not isinstance(text, str):
            raise ScriptError("a constant string is needed, without variables", at)
        return text

    def part_named(self, name: str, at: int) -> AddressPart | None:
        """Return the address part of this tag; None if it is none."""
        part, capability = self._registry.parts.get(name, (None, ""))
        if part is not None and capability not in self._required:
            raise ScriptError(f'{name} needs require "{capability}"', at)
        return part

    def match_type_named(self, name: str, at: int) -> MatchType | None:
        """Return the match type of this tag; None if it is none."""
        kind, capability = self._registry.match_types.get(name, (None, ""))
        if kind is not None and capability not in self._required:
            raise ScriptError(f'{name} needs require "{capability}"', at)
        return kind

    def _line(self, call: Call) -> int:
        return self._source.count("\n", 0, call.at) + 1
