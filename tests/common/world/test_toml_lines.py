"""Lines of keys: every form that TOML has for a key and for a value to step over."""

from __future__ import annotations

import tomllib

import pytest

from postroad.world.toml_lines import KeyLines

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
