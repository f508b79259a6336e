"""The forms of status.json and summary.json. A run folder may be someone else's, so every value is checked before its use."""

import re
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ganlab.config.document import dotted, shown
from ganlab.config.fields import Name, Text, described, message_of, one_of, path_of, whole
from ganlab.errors import GanlabError
from ganlab.storage.writing import read_json

STATES = ("created", "running", "finished", "failed", "diverged", "stopped")
SUMMARY_FORMAT = 1

Hash = described(Annotated[str, Field(pattern="^[0-9a-f]{64}$")], "64 hex digits")
TextOrNull = described(str | None, "a text or null")
_Number = Annotated[float, Field(gt=-1e300, lt=1e300)]  # a finite number, also after a unit is changed
Number = described(_Number, "a number")
NumberOrNull = described(_Number | None, "a number or null")
# Clocks can show times before the year 4147.
Times = described(dict[str, Annotated[float, Field(ge=0, lt=2**36)]], "a mapping of states to seconds since 1970")
Mapping = described(dict[str, Any], "a mapping")
Texts = described(list[str], "a list of texts")


class _Form(BaseModel):
    """Some keys of a JSON file. The file may have more keys."""

    model_config = ConfigDict(extra="allow", strict=True, allow_inf_nan=False)


class Status(_Form):
    """status.json. Only `status` is always there."""

    status: one_of(*STATES)
    identity: Hash = ""
    cell: Hash = ""
    data_fingerprint: Text = ""
    label_fingerprint: Text = ""  # of labels that are not published, if the training reads them
    class_names: Texts = []  # of the labels 0, 1, ...
    steps: whole(1) = 1
    checkpoint: whole(1) = 1
    seconds: Number = 0.0
    times: Times = {}
    owner: Mapping = {}
    health: Mapping = {}
    verdict: TextOrNull = None
    reason: TextOrNull = None
    set_aside: Texts = []
    not_drawn: Texts = []  # pictures that could not be drawn


class Metric(_Form):
    """The values of one metric in summary.json."""

    last: NumberOrNull
    sd: NumberOrNull = None
    best: NumberOrNull
    best_step: described(int | None, "an integer or null")
    floor: NumberOrNull
    floor_n: described(int | None, "an integer or null") = None
    fingerprint: TextOrNull
    weight_hash: TextOrNull = None
    real_data: TextOrNull = None


class Summary(_Form):
    """The keys of summary.json that tables read."""

    identity: Hash
    cell: Hash
    name: Text
    family: Text
    dataset: Name
    seed: whole(0)
    config: Mapping
    status: one_of(*STATES)
    verdict: TextOrNull
    steps: whole(0)
    seconds: Number
    steps_per_second: NumberOrNull
    images_per_second: NumberOrNull
    metrics: dict[str, Metric]


def is_identity(value: Any) -> bool:
    """Whether a value is the sha256 of a run or of its cell, so that it may become part of a file's name."""
    return isinstance(value, str) and re.fullmatch("[0-9a-f]{64}", value) is not None


def read_status(path: Path) -> dict[str, Any]:
    """Reads a status.json. Raises: GanlabError, one line that names the file and the key, for a value of another form."""
    return _checked(path, read_json(path), Status)


def read_summary(path: Path) -> dict[str, Any]:
    """Reads a summary.json. Raises: GanlabError, as `read_status`."""
    summary = read_json(path)
    if isinstance(summary, dict) and summary.get("format") != SUMMARY_FORMAT:
        expected = f"expected {SUMMARY_FORMAT}, received {shown(summary.get('format'))}"
        raise GanlabError(f"{path}: format: {expected}; another version of ganlab wrote it")
    return _checked(path, summary, Summary)


def _checked(path: Path, content: Any, form: type[_Form]) -> dict[str, Any]:
    if not isinstance(content, dict):
        raise GanlabError(f"{path}: damaged: expected a mapping, received {shown(content)}")
    try:
        form.model_validate(content)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise GanlabError(f"{path}: damaged: {dotted(path_of(first))}: {message_of(first, form)}") from None
    return content
