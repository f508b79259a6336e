"""The kinds of field a config has, each with the words that describe it in an error message."""

from collections.abc import Iterable
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, GetCoreSchemaHandler, ValidationError, WrapValidator
from pydantic_core import CoreSchema, PydanticCustomError

from ganlab.config.document import Keys, shown
from ganlab.errors import did_you_mean

MAX_INT = 2**63 - 1


class Section(BaseModel):
    """A mapping of a config: unknown keys fail, nothing is converted, nothing can be changed afterwards."""

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
                raise  # a value inside this one has its own message
            raise located(f"expected {self.words}, received {shown(value)}{nearest(value, self.choices)}") from None


def nearest(value: Any, choices: Iterable[str]) -> str:
    """A hint at the choice that a word may have meant, to append to a message without a full stop; '' if there is none."""
    hint = did_you_mean(value, choices, list_all_up_to=0) if isinstance(value, str) else ""
    return f".{hint}" if hint else ""


def located(message: str, keys: Keys = ()) -> PydanticCustomError:
    """An error for a validator to raise, about the value at `keys` below the one it validates."""
    return PydanticCustomError("located", "{message}", {"message": message, "keys": keys})


def described(kind: Any, words: str, *choices: str) -> Any:
    """A type whose error is "expected {words}", with a hint at the nearest of the choices."""
    return Annotated[kind, Described(words, choices)]


def whole(low: int, high: int = MAX_INT) -> Any:
    """The type of an integer between two bounds, both included."""
    return described(Annotated[int, Field(ge=low, le=high)], _bounds(low, high))


def whole_or_null(low: int, high: int = MAX_INT) -> Any:
    """The type of an integer between two bounds, both included, or null."""
    return described(Annotated[int, Field(ge=low, le=high)] | None, f"{_bounds(low, high)} or null")


def _bounds(low: int, high: int) -> str:
    return f"an integer >= {low}" if high == MAX_INT else f"an integer from {low} to {high}"


def one_of(*names: str) -> Any:
    """The type of one word out of a few."""
    return described(Literal[names], f"one of {', '.join(names)}", *names)


_Positive = Annotated[float, Field(gt=0)]
Positive = described(_Positive, "a number > 0")
PositiveOrNull = described(_Positive | None, "a number > 0 or null")
FractionOrNull = described(
    Annotated[float, Field(gt=0, lt=1)] | None, "a number between 0 and 1 (both excluded) or null"
)
Text = described(str, "a text")
Flag = described(bool, "true or false")
Name = Annotated[
    str,
    Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", max_length=80),
    Described("a name of at most 80 letters, digits, '.', '_' and '-' that begins with a letter or digit"),
]
