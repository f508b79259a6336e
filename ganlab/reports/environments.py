"""Where runs come from: when they ended, and on which versions, commit and machine."""

from collections.abc import Sequence
from datetime import datetime

from ganlab.errors import GanlabError
from ganlab.reports.table import Table, numbers, text_of, texts
from ganlab.runs.records import RunRecord

_SHOWN_DIGITS = 10  # of a commit


def environment_table(runs: Sequence[RunRecord]) -> Table:
    """A row for each environment, with its runs and the days of their last changes; a note for a file that cannot be read."""
    groups: dict[tuple, list[RunRecord]] = {}
    notes = []
    for run in runs:
        try:
            groups.setdefault(tuple(_told(run).items()), []).append(run)
        except GanlabError as error:
            notes.append(str(error))
    columns = [*numbers("runs"), *texts("days", "ganlab", "commit", "backend", "keras", "Python", "device", "host")]
    rows = [{"runs": len(alike), "days": _days(alike), **dict(told)} for told, alike in groups.items()]
    return Table(columns, rows, "Where the runs come from", notes)


def _told(run: RunRecord) -> dict[str, str]:
    facts, versions = run.environment, run.environment.get("versions")
    versions = versions if isinstance(versions, dict) else {}
    backend, (commit, *changes) = text_of(facts.get("backend")), text_of(facts.get("commit")).split("+")
    return {
        "ganlab": text_of(versions.get("ganlab")),
        "commit": "+".join([commit[:_SHOWN_DIGITS], *changes]),
        "backend": f"{backend} {text_of(versions.get(backend))}".strip(),
        "keras": text_of(versions.get("keras")),
        "Python": text_of(facts.get("python")),
        "device": text_of(facts.get("device")),
        "host": text_of(facts.get("host")),
    }


def _days(runs: Sequence[RunRecord]) -> str:
    days = sorted({f"{datetime.fromtimestamp(run.updated):%Y-%m-%d}" for run in runs if run.updated})
    return " to ".join(dict.fromkeys([*days[:1], *days[-1:]]))
