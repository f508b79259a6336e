"""The one form of all that `ganlab doctor` says."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Finding:
    """One line.

    Attributes:
        state: `ok`; `note` for what is not here but need not be; `failed` for what is here and wrong.
        subject: what was looked at.
        text: what was found.
        advice: what to do, or ''.
    """

    state: Literal["ok", "note", "failed"]
    subject: str
    text: str
    advice: str = ""

    def line(self) -> str:
        return f"{self.state:6}  {self.subject}: {self.text}" + (f"; {self.advice}" if self.advice else "")
