"""Which modules a file of tests can reach by imports: what reaches none that is changed need not be measured.

Imports within functions count, and those that only type checkers see: too many files are measured rather than too few.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from tests.mutants.trials import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

# A syntax tree would say the same, of a thousand files, in thirty times the time.
_IMPORT = re.compile(r"^ *(?:from ([\w.]+) )?import (\([^)]*\)|.*)$", re.MULTILINE)
_NAME = re.compile(r"[\w.]+")


@dataclass(frozen=True, slots=True)
class Reach:
    """What loads what, among these packages."""

    folders: dict[str, str]  # of each package, from the top of the tree
    _loaded: dict[str, set[str]] = field(default_factory=dict)

    def of(self, place: str) -> set[str]:
        """Return the files that a file of tests and its conftest.py load, one through the other."""
        todo = {place, *(str(folder / "conftest.py") for folder in Path(place).parents)}
        files: set[str] = set()
        while todo:
            file = todo.pop()
            files.add(file)
            todo |= self._loads(file) - files
        return files

    def _loads(self, file: str) -> set[str]:
        if file not in self._loaded:
            self._loaded[file] = {path for name in _imported(file) for path in self._files(name)}
        return self._loaded[file]

    def _files(self, name: str) -> Iterator[str]:
        """Yield the files that the import of a dotted name may load: packages and, at the end, a module."""
        package, *rest = name.split(".")
        if package in self.folders:
            path = self.folders[package]
            for part in ("", *(f"/{inner}" for inner in rest)):
                path += part
                yield from (f"{path}.py", f"{path}/__init__.py")


def _imported(file: str) -> set[str]:
    """Return the dotted names of what a file imports: modules, and what is taken from them, which may be one."""
    names: set[str] = set()
    if (ROOT / file).is_file():
        for source, taken in _IMPORT.findall((ROOT / file).read_text(encoding="utf-8")):
            names.update(f"{source}.{name}" if source else name for name in _NAME.findall(taken))
    return names
