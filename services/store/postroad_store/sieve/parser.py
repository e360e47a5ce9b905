"""The grammar of scripts (RFC 5228 §8.2), by recursive descent."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

from postroad_store.sieve import limits
from postroad_store.sieve.errors import ScriptError
from postroad_store.sieve.lexer import Kind, Token, tokens
from postroad_store.sieve.syntax import Argument, Call, Number, Strings, Tag

if TYPE_CHECKING:
    from collections.abc import Callable


def parse(source: str) -> tuple[Call, ...]:
    """Return the commands of a script; raises `ScriptError`."""
    return _Parser(tokens(source)).commands(depth=0)


class _Parser:
    def __init__(self, given: list[Token]) -> None:
        self._tokens = given
        self._at = 0

    @property
    def _token(self) -> Token:
        return self._tokens[self._at]

    def _is(self, special: str) -> bool:
        token = self._token
        return token.kind is Kind.SPECIAL and token.value == special

    def _take(self) -> Token:
        token = self._token
        self._at += 1
        return token

    def _expect(self, special: str, after: str) -> None:
        if not self._is(special):
            self._refuse(f"{special!r} is missing {after}")
        self._at += 1

    def _refuse(self, why: str) -> NoReturn:
        token = self._token
        present = token.value if token.kind is Kind.END else f"{token.value[:40]!r}"
        raise ScriptError(f"{why}; there is {present}", token.at)

    def _deeper(self, depth: int) -> int:
        if depth >= limits.NESTING:
            raise ScriptError(f"blocks and tests are nested more than {limits.NESTING} deep", self._token.at)
        return depth + 1

    def commands(self, depth: int) -> tuple[Call, ...]:
        """Take `commands = *command`, up to the end of the script, or of the block."""
        calls = []
        while self._token.kind is not Kind.END and not (depth and self._is("}")):
            calls.append(self._call(depth, self._end_of_command))
        return tuple(calls)

    def _end_of_command(self, depth: int) -> tuple[Call, ...] | None:
        # command = identifier arguments (";" / block); block = "{" commands "}"
        if self._is("{"):
            inner = self._deeper(depth)
            self._at += 1
            block = self.commands(inner)
            self._expect("}", "at the end of a block")
            return block
        self._expect(";", "after a command")
        return None

    def _call(self, depth: int, end: Callable[[int], tuple[Call, ...] | None]) -> Call:
        if self._token.kind is not Kind.IDENTIFIER:
            self._refuse("a command or a test is missing")
        name = self._take()
        # arguments = *argument [ test / test-list ]
        arguments: list[Argument] = []
        while (argument := self._argument()) is not None:
            arguments.append(argument)
        tests: tuple[Call, ...] = ()
        is_list = self._is("(")
        if is_list:
            tests = self._test_list(self._deeper(depth))
        elif self._token.kind is Kind.IDENTIFIER:
            tests = (self._call(self._deeper(depth), _end_of_test),)
        return Call(name.value, tuple(arguments), tests, is_list, end(depth), name.at)

    def _test_list(self, depth: int) -> tuple[Call, ...]:
        # test-list = "(" test *("," test) ")"
        self._at += 1
        tests = [self._call(depth, _end_of_test)]
        while self._is(","):
            self._at += 1
            tests.append(self._call(depth, _end_of_test))
        self._expect(")", "at the end of a list of tests")
        return tuple(tests)

    def _argument(self) -> Argument | None:
        # argument = string-list / number / tag
        token = self._token
        match token.kind:
            case Kind.TAG:
                return Tag(self._take().value, token.at)
            case Kind.NUMBER:
                return Number(int(self._take().value), token.at)
            case Kind.STRING:
                return Strings((self._take().value,), is_list=False, at=token.at)
        return self._string_list() if self._is("[") else None

    def _string_list(self) -> Strings:
        # string-list = "[" string *("," string) "]" / string
        at = self._take().at
        values = [self._string()]
        while self._is(","):
            self._at += 1
            values.append(self._string())
        self._expect("]", "at the end of a list of strings")
        return Strings(tuple(values), is_list=True, at=at)

    def _string(self) -> str:
        if self._token.kind is not Kind.STRING:
            self._refuse("a string is missing")
        return self._take().value


def _end_of_test(_depth: int) -> None:
    """Take nothing: a test has no block."""
