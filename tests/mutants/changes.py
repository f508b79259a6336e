"""The changes that `python -m tests.mutants` makes: one operator, number, name, statement or item of a list at a time."""

import ast
import collections
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
_OPERATORS = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.Mult,
    ast.Pow: ast.Mult,
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
    ast.And: ast.Or,
    ast.Or: ast.And,
}
_NAMES = {"min": "max", "max": "min", "minimum": "maximum", "maximum": "minimum", "any": "all", "all": "any"}
_FUNCTIONS = ast.FunctionDef | ast.Lambda


class Change(NamedTuple):
    """One change of a source file.

    Attributes:
        file: relative to the checkout.
        key: names the change among the results: file, text of the line, column, change in words; no number of a line.
        line: where the change is.
        statement: the lines of the innermost statement around it.
        inside: whether it lies in the body of a function, and not in what runs when the module is imported.
        make: gives the changed syntax tree; everything else in it has its old place.
    """

    file: str
    key: str
    line: int
    statement: range
    inside: bool
    make: Callable[[], ast.Module]


def changes_of(node: ast.AST) -> Iterator[tuple[str, Callable[[ast.AST], None]]]:
    """The changes of one node: each in words, and a function that makes it in a copy of the node."""
    match node:
        case ast.BinOp() | ast.BoolOp() if (new := _OPERATORS.get(type(node.op))) is not None:
            yield f"{type(node.op).__name__} -> {new.__name__}", lambda copied: setattr(copied, "op", new())
        case ast.Compare() if (new := _OPERATORS.get(type(node.ops[0]))) is not None:
            yield f"{type(node.ops[0]).__name__} -> {new.__name__}", lambda copied: copied.ops.__setitem__(0, new())
        case ast.UnaryOp(op=ast.USub()):
            yield "without USub", lambda copied: setattr(copied, "op", ast.UAdd())
        case ast.UnaryOp(op=ast.Not()):
            yield "without Not", lambda copied: setattr(copied, "operand", ast.UnaryOp(ast.Not(), copied.operand))
        case ast.Constant(value=bool()):
            yield f"{node.value} -> {not node.value}", lambda copied: setattr(copied, "value", not node.value)
        case ast.Constant(value=int() | float()):
            one_more = {node.value + 1} if abs(node.value) < 1e6 else set()  # one is nothing beside a rate of 1e11
            for new in sorted((one_more | {node.value * 2}) - {node.value}):
                yield f"{node.value} -> {new}", lambda copied, new=new: setattr(copied, "value", new)
        case ast.Name(id=name) if name in _NAMES:
            yield f"{name} -> {_NAMES[name]}", lambda copied: setattr(copied, "id", _NAMES[name])
        case ast.Attribute(attr=name) if name in _NAMES:
            yield f"{name} -> {_NAMES[name]}", lambda copied: setattr(copied, "attr", _NAMES[name])
        case ast.Set() | ast.List() | ast.Tuple(ctx=ast.Load()) if len(node.elts) > 1:
            for index, element in enumerate(node.elts):
                yield f"without {ast.unparse(element)}", lambda copied, index=index: copied.elts.pop(index)
        case ast.Expr(value=ast.Call()):
            yield f"without {ast.unparse(node)}", lambda copied: setattr(copied, "value", ast.Constant(None))
        case ast.If() | ast.IfExp():
            negated = ast.UnaryOp(ast.Not(), node.test)
            yield "condition -> its contrary", lambda copied: setattr(copied, "test", negated)


def _without_effect(node: ast.AST) -> list[ast.AST | None]:
    """Parts of a node that stay as they are: what is written for readers and type checkers, and decorators.

    Annotations, aliases of types, imports for type checkers alone, and texts of messages compute nothing. A changed decorator
    makes a dataclass changeable or a property a method: no number of a training depends on it. `zip(..., strict=True)` says
    that the lengths are equal; no input makes them differ. A line of the log tells people what takes long.
    """
    found = [getattr(node, name, None) for name in ("annotation", "returns")]
    found += getattr(node, "decorator_list", [])
    match node:
        case ast.JoinedStr() | ast.Raise():
            found.append(node)
        case ast.If(test=ast.Name(id="TYPE_CHECKING")):
            found.append(node)
        case ast.keyword(arg="strict") | ast.Expr(ast.Call(ast.Attribute(ast.Name("_log")))):
            found.append(node)
        case ast.Subscript(
            value=ast.Name(id="Callable" | "Mapping" | "Sequence" | "Iterator" | "tuple" | "dict" | "list")
        ):
            found.append(node)
    return found


def changes_in(file: Path) -> list[Change]:
    """Every change of one source file, in the order of the file."""
    source = file.read_text()
    tree, lines, name = ast.parse(source), source.splitlines(), str(file.relative_to(ROOT))
    nodes = list(ast.walk(tree))
    skipped = {inner for node in nodes for outer in _without_effect(node) if outer for inner in ast.walk(outer)}
    inside = {
        inner for node in nodes if isinstance(node, _FUNCTIONS) for part in _body(node) for inner in ast.walk(part)
    }
    statements = {
        inner: node for node in nodes if isinstance(node, ast.stmt) for inner in ast.walk(node)
    }  # innermost last
    seen: collections.Counter[str] = collections.Counter()
    found = []
    for index, node in enumerate(nodes):
        for words, make in [] if node in skipped else changes_of(node):
            key = f"{name}: {lines[node.lineno - 1].strip()} @{node.col_offset}: {words}"
            seen[key] += 1
            key += f" #{seen[key]}" if seen[key] > 1 else ""
            make_it = lambda index=index, make=make: _changed(source, index, make)  # noqa: E731
            found.append(Change(name, key, node.lineno, _lines(statements[node]), node in inside, make_it))
    return sorted(found, key=lambda change: change.line)


def _body(function: ast.FunctionDef | ast.Lambda) -> list[ast.AST]:
    return function.body if isinstance(function, ast.FunctionDef) else [function.body]


def _lines(statement: ast.stmt) -> range:
    body = getattr(statement, "body", None)
    end = body[0].lineno - 1 if body else statement.end_lineno
    return range(statement.lineno, max(statement.lineno, end) + 1)


def _changed(source: str, index: int, make: Callable[[ast.AST], None]) -> ast.Module:
    tree = ast.parse(source)
    make(list(ast.walk(tree))[index])
    return ast.fix_missing_locations(tree)
