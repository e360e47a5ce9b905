"""The lines of the keys of a TOML document: tomllib gives values only, and an error must name the line.

The scanner reads only documents that tomllib has accepted, so it goes by brackets, quotes and commas (TOML 1.0.0) and
checks nothing. It runs only if there is an error.
"""

from __future__ import annotations

import re
import tomllib

KeyPath = tuple[str | int, ...]  # ("domains", "alpha.test", "mx", 0)

_BLANK = re.compile(r"(?:[ \t\r\n]+|#[^\n]*)*")
_STRING = re.compile(
    r'"""(?:\\.|[^\\])*?"""(?:"{0,2})' r"|'''.*?'''(?:'{0,2})" r'|"(?:\\.|[^"\\])*"' r"|'[^']*'", re.DOTALL
)
_BARE = re.compile(r"[A-Za-z0-9_-]+")
_SCALAR = re.compile(r"[^,\]}#\n]+")  # a date may have a blank in it


class KeyLines:
    """The lines of all keys and array elements of a document."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._counted = 0
        self._line = 1
        self._lines: dict[KeyPath, int] = {}
        self._elements: dict[KeyPath, int] = {}  # the last index of each array of tables
        self._document()

    def line(self, path: KeyPath) -> int:
        """Return the line of the key, or of the nearest key above it that the document has, or 1."""
        while path and path not in self._lines:
            path = path[:-1]
        return self._lines.get(path, 1)

    def _document(self) -> None:
        table: KeyPath = ()
        while self._skip() < len(self._text):
            if self._text.startswith("[[", self._at):
                self._at += 2
                name = self._keys(())
                self._at += 2
                index = self._elements[name] = self._elements.get(name, -1) + 1
                table = (*name, index)
            elif self._text[self._at] == "[":
                self._at += 1
                table = self._keys(())
                self._at += 1
            else:
                self._pair(table)

    def _skip(self) -> int:
        """Pass over blanks, line ends and comments."""
        match = _BLANK.match(self._text, self._at)
        assert match is not None  # noqa: S101 - it matches the empty string
        self._at = match.end()
        return self._at

    def _place(self, path: KeyPath) -> None:
        self._line += self._text.count("\n", self._counted, self._at)
        self._counted = self._at
        self._lines.setdefault(path, self._line)

    def _keys(self, table: KeyPath) -> KeyPath:
        """Read a dotted key and note the line of each of its parts."""
        path = table
        while True:
            self._skip()
            if string := _STRING.match(self._text, self._at):
                key = tomllib.loads(f"key = {string[0]}")["key"]
                end = string.end()
            else:
                bare = _BARE.match(self._text, self._at)
                assert bare is not None  # noqa: S101 - tomllib has accepted the document
                key, end = bare[0], bare.end()
            path = (*path, key)
            self._place(path)
            self._at = end
            self._skip()
            if self._text[self._at] != ".":
                return path
            self._at += 1

    def _pair(self, table: KeyPath) -> None:
        path = self._keys(table)
        self._at += 1  # the equals sign
        self._value(path)

    def _value(self, path: KeyPath) -> None:
        self._skip()
        opening = self._text[self._at]
        if opening in "[{":
            self._at += 1
            index = 0
            while self._text[self._skip()] not in "]}":
                if self._text[self._at] == ",":
                    self._at += 1
                elif opening == "{":
                    self._pair(path)
                else:
                    self._place((*path, index))
                    self._value((*path, index))
                    index += 1
            self._at += 1
            return
        match = _STRING.match(self._text, self._at) or _SCALAR.match(self._text, self._at)
        assert match is not None  # noqa: S101 - tomllib has accepted the document
        self._at = match.end()
