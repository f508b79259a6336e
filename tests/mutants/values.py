"""What a changed module computes at its import, handed over to a process that has imported the unchanged module."""

import copy
import dataclasses
import functools
import operator
import sys
import types
from typing import Any


def take_values(module: types.ModuleType, code: types.CodeType) -> None:
    """Runs the changed code of a module beside it; names of the old values stand for the new ones, wherever they were imported.

    Functions and classes stay, with new defaults and attributes. Values that another module has computed from an old one stay.
    """
    changed = types.ModuleType(module.__name__)
    exec(code, vars(changed))
    for name, new in vars(changed).items():
        old = vars(module).get(name)
        value = merged(old, new)
        if value is not old:
            for other in list(sys.modules.values()):
                if getattr(other, "__dict__", {}).get(name) is old:
                    setattr(other, name, value)


def merged(old: Any, new: Any) -> Any:
    """`new`, made of parts of `old` where they are equal; `old` itself if nothing differs or if its kind is unknown."""
    if old is new:
        return old
    if isinstance(old, types.FunctionType) and isinstance(new, types.FunctionType):
        if name_of(old.__code__) != name_of(new.__code__):
            return new
        cells = [
            (a.cell_contents, b.cell_contents)
            for a, b in zip(old.__closure__ or (), new.__closure__ or (), strict=True)
        ]
        if any(merged(*contents) is not contents[0] for contents in cells):
            return new
        old.__defaults__ = merged(old.__defaults__, new.__defaults__)
        old.__kwdefaults__ = merged(old.__kwdefaults__, new.__kwdefaults__)
        return old
    if type(old).__qualname__ != type(new).__qualname__:
        return new
    match new:
        case type():
            for name, value in vars(new).items() if old.__qualname__ == new.__qualname__ else ():
                before = vars(old).get(name)
                if (after := merged(before, value)) is not before:
                    setattr(old, name, after)
            return old if old.__qualname__ == new.__qualname__ else new
        case dict():
            parts = {key: merged(old.get(key), value) for key, value in new.items()}
            return old if _same(old, parts) else parts
        case list() | tuple() if len(old) == len(new):
            parts = list(map(merged, old, new))
            same = all(map(operator.is_, old, parts))
            return old if same else type(old)(*parts) if hasattr(old, "_fields") else type(old)(parts)
        case functools.partial():
            parts = (old.func, old.args, old.keywords), (new.func, new.args, new.keywords)
            function, arguments, keywords = map(merged, *parts)
            return functools.partial(function, *arguments, **keywords)
        case int() | float() | str() | list() | tuple() | set() | frozenset() | types.MappingProxyType():
            return old if old == new else new
    if dataclasses.is_dataclass(new):
        result = copy.copy(old)
        for field in dataclasses.fields(old):
            object.__setattr__(result, field.name, merged(getattr(old, field.name), getattr(new, field.name)))
        return old if _same(vars(old), vars(result)) else result
    return old


def _same(old: dict, new: dict) -> bool:
    return list(old) == list(new) and all(old[key] is new[key] for key in new)


def name_of(code: types.CodeType) -> tuple[str, int, bytes]:
    """Tells code from other code of its file; the table of lines tells two lambdas of one line apart."""
    return code.co_qualname, code.co_firstlineno, code.co_linetable
