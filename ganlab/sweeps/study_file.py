"""The keys of study.yaml and their checks: a matrix of values, or a search."""

from collections.abc import Callable, Iterator
from typing import Annotated, Any

from pydantic import AfterValidator, Field, WithJsonSchema, model_validator
from pydantic_core import PydanticCustomError

from ganlab.config.document import Keys, shown
from ganlab.config.fields import Described, Section, Text, located, one_of, together, whole
from ganlab.config.keras_schema import one_key
from ganlab.config.merging import keys_of
from ganlab.objectives import OBJECTIVES

RANGES = {"range", "log_range"}
_SPACE_WORDS = "a list of choices, {range: [low, high]} or {log_range: [low, high]}"
_NOT_VARIED = {
    "name": "ganlab names a cell after its values",
    "extends": "name the config that extends another under 'base'",
    "seed": "list seeds under 'seeds'",
}


def _unvaried(values: dict[str, Any], where: Keys = ()) -> Iterator[PydanticCustomError]:
    """A mistake for each key that no study varies."""
    for key in values:
        parts = keys_of(key)
        if parts is None:
            yield located("expected a dotted key, as in train.batch_size", (*where, key))
        elif parts[0] in _NOT_VARIED:
            yield located(f"cannot be varied; {_NOT_VARIED[parts[0]]}", (*where, key))


def _repeated(values: list[Any], where: Keys = ()) -> Iterator[PydanticCustomError]:
    for index, value in enumerate(values):
        if any(same(value, other) for other in values[:index]):
            yield located(f"{shown(value)} is in the list already", (*where, index))


def _overlap(key: str, other: str) -> bool:
    """Whether setting one key sets the other one, too, or sets it back."""
    parts, others = keys_of(key) or [key], keys_of(other) or [other]
    shared = min(len(parts), len(others))
    return parts[:shared] == others[:shared] or {key, other} == {"train.steps", "train.epochs"}


def _overlapping(space: dict[str, Any]) -> Iterator[PydanticCustomError]:
    for index, key in enumerate(space):
        if found := next((other for other in list(space)[:index] if _overlap(key, other)), None):
            yield located(f"sets a part of what '{found}' sets", (key,))


def _in_matrix(matrix: dict[str, list[Any]]) -> Iterator[PydanticCustomError]:
    yield from _unvaried(matrix)
    setters: dict[str, str] = {}
    for entry, values in matrix.items():
        yield from _repeated(values, (entry,))
        sets_several = is_label(entry, values)
        for index, value in enumerate(values if sets_several else [{entry: None}]):
            if sets_several:
                yield from _unvaried(value, (entry, index))
            for key in value:
                if found := next((k for k, by in setters.items() if by != entry and _overlap(k, key)), None):
                    by = f"'{setters[found]}' sets"
                    told = f"which {by} already" if found == key else f"but {by} {found}, which overlaps with it"
                    yield located(f"sets {key}, {told}", (entry,))
                setters.setdefault(key, entry)


def _without(mistakes: Callable[[Any], Iterator[PydanticCustomError]]) -> Callable[[Any], Any]:
    """A check that raises all mistakes of a value together."""

    def check(value: Any) -> Any:
        if found := list(mistakes(value)):
            raise together(found)
        return value

    return check


def _require_space(space: dict[str, Any]) -> dict[str, Any]:
    """Each value is a list of choices, or a range of one key: `{range: [1, 8]}`, `{log_range: [1e-5, 1e-2]}`."""
    for key, value in space.items():
        if isinstance(value, list) and value:
            continue
        if not (isinstance(value, dict) and len(value) == 1 and value.keys() <= RANGES):
            raise located(f"expected {_SPACE_WORDS}, received {shown(value)}", (key,))
        ((kind, ends),) = value.items()
        are_numbers = isinstance(ends, list) and len(ends) == 2 and all(type(end) in (int, float) for end in ends)
        if not (are_numbers and ends[0] < ends[1] and (kind == "range" or ends[0] > 0)):
            least = "" if kind == "range" else " and 0 < low"
            raise located(f"expected [low, high] with low < high{least}, received {shown(ends)}", (key, kind))
    return space


def _filled(kind: Any, words: str, *checks: Callable[[Any], Any]) -> Any:
    """The type of a list or mapping that is not empty; `checks` look at its items."""
    return Annotated[kind, Field(min_length=1), Described(words), *map(AfterValidator, checks)]


_Values = _filled(list[Any], "a list of values")
_Setting = _filled(dict[str, Any], "a mapping of keys to values", _without(_unvaried))
_Settings = _filled(list[_Setting], "a list of mappings of keys to values")


_PAIR = {"type": "array", "items": {"type": "number"}, "minItems": 2, "maxItems": 2}
_FORMS = [{"type": "array", "minItems": 1}, *(one_key(_PAIR, [kind]) for kind in sorted(RANGES))]
_Space = Annotated[Any, WithJsonSchema({"anyOf": _FORMS})]


class SearchFile(Section):
    """The keys of a search."""

    metric: Text
    trials: whole(1, 10_000)
    batch: whole(1, 1000) = 1
    pruner: one_of("none", "median") = "none"
    space: _filled(
        dict[str, _Space],
        "a mapping of keys to choices and ranges",
        _without(_unvaried),
        _without(_overlapping),
        _require_space,
    )


class StudyFile(Section):
    """The keys of study.yaml."""

    base: Annotated[str, Described("the path of the config that is varied")]
    matrix: _filled(dict[str, _Values], "a mapping of keys to lists of values", _without(_in_matrix)) = Field({})
    include: _Settings = Field([])
    exclude: _Settings = Field([])
    seeds: _filled(list[whole(0)], "a list of integers >= 0", _without(_repeated)) | None = None
    search: SearchFile | None = None

    @model_validator(mode="after")
    def _a_search_has_no_matrix(self) -> "StudyFile":
        said = [key for key in ("matrix", "include", "exclude") if getattr(self, key)]
        if self.search and said:
            raise located("expected none beside search, which has its own space", (said[0],))
        return self


def is_label(entry: str, values: list[Any]) -> bool:
    """Whether an entry of the matrix is a label whose values set several keys each; else it is a config's key."""
    is_free = keys_of(entry) == [entry] and not any(entry in kind.config.model_fields for kind in OBJECTIVES.values())
    return is_free and all(isinstance(value, dict) and value for value in values)


def same(one: object, other: object) -> bool:
    """Whether two YAML values are equal: 2 equals 2.0, but true does not equal 1."""
    return one == other and isinstance(one, bool) == isinstance(other, bool)
