"""What a changed module computes at its import, handed over to a process that has imported the unchanged module."""

import copy
import dataclasses
import functools
import operator
import sys
import types
from typing import Any


def take_values(module: types.ModuleType, code: types.CodeType) -> None:
    """Runs the changed code of a module beside it; names of old values stand for the new ones, wherever they were imported.

    Functions, classes and dictionaries stay, with new defaults, attributes and items. What another module has computed from an
    old value stays as well.
    """
    for name, new in run_beside(module, code).items():
        old = vars(module).get(name)
        value = merged(old, new)
        if value is not old:
            for other in list(sys.modules.values()):
                if getattr(other, "__dict__", {}).get(name) is old:
                    setattr(other, name, value)


def run_beside(module: types.ModuleType, code: types.CodeType) -> dict[str, Any]:
    """The names that other code gives to the same module."""
    names = {name: value for name, value in vars(module).items() if name.startswith("__")}
    exec(code, names)
    return names


def merged(old: Any, new: Any) -> Any:
    """`new`, made of parts of `old` where they are equal; `old` itself if nothing differs or if its kind is unknown."""
    if old is new:
        return old
    if isinstance(old, types.FunctionType) and isinstance(new, types.FunctionType):
        if name_of(old.__code__) != name_of(new.__code__):
            return new
        closures = zip(old.__closure__ or (), new.__closure__ or (), strict=True)
        contents = [(before.cell_contents, after.cell_contents) for before, after in closures]
        if any(merged(*pair) is not pair[0] for pair in contents if not isinstance(pair[0], type)):
            return new
        old.__defaults__ = merged(old.__defaults__, new.__defaults__)
        old.__kwdefaults__ = merged(old.__kwdefaults__, new.__kwdefaults__)
        return old
    if type(old).__qualname__ != type(new).__qualname__:
        return new
    match new:
        case type():
            if old.__qualname__ != new.__qualname__:
                return new
            for name in [name for name in vars(new) if name == "__init__" or not name.startswith("__")]:
                attribute, value = vars(old).get(name), vars(new)[name]
                if (changed := merged(attribute, value)) is not attribute:
                    setattr(old, name, changed)
            return old
        case dict():
            parts = {key: merged(old.get(key), value) for key, value in new.items()}
            if list(old) != list(parts) or not all(map(operator.is_, old.values(), parts.values())):
                old.clear(), old.update(parts)  # other tables hold it, too
            return old
        case list() | tuple() if len(old) == len(new):
            parts = list(map(merged, old, new))
            same = all(map(operator.is_, old, parts))
            return old if same else type(old)(*parts) if hasattr(old, "_fields") else type(old)(parts)
        case functools.partial():
            before = old.func, old.args, old.keywords
            after = merged(before, (new.func, new.args, new.keywords))
            return old if after is before else functools.partial(after[0], *after[1], **after[2])
        case int() | float() | str() | list() | tuple() | set() | frozenset() | types.MappingProxyType():
            return old if old == new else new
    if dataclasses.is_dataclass(new):
        result, names = copy.copy(old), [field.name for field in dataclasses.fields(old)]
        for name in names:
            object.__setattr__(result, name, merged(getattr(old, name), getattr(new, name)))
        return old if all(getattr(result, name) is getattr(old, name) for name in names) else result
    return old


def name_of(code: types.CodeType) -> tuple[str, int, bytes]:
    """Tells code from other code of its file; the table of lines tells two lambdas of one line apart."""
    return code.co_qualname, code.co_firstlineno, code.co_linetable
