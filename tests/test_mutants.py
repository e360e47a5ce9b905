"""The mutants of a text (tests/mutants)."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from tests.mutants.__main__ import ENGINES, is_module, near, path_of, seeing
from tests.mutants.changes import Mutant, candidates
from tests.mutants.listed import EQUIVALENT, Listed, bare, listed
from tests.mutants.measured import Recorder, hashes, holds
from tests.mutants.trials import ROOT


def mutants(module: str, path: str, source: bytes) -> list[Mutant]:
    possible = (candidate.mutant() for candidate in candidates(module, path, source))
    return [mutant for mutant in possible if mutant is not None]


def changes(text: str) -> list[str]:
    """Return what becomes of the lines that change; nothing where lines only go."""
    mutations = mutants("m", "m.py", text.encode())
    for mutation in mutations:
        ast.parse(mutation.source)
    return [
        " / ".join(line[2:] for line in mutation.difference.splitlines() if line.startswith("+"))
        for mutation in mutations
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a < b", ["(a <= b)"]),
        ("x = 1 <= y != 3", ["x = (1 < y != 3)", "x = (1 <= y == 3)", "x = (2) <= y != 3", "x = 1 <= y != (4)"]),
        ("x = a and b or not c", ["x = ((a and b) and (not c))", "x = (not c)", "x = (a and b)",
                                  "x = (a or b) or not c", "x = (b) or not c", "x = (a) or not c",
                                  "x = a and b or (c)"]),
        ("if a:\n    return_it()", ["if (not a):", "pass"]),
        ("while f(a): break", ["while (not f(a)): break", "while f(a): continue"]),
        ("x = [i for i in j if i]", ["x = [i for i in j if (not i)]"]),
        ("x = a if b else c", ["x = a if (not b) else c"]),
        ("x += a", ["x -= a", "x = a"]),
        ("x @= a", ["x = a"]),
        ("s.x = a + b", ["pass", "s.x = (a - b)"]),
        ("def f(a: int = 1) -> 'str':\n    '''Doc.'''\n    return a", ["def f(a: int = (2)) -> 'str':", "return None"]),
        ("def f():\n    return None", []),
        ("def f():\n    return False", ["return (True)"]),
        ("def f():\n    return 0", ["return None", "return (1)"]),
        ("x: int = True", ["x: int = (False)"]),
        ("x = ('é', b'', '', b'y')", ["x = (('XXéXX'), b'', '', b'y')", "x = ('é', (b'XX'), '', b'y')",
                                      "x = ('é', b'', ('XX'), b'y')", "x = ('é', b'', '', (b'XXyXX'))"]),
        ("raise E('so it is', 'word')", ["raise E('so it is', ('XXwordXX'))"]),
        ("log.info('x', a < b)", []),
        ("assert a < b", []),
        ("@d(1)\nclass C:\n    __slots__ = ('a',)\n    y: int\n    z = lambda: 1", ["z = lambda: (2)"]),
        ("zip(a, b, strict=True)", ["pass"]),
        ("x = cast('T', a < b)", ["x = cast('T', (a <= b))"]),
        ("A: TypeAlias = 'B | C' | D", []),
        ("T = TypeVar('T', bound='B')\nP = ParamSpec('P')\nU = NewType('U', 'B')\nV = f('T')", ["V = f(('XXTXX'))"]),
        ("if TYPE_CHECKING:\n    x = 1", []),
        ("import a\nfrom b import c\nx = f'{a < b}'", []),
        ("match x:\n    case b'a' if c < d:\n        pass", ["case (b'XXaXX') if c < d:", "case b'a' if (c <= d):"]),
    ],
)  # fmt: skip
def test_changes(text: str, expected: list[str]) -> None:
    assert changes(text) == expected


def test_a_change_of_several_lines_says_where() -> None:
    (mutant,) = mutants("m", "m.py", b"import x\nx.y(\n    a,\n)\n")
    assert mutant.line == 2
    assert mutant.text == "m.py:2\n  - x.y(\n  - a,\n  - )\n  + pass\n"
    assert mutant.source == b"import x\npass\n"


@pytest.mark.parametrize("name", ENGINES)
def test_every_engine_has_tests_near_it(name: str) -> None:
    assert any(not place.startswith(("tests/golden/", "tests/test_limits")) for place in near(name))
    assert all((ROOT / place).exists() for place in near(name))


CONSTANT = re.compile("(_?[A-Z][A-Z0-9_]*(, )?)+ = .+")


@pytest.mark.parametrize("name", sorted(file.stem for file in EQUIVALENT.glob("*.txt")))
def test_equivalents_are_mutants_of_their_modules(name: str) -> None:
    assert is_module(name)
    source = (ROOT / path_of(name)).read_bytes()
    entries = listed(name)
    assert entries.gone(source) == []
    lines = source.decode().splitlines()
    first = {difference.splitlines()[0].removeprefix("- ") for difference in entries.differences}
    changed = {number for number, line in enumerate(lines, 1) if bare(line.strip()) in first}
    possible = (
        candidate.mutant() for candidate in candidates(name, str(path_of(name)), source) if candidate.line in changed
    )
    differences = {bare(mutant.difference) for mutant in possible if mutant is not None}
    assert entries.differences or entries.lines
    assert entries.differences <= differences, "an equivalent is listed that the module no longer has"
    assert all(map(CONSTANT.fullmatch, entries.lines)), "only a constant may be listed by its line"


def test_what_is_listed_counts_for_differences_as_printed_and_for_whole_lines() -> None:
    entries = Listed(frozenset({"- a < b\n+ (a <= b)"}), frozenset({"STEP = 1 << 20"}))
    assert "- a < b  # why\n+ (a <= b)  # why" in entries
    assert "- a < b\n+ (a > b)" not in entries
    assert "- STEP = 1 << 20  # octets\n+ STEP = (2) << 20  # octets" in entries
    assert "- STEP = 1 << 21\n+ STEP = (2) << 21" not in entries
    assert "+ a" not in entries
    assert entries.gone(b"def f():\n    a < b  # why\nSTEP = 2\n") == ["STEP = 1 << 20"]


def test_files_of_tests_that_load_none_of_the_changed_modules_are_not_measured() -> None:
    files = seeing({"services/dns/postroad_dns/lookup.py"})
    assert {"tests/dns/test_lookup.py", "tests/test_limits.py"} < files
    assert "tests/dns/test_server.py" in files  # by other modules, one through the other
    assert not any(file.startswith(("tests/store/", "tests/relay/")) for file in files)


def test_a_module_meets_its_own_tests_first_and_those_of_its_neighbours_if_there_are_none() -> None:
    own = {file for file in near("postroad_dns.lookup") if not file.startswith("tests/golden/")}
    assert own == {"tests/dns/test_lookup.py", "tests/test_limits.py"}
    assert {"tests/common/smtp/server/test_engine.py", "tests/test_limits.py"} < near("postroad.smtp.server.verbs")


class Contexts:
    """In place of `coverage`: which context was switched to."""

    def __init__(self) -> None:
        self.switched: list[str] = []

    def switch_context(self, name: str) -> None:
        self.switched.append(name)


def recorded(folder: Path, text: str) -> tuple[Recorder, list[str]]:
    """Run a file of tests; return what was recorded, and the contexts in their order."""
    file, settings = folder / f"test_{folder.name}.py", folder / "pytest.ini"  # a module is imported once
    file.write_text(text)
    settings.write_text("[pytest]\n")
    contexts = Contexts()
    recorder = Recorder(contexts)  # type: ignore[arg-type]
    without = ("-p", "no:cacheprovider", "-p", "no:asyncio")
    pytest.main(["-q", "-c", str(settings), *without, str(file)], plugins=[recorder])
    return recorder, [name.partition("::")[2] or name for name in contexts.switched]


def test_what_a_fixture_does_for_several_tests_counts_for_all_of_them(tmp_path: Path) -> None:
    recorder, contexts = recorded(
        tmp_path,
        "import pytest\n"
        "@pytest.fixture(scope='module')\ndef wide(): pass\n"
        "@pytest.fixture\ndef narrow(wide): pass\n"
        "def test_a(wide): pass\ndef test_b(): pass\ndef test_c(narrow): pass\n",
    )
    assert contexts == ["test_a", "fixture wide", "test_a", "", "test_b", "", "test_c", ""]
    assert [test.partition("::")[2] for test in recorder.shared["fixture wide"]] == ["test_a", "test_c"]


def test_what_is_remembered_of_a_test_is_forgotten_before_the_next(tmp_path: Path) -> None:
    recorder, _ = recorded(
        tmp_path,
        "from functools import lru_cache\n"
        "class Lazy:\n    @property\n    def __class__(self): raise KeyError\n"
        "lazy, asked = [Lazy()], []\n"
        "def ask(): asked.append(1)\nask.__module__ = 'postroad.module'\nask = lru_cache(ask)\n"
        "def test_a(): ask(); assert asked == [1]\ndef test_b(): ask(); ask(); assert asked == [1, 1]\n",
    )
    assert (len(recorder.seconds), recorder.failed) == (2, set())


def test_a_test_that_is_skipped_notices_nothing(tmp_path: Path) -> None:
    text = "import pytest\ndef test_a(): pass\ndef test_b(): pytest.skip()\n@pytest.mark.skip\ndef test_c(): pass\n"
    recorder, _ = recorded(tmp_path, text)
    assert [test.partition("::")[2] for test in recorder.taken()] == ["test_a"]
    assert recorder.failed == set()


def test_what_was_measured_holds_until_something_changes_and_unless_a_test_failed() -> None:
    file = str(Path(__file__).relative_to(ROOT))
    assert holds(hashes([file], began=float("inf")), failed=[])
    assert not holds(hashes([file], began=0.0), failed=[])  # it has changed while it was measured
    assert not holds({file: "another"}, failed=[])
    assert not holds({}, failed=["test_a"])
