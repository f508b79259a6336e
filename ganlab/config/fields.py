"""The kinds of field in a config, each with its words for error messages; documents checked against pydantic models."""

import re
from collections.abc import Iterable, Sequence
from types import UnionType
from typing import Annotated, Any, Literal, TypeVar, get_args, get_origin

from pydantic import BaseModel, ConfigDict, Field, GetCoreSchemaHandler, ValidationError, WrapValidator
from pydantic_core import CoreSchema, PydanticCustomError

from ganlab.config.document import Document, Keys, error_in, plainly, shown, sweep_hint
from ganlab.errors import did_you_mean, raise_first

MAX_INT = 2**63 - 1
MAX_NAME = 80  # characters
_MOST_PLACES = 3  # in a hint
_SEVERAL = re.compile("[0-9]+(,[0-9]+)+")


class Section(BaseModel):
    """A mapping of a config: unknown keys fail, no value is converted, no value can be changed later."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


class Described:
    """Annotates a field with its description.

    The error about a wrong value is "expected {words}", with a hint at the nearest of the `choices`.
    """

    def __init__(self, words: str, choices: Iterable[str] = ()):
        self.words, self.choices = words, tuple(choices)

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return WrapValidator(self._check).__get_pydantic_core_schema__(source, handler)

    def _check(self, value: Any, inner: Any) -> Any:
        try:
            return inner(value)
        except ValidationError as error:
            if any(detail["type"] == "located" for detail in error.errors(include_url=False)):
                raise  # a value inside has its own message
            most = f" and <= {MAX_INT}" if type(value) is int and value > MAX_INT else ""
            raise located(
                f"expected {self.words}{most}, received {shown(value)}{nearest(value, self.choices)}"
            ) from None


def nearest(value: Any, choices: Iterable[str]) -> str:
    """A hint at the nearest choice, to append to a message without a full stop; '' if there is none."""
    hint = did_you_mean(value, choices, list_all_up_to=0) if isinstance(value, str) else ""
    return f".{hint}" if hint else ""


def located(message: str, keys: Keys = ()) -> PydanticCustomError:
    """An error for a validator to raise, about the value at `keys` below its own value."""
    return PydanticCustomError("located", "{message}", {"message": message, "keys": keys, "more": []})


def together(errors: Sequence[PydanticCustomError]) -> PydanticCustomError:
    """One error for several of `located`."""
    first, *others = [each for error in errors for each in ({**error.context, "more": []}, *error.context["more"])]
    return PydanticCustomError("located", "{message}", first | {"more": others})


def described(kind: Any, words: str, *choices: str) -> Any:
    """A type whose error is "expected {words}", with a hint at the nearest of the choices."""
    return Annotated[kind, Described(words, choices)]


def whole(low: int, high: int = MAX_INT) -> Any:
    """The type of an integer between two bounds, both included."""
    return described(Annotated[int, Field(ge=low, le=high)], _bounds(low, high))


def whole_or_null(low: int, high: int = MAX_INT) -> Any:
    """As `whole`, or null."""
    return described(Annotated[int, Field(ge=low, le=high)] | None, f"{_bounds(low, high)} or null")


def _bounds(low: int, high: int) -> str:
    return f"an integer >= {low}" if high == MAX_INT else f"an integer from {low} to {high}"


def one_of(*names: str) -> Any:
    """The type of one word out of a few."""
    return described(Literal[names], f"one of {', '.join(names)}", *names)


def scheduled(kind: Any, words: str) -> Any:
    """The type of a number, or of its schedule over the steps as `{Name: {arguments}}`, which is checked when it is built."""
    schedule = Annotated[dict[str, dict[str, Any] | None], Field(min_length=1, max_length=1)]
    return described(kind | schedule, f"{words} or a schedule as {{Name: {{arguments}}}}")


def without_schedule(value: Any) -> Any:
    """What tables show of a number that may follow a schedule: a schedule's name and first value, or the number as it is."""
    if not isinstance(value, dict):
        return value
    ((name, arguments),) = value.items()
    return f"{name}({next(iter((arguments or {}).values()), '')})"


_Positive = Annotated[float, Field(gt=0)]
Positive = described(_Positive, "a number > 0")
PositiveOrNull = described(_Positive | None, "a number > 0 or null")
PositiveOverSteps = scheduled(_Positive, "a number > 0")
DecayOverSteps = scheduled(Annotated[float, Field(gt=0, lt=1)] | None, "null, a number between 0 and 1 (both excluded)")
ShareOverSteps = scheduled(Annotated[float, Field(ge=0, le=1)] | None, "null, a number from 0 to 1")
Text = described(str, "a text")
Flag = described(bool, "true or false")
Name = Annotated[
    str,
    Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._=,-]*$", max_length=MAX_NAME),
    Described(
        f"a name of at most {MAX_NAME} letters, digits, '.', '_', '-', '=' and ',' that begins with a letter or digit"
    ),
]
TRACKER = "(mlflow(:[a-z]+[^ ]*://.+)?|tensorboard(:.+)?)"
TRACKER_WORDS = "mlflow, mlflow:URI, tensorboard or tensorboard:FOLDER"
Track = Annotated[str, Field(pattern=f"^(none|{TRACKER})$"), Described(f"none, {TRACKER_WORDS}")]

Root = TypeVar("Root", bound=Section)


def validate(root: type[Root], document: Document, also: Iterable[str] = ()) -> Root:
    """The document as a model; hints at unknown keys also offer `also` at the top of the file.

    Raises: ConfigError, the first mistake in the order of the document, with the others; missing keys come last.
    """
    if not isinstance(document.root.value, dict):
        raise error_in(document, (), f"expected a mapping of keys, received {shown(document.data)}")
    try:
        return root.model_validate(document.data)
    except ValidationError as error:
        details = [each for detail in error.errors(include_url=False) for each in _single(detail)]
        details.sort(key=lambda detail: (detail["type"] == "missing", *document.order(path_of(detail))))
        found = [(path_of(detail), message_of(detail, root, also, document.data)) for detail in details]
    hints = re.compile("unknown key. Did you mean '(.+)'[?]")
    misspelled = {(*keys[:-1], hint[1]) for keys, message in found if (hint := hints.fullmatch(message))}
    # A misspelled key is no missing key, too.
    left = [each for each in found if not (each[0] in misspelled and each[1].startswith("missing;"))]
    raise_first(error_in(document, *each) for each in left)


def _single(detail: dict[str, Any]) -> list[dict[str, Any]]:
    """A finding of pydantic, or one for each of the errors that `together` joined."""
    if detail["type"] != "located":
        return [detail]
    return [detail | {"ctx": context} for context in (detail["ctx"], *detail["ctx"]["more"])]


def path_of(detail: dict[str, Any]) -> Keys:
    """The path of the value in a finding of pydantic."""
    below = detail["ctx"]["keys"] if detail["type"] == "located" else ()
    return (*detail["loc"], *below)


def message_of(
    detail: dict[str, Any], root: type[BaseModel], also: Iterable[str] = (), content: dict[str, Any] | None = None
) -> str:
    """A finding of pydantic about the model `root`, in ganlab's words; `content` is the whole document."""
    keys, kind = path_of(detail), detail["type"]
    if kind == "located":
        return _told_of_sweep(detail, content or {})
    if kind == "missing":
        return f"missing; expected {_words(root, keys)}"
    if kind == "extra_forbidden":
        if places := content and _places_of(keys[-1], root, content):
            return f"unknown key. Did you mean {' or '.join(map(repr, places))}?"
        choices = [*_section_at(root, keys[:-1]).model_fields, *(also if len(keys) == 1 else [])]
        return f"unknown key.{did_you_mean(keys[-1], choices)}"
    if kind in ("model_type", "model_attributes_type", "dict_type"):
        return f"expected a mapping, received {shown(detail['input'])}{_hint_at_key(root, keys, detail['input'])}"
    if kind == "list_type":
        return f"expected a list, received {shown(detail['input'])}"
    raise AssertionError(f"a field at {keys} has no words for {detail}")


def _places_of(word: str, root: type[BaseModel], content: dict[str, Any]) -> list[str]:
    """The dotted keys of a config that end in a word: of its sections, and of the optimizers that it has."""
    sections = {name: _section_at(root, (name,)) for name in root.model_fields}
    found = [f"{name}.{word}" for name, section in sections.items() if word in getattr(section, "model_fields", ())]
    for network in getattr(root, "NETWORKS", ()):
        written = content.get(network)
        optimizer = written.get("optimizer") if isinstance(written, dict) else None
        for kind, arguments in optimizer.items() if isinstance(optimizer, dict) else ():
            if word == "learning_rate" or (isinstance(arguments, dict) and word in arguments):
                found.append(f"{network}.optimizer.{kind}.{word}")
    return found if len(found) <= _MOST_PLACES else []


def _hint_at_key(root: type[BaseModel], keys: Keys, value: Any) -> str:
    """How to write a plain value in place of a section, if the section's first key takes it: `latent: 16`."""
    section = _section_at(root, keys)
    if not (names := getattr(section, "model_fields", {})):  # an open mapping
        return ""
    first = next(iter(names))
    try:
        section.model_validate({first: value})
    except ValidationError:
        return ""
    return f". Write {{{first}: {plainly(value)}}}."


def _told_of_sweep(detail: dict[str, Any], content: dict[str, Any]) -> str:
    """The message of a located error; if a config's key takes one value and has several, with a hint at a sweep."""
    message, value = detail["ctx"]["message"], detail["input"]
    expected, _, received = message.partition(", received ")
    if not received or "list" in expected or "[" in expected or detail["ctx"]["keys"] or "data" not in content:
        return message
    if isinstance(value, str) and "an integer" in expected and _SEVERAL.fullmatch(value):  # -o train.batch_size=32,64
        return f"{expected}, received {shown(value)}{sweep_hint(detail['loc'], value.split(','))}"
    return message + sweep_hint(detail["loc"], value)


def _section_at(root: type[BaseModel], keys: Keys) -> type[BaseModel]:
    """The model that describes the mapping at a path."""
    section = root
    for key in keys:
        is_open = get_origin(section) in (dict, list)  # any key, as in penalty; any index
        section = get_args(section)[-1] if is_open else section.model_fields[key].annotation
        if get_origin(section) is UnionType:  # a section or null
            section = get_args(section)[0]
    return section


def _words(root: type[BaseModel], keys: Keys) -> str:
    """The words for a missing field."""
    field = _section_at(root, keys[:-1]).model_fields[keys[-1]]
    described = [item.words for item in field.metadata if isinstance(item, Described)]
    if described:
        return described[0]
    parts = getattr(field.annotation, "model_fields", {})
    required = [name for name, part in parts.items() if part.is_required()]
    return f"a mapping with {' and '.join(required)}" if required else "a mapping"
