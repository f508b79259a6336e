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
    """Annotates a field with its description; a value that does not fit is reported in these words.

    Args:
        words: completes "expected ...".
        choices: the words that may stand there, for a hint at the nearest one.
    """

    def __init__(self, words: str, choices: Iterable[str] = ()):
        self.words = words
        self.choices = tuple(choices)

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return WrapValidator(self._check).__get_pydantic_core_schema__(source, handler)

    def _check(self, value: Any, inner: Any) -> Any:
        try:
            return inner(value)
        except ValidationError as error:
            if any(detail["type"] == "located" for detail in error.errors(include_url=False)):
                raise  # something inside the value, which has said in its own words what it is
            raise located(f"expected {self.words}, received {shown(value)}{self._hint(value)}") from None

    def _hint(self, value: Any) -> str:
        hint = did_you_mean(value, self.choices) if isinstance(value, str) else ""
        return f".{hint}" if hint.startswith(" Did") else ""


def located(message: str, keys: Keys = ()) -> PydanticCustomError:
    """An error for a validator to raise, about the value at `keys` below the one it validates."""
    return PydanticCustomError("located", "{message}", {"message": message, "keys": keys})


def whole(low: int, high: int = MAX_INT) -> Any:
    """The type of an integer between two bounds, both included."""
    words = f"an integer >= {low}" if high == MAX_INT else f"an integer from {low} to {high}"
    return Annotated[int, Field(ge=low, le=high), Described(words)]


def whole_or_null(low: int, high: int = MAX_INT) -> Any:
    """The type of an integer between two bounds, both included, or null."""
    words = f"an integer >= {low}" if high == MAX_INT else f"an integer from {low} to {high}"
    return Annotated[Annotated[int, Field(ge=low, le=high)] | None, Described(f"{words} or null")]


def one_of(*names: str) -> Any:
    """The type of one word out of a few."""
    return Annotated[Literal[names], Described(f"one of {', '.join(names)}", names)]


Positive = Annotated[float, Field(gt=0), Described("a number > 0")]
PositiveOrNull = Annotated[Annotated[float, Field(gt=0)] | None, Described("a number > 0 or null")]
FractionOrNull = Annotated[
    Annotated[float, Field(gt=0, lt=1)] | None, Described("a number between 0 and 1 (both excluded) or null")
]
Text = Annotated[str, Described("a text")]
Flag = Annotated[bool, Described("true or false")]
Name = Annotated[
    str,
    Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", max_length=80),
    Described("a name of at most 80 letters, digits, '.', '_' and '-' that begins with a letter or digit"),
]
