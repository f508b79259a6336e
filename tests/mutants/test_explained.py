from tests.mutants.changes import ROOT, changes_in
from tests.mutants.explained import EXPLAINED


def test_every_explanation_is_one_of_a_change():
    """A line that was rewritten needs a new look at its changes."""
    explained = [one for several in EXPLAINED.values() for one in several]
    changes = {file: changes_in(ROOT / file) for file in {one.file for one in explained}}
    idle = [
        (one.file, one.line, end)
        for one in explained
        for end in one.ends
        if not any(one.has(change, end) for change in changes[one.file])
    ]
    assert idle == []
