"""Lines of keys: every form that TOML has for a key and for a value to step over."""

from __future__ import annotations

import itertools
import tomllib
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroad.world.toml_lines import KeyLines

if TYPE_CHECKING:
    from collections.abc import Callable

TEXT = r"""# one
top = "a # b" # two
'quoted key' = '''
three ' quotes, and two more'''''
"esc\u0061ped" = 'x]'
[a."b.c" . d] # six
when = 1979-05-27 07:32:00 # seven
many = [ # eight
  1,
  # a comment
  [ "]", 'x' ], # eleven
]
inline = { x = 1, y.z = '''
',''' , "w" = [ { v = 2 } ] }

[[table]]
n = 1
[[table]]
n = 2
dotted.deep = true
"""


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_lines(end: str) -> None:
    text = TEXT.replace("\n", end)
    tomllib.loads(text)
    lines = KeyLines(text)
    a = ("a", "b.c", "d")
    expected = {
        ("top",): 2,
        ("quoted key",): 3,
        ("escaped",): 5,
        a: 6,
        (*a, "when"): 7,
        (*a, "many", 0): 9,
        (*a, "many", 1): 11,
        (*a, "many", 1, 1): 11,
        (*a, "inline", "y", "z"): 13,
        (*a, "inline", "w", 0, "v"): 14,
        ("table", 0, "n"): 17,
        ("table", 1, "n"): 19,
        ("table", 1, "dotted", "deep"): 20,
    }
    assert {path: lines.line(path) for path in expected} == expected


def test_elements_without_blanks() -> None:
    lines = KeyLines("a=[1,\n2,[3,\n4],\n{b=5}]")
    assert [lines.line(path) for path in [("a", 0), ("a", 1), ("a", 2, 1), ("a", 3, "b")]] == [1, 2, 3, 4]


def test_what_is_not_there_stands_where_its_nearest_parent_does() -> None:
    lines = KeyLines("\n[a]\n\n[a.b]\nc = 1")
    assert [lines.line(path) for path in [(), ("x",), ("a", "x"), ("a", "b", "c", 3)]] == [1, 1, 2, 5]


class Writer:
    """Writes a document, and notes on which line each key and each element stands."""

    def __init__(self, draw: Callable[[st.SearchStrategy[Any]], Any]) -> None:
        self._draw = draw
        self._names = itertools.count()
        self.text = ""
        self.lines: dict[tuple[str | int, ...], int] = {}

    def _pick(self, *texts: str) -> None:
        self.text += self._draw(st.sampled_from(texts))

    def _note(self, path: tuple[str | int, ...]) -> None:
        self.lines.setdefault(path, self.text.count("\n") + 1)

    def _key(self) -> str:
        name = f"k{next(self._names)}"
        forms = {
            name: name,
            f"X{name}": f"X{name}",
            f'"{name}"': name,
            f"'{name}'": name,
            f'"{name}] # \\" ="': f'{name}] # " =',
        }
        forms |= {f"'{name}.['": f"{name}.[", f'"\\u006b{name[1:]}"': name}
        written = self._draw(st.sampled_from(sorted(forms)))
        self.text += written
        return forms[written]

    def _keys(self, path: tuple[str | int, ...]) -> tuple[str | int, ...]:
        self._note((*path, name := self._key()))
        path = (*path, name)
        for _ in range(self._draw(st.integers(0, 1))):
            self._pick(".", " . ", "\t.")
            path = (*path, self._key())
            self._note(path)
        return path

    def _value(self, path: tuple[str | int, ...], depth: int) -> None:
        match self._draw(st.sampled_from(["plain", "plain", "long", *(["array", "inline"] if depth < 2 else [])])):
            case "plain":
                self._pick("1", "true", '"x"', "'#'", '"]"', "'}'", '"\\""', "1979-05-27 07:32:00", "''", '""')
            case "long":
                self._pick('"""\n# ] = " \\\\"""', "'''\n\n[x]''''", '"""a\\\n b"""', '"""""""', "''''''")
            case "array":
                self.text += "["
                for index in range(self._draw(st.integers(0, 3))):
                    self._pick("", " ", "\n", " # ]\n", "\n\n  ")
                    self._note((*path, index))
                    self._value((*path, index), depth + 1)
                    self._pick(",", " ,", "\n,", ", # ,\n")
                self._pick("", " ", "\n", "# [\n")
                self.text += "]"
            case _:
                self.text += "{"
                for index in range(self._draw(st.integers(0, 2))):
                    self._pick(*((", ", " ,") if index else ("", " ")))
                    within = self._keys(path)
                    self._pick("=", " = ")
                    self._value(within, depth + 1)
                self._pick("}", " }")

    def document(self) -> None:
        table: tuple[str | int, ...] = ()
        for _ in range(self._draw(st.integers(0, 6))):
            self._pick("", "\n", "  ", "\t# x = 1\n", "#\n")
            kind = self._draw(st.sampled_from(["pair", "pair", "table", "element"]))
            if kind == "pair":
                within = self._keys(table)
                self._pick("=", " = ", "\t=")
                self._value(within, 0)
            else:
                self._pick(*(("[", "[ ") if kind == "table" else ("[[", "[[ ")))
                table = self._keys(())
                self._pick("", " ")
                self.text += "]" if kind == "table" else "]]"
                table = (*table, 0) if kind == "element" else table
            self._pick("\n", " # y\n", "#[z]\n", "\t\n\n")


@given(st.data())
def test_every_key_of_any_document_has_its_line(data: st.DataObject) -> None:
    writer = Writer(data.draw)
    writer.document()
    tomllib.loads(writer.text)
    lines = KeyLines(writer.text)
    assert {path: lines.line(path) for path in writer.lines} == writer.lines, writer.text
