"""The mutants of a source text: one node of its syntax tree replaced by another.

Left alone are annotations, aliases of types, the types of casts, type variables, decorators, docstrings, asserts (and
zip's `strict`, which is one), f-strings, calls of a logger, `__all__`, `__slots__`, what only type checkers see, and
the sentences of exceptions.
"""

from __future__ import annotations

import ast
import difflib
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_COMPARISONS: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
}
_OPERATIONS: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.FloorDiv,
    ast.FloorDiv: ast.Mult,
    ast.Div: ast.Mult,
    ast.Mod: ast.FloorDiv,
    ast.LShift: ast.RShift,
    ast.RShift: ast.LShift,
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
    ast.BitXor: ast.BitOr,
}
_LOGGERS = {"log", "_log", "logger"}


@dataclass(frozen=True, slots=True)
class Mutant:
    """One change of a module."""

    module: str
    path: str  # from the top of the tree
    line: int  # of the first change
    source: bytes  # the whole changed text
    difference: str  # lines with - and +, without white space in front

    @property
    def text(self) -> str:
        """The change as it is printed."""
        return f"{self.path}:{self.line}\n" + "".join(f"  {line}\n" for line in self.difference.splitlines())


@dataclass(frozen=True, slots=True)
class Candidate:
    """A change that has not been made yet: there are thousands, and few are tried."""

    module: str
    path: str
    source: bytes  # of the module
    line: int
    begin: int  # octets of the source that are replaced
    end: int
    replacement: str

    def mutant(self) -> Mutant | None:
        """Make the change; None where the result is not Python."""
        changed = self.source[: self.begin] + self.replacement.encode() + self.source[self.end :]
        if not _compiles(changed):
            return None
        return Mutant(self.module, self.path, self.line, changed, _difference(self.source, changed))


def candidates(module: str, path: str, source: bytes) -> Iterator[Candidate]:
    """Yield all changes of a module."""
    starts = [0]
    for line in source.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    for node, replacement in _of(ast.parse(source)):
        begin = starts[node.lineno - 1] + node.col_offset
        end = starts[(node.end_lineno or node.lineno) - 1] + (node.end_col_offset or 0)
        yield Candidate(module, path, source, node.lineno, begin, end, replacement)


def _compiles(source: bytes) -> bool:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            compile(source, "mutant", "exec")
    except (SyntaxError, ValueError):
        return False
    return True


def _difference(before: bytes, after: bytes) -> str:
    texts = (before.decode().splitlines(), after.decode().splitlines())
    lines = list(difflib.unified_diff(*texts, n=0, lineterm=""))[2:]
    return "\n".join(f"{line[0]} {line[1:].strip()}" for line in lines if not line.startswith("@@"))


Change = tuple["ast.expr | ast.stmt", str]


def _of(node: ast.AST, *, sentence: bool = False) -> Iterator[Change]:
    """Yield the changes in a subtree; `sentence`: strings with blanks are words for people."""
    match node:
        case ast.Assert() | ast.JoinedStr() | ast.Expr(value=ast.Constant()) | ast.Import() | ast.ImportFrom():
            return
        case ast.If(test=ast.Name(id="TYPE_CHECKING")):
            return
        case ast.Assign(targets=[ast.Name(id="__slots__" | "__all__")]):
            return
        case ast.AnnAssign(annotation=ast.Name(id="TypeAlias")) | ast.keyword(arg="strict"):
            return
        case ast.Assign(value=ast.Call(func=ast.Name(id="TypeVar" | "ParamSpec" | "NewType"))):
            return
        case ast.Expr(value=ast.Call(func=ast.Attribute(value=ast.Name(id=name)))) if name in _LOGGERS:
            return
        case ast.FunctionDef() | ast.AsyncFunctionDef():
            children: list[ast.AST] = [*node.args.defaults, *filter(None, node.args.kw_defaults), *node.body]
        case ast.ClassDef() | ast.Module():
            children = list(node.body)
        case ast.AnnAssign():
            children = [node.value] if node.value is not None else []
        case ast.Lambda():
            children = [node.body]
        case ast.Call(func=ast.Name(id="cast")):
            children = [*node.args[1:]]
        case _:
            children = list(ast.iter_child_nodes(node))
    if isinstance(node, ast.stmt):
        yield from _of_statement(node)
    elif isinstance(node, ast.expr):
        yield from _of_expression(node, sentence=sentence)
    for child in children:
        yield from _of(child, sentence=sentence or isinstance(node, ast.Raise))


def _of_statement(node: ast.stmt) -> Iterator[Change]:
    match node:
        case ast.Return(value=ast.expr()) if not _is_none_or_false(node.value):
            yield node, "return None"
        case ast.Expr(value=ast.Call() | ast.Await()) | ast.Assign(targets=[ast.Attribute()]):
            yield node, "pass"
        case ast.AugAssign():
            if type(node.op) in _OPERATIONS:
                other = ast.AugAssign(node.target, _OPERATIONS[type(node.op)](), node.value)
                yield node, ast.unparse(other)
            yield node, f"{ast.unparse(node.target)} = {ast.unparse(node.value)}"
        case ast.Break():
            yield node, "continue"
        case ast.Continue():
            yield node, "break"
        case ast.If() | ast.While():
            yield from _negated(node.test)
        case _:
            pass


def _is_none_or_false(node: ast.expr | None) -> bool:
    return isinstance(node, ast.Constant) and (node.value is None or node.value is False)


def _negated(test: ast.expr) -> Iterator[Change]:
    """Yield the opposite of a condition; comparisons and what `not` and `and` make have changes of their own."""
    if not isinstance(test, ast.Compare | ast.BoolOp | ast.UnaryOp | ast.Constant):
        yield _replaced(test, ast.UnaryOp(ast.Not(), test))


def _replaced(node: ast.expr, other: ast.expr) -> Change:
    return node, f"({ast.unparse(other)})"


def _of_expression(node: ast.expr, *, sentence: bool) -> Iterator[Change]:
    match node:
        case ast.Compare():
            for index, operator in enumerate(node.ops):
                operators = [*node.ops[:index], _COMPARISONS[type(operator)](), *node.ops[index + 1 :]]
                yield _replaced(node, ast.Compare(node.left, operators, node.comparators))
        case ast.BoolOp():
            opposite = ast.Or() if isinstance(node.op, ast.And) else ast.And()
            yield _replaced(node, ast.BoolOp(opposite, node.values))
            for index in range(len(node.values)):
                yield _replaced(node, _joined(node.op, [*node.values[:index], *node.values[index + 1 :]]))
        case ast.UnaryOp(op=ast.Not()):
            yield _replaced(node, node.operand)
        case ast.BinOp() if type(node.op) in _OPERATIONS:
            yield _replaced(node, ast.BinOp(node.left, _OPERATIONS[type(node.op)](), node.right))
        case ast.IfExp():
            yield from _negated(node.test)
        case ast.ListComp() | ast.SetComp() | ast.GeneratorExp() | ast.DictComp():
            for generator in node.generators:
                for test in generator.ifs:
                    yield from _negated(test)
        case ast.Constant():
            yield from _of_constant(node, sentence=sentence)
        case _:
            pass


def _joined(operator: ast.boolop, values: Sequence[ast.expr]) -> ast.expr:
    return values[0] if len(values) == 1 else ast.BoolOp(operator, list(values))


def _of_constant(node: ast.Constant, *, sentence: bool) -> Iterator[Change]:
    match node.value:
        case bool(value):
            yield _replaced(node, ast.Constant(not value))
        case int(value) | float(value):
            yield _replaced(node, ast.Constant(value + 1))
        case str(value) if not (sentence and " " in value):
            yield _replaced(node, ast.Constant(f"XX{value}XX" if value else "XX"))
        case bytes(value):
            yield _replaced(node, ast.Constant(b"XX" + value + b"XX" if value else b"XX"))
        case _:
            pass
