"""Names and arguments of Keras' classes, read from the source text of Keras: an import of Keras takes seconds."""

import ast
import functools
from importlib.util import find_spec
from pathlib import Path
from typing import Any

REQUIRED = object()  # in place of the default of an argument that has none
_NO_FUNCTIONS = ("get", "serialize", "deserialize")  # beside the activations


def arguments_of(module: str, base: str) -> dict[str, dict[str, Any]]:
    """The public classes of a module and their arguments.

    Args:
        module: such as `keras.layers`.
        base: the name of the class that the classes extend, such as `Layer`.

    Returns: name -> argument -> default; REQUIRED for an argument without default, None for a default that is no literal.
    """
    found = {}
    for name in _names_of(module):
        lines = _lineage(module, name)
        if any(cls.name == base for cls in lines[1:]):
            written = (init.args for cls in lines for init in cls.body)
            found[name] = _defaults(next(written, ast.arguments([], [], None, [], [], None, [])))
    return found


@functools.cache
def first_arguments() -> dict[str, str]:
    """The class of a layer or an optimizer -> its first argument, if a plain value can stand for it: `units` of Dense."""
    classes = arguments_of("keras.layers", "Layer") | arguments_of("keras.optimizers", "Optimizer")
    first = {name: next(iter(arguments.items()), ("", None)) for name, arguments in classes.items()}
    return {
        name: key for name, (key, default) in first.items() if default is REQUIRED or isinstance(default, float | tuple)
    }


def activations() -> list[str]:
    """The names of Keras' activations."""
    return [name for name in _names_of("keras.activations") if name.islower() and name not in _NO_FUNCTIONS]


@functools.cache
def _names_of(module: str) -> dict[str, ast.ClassDef | tuple[str, str]]:
    """The classes of a module, and its imported names as (module, name there); {} for a module without source."""
    package, *rest = module.split(".")
    if (spec := find_spec(package)) is None or spec.origin is None:
        return {}
    path = Path(spec.origin).parent.joinpath(*rest)
    path = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    text = path.read_text(encoding="utf-8") if path.is_file() else ""
    names: dict[str, ast.ClassDef | tuple[str, str]] = {}
    for node in ast.parse(text).body:
        if isinstance(node, ast.ImportFrom):
            names |= {alias.asname or alias.name: (node.module, alias.name) for alias in node.names}
        elif isinstance(node, ast.ClassDef):
            # Keep nothing else: Python's collector would walk it again and again, half of the time.
            node.body = [each for each in node.body if getattr(each, "name", "") == "__init__"]
            names[node.name] = node
    return names


def _lineage(module: str, name: str) -> list[ast.ClassDef]:
    """A class and the classes above it, the nearest first; [] for a name that is no class."""
    names = _names_of(module)
    found = names.get(name)
    if not isinstance(found, ast.ClassDef):
        return _lineage(*found) if found not in (None, (module, name)) else []  # a module imports its folder's modules
    above = []
    for base in found.bases:
        place, _, word = ast.unparse(base).rpartition(".")
        imported = names.get(place)
        above += _lineage(".".join(imported) if isinstance(imported, tuple) else place or module, word)
    return [found, *above]


def _defaults(arguments: ast.arguments) -> dict[str, Any]:
    named = arguments.args[1:]  # without self
    missing = [REQUIRED] * (len(named) - len(arguments.defaults))
    pairs = [*zip(named, [*missing, *arguments.defaults], strict=True)]
    pairs += [
        (name, default or REQUIRED) for name, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
    ]
    return {name.arg: _literal(default) for name, default in pairs if name.arg != "dtype"}


def _literal(default: Any) -> Any:
    if default is REQUIRED:
        return REQUIRED
    try:
        return ast.literal_eval(default)
    except ValueError:
        return None
