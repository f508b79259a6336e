import importlib
import sys
import types

import pytest

from tests.mutants.__main__ import PATHS, changes_of_path
from tests.mutants.changes import ROOT
from tests.mutants.processes import module_of
from tests.mutants.values import merged, run_beside, take_values

FILES = sorted({change.file for path in PATHS for change in changes_of_path(path)})


@pytest.mark.parametrize("file", FILES)
def test_a_module_that_is_run_again_unchanged_hands_over_nothing(file):
    module = importlib.import_module(module_of(file))
    again = run_beside(module, compile((ROOT / file).read_text(), str(ROOT / file), "exec"))
    assert [
        name for name, new in again.items() if merged(vars(module).get(name), new) is not vars(module).get(name)
    ] == []


SOURCE = """
from dataclasses import dataclass
LIMIT = 3
@dataclass(frozen=True)
class Row:
    size: int
    function: object
def above(limit):
    return lambda value, least=LIMIT: value > limit and value >= least
def add(value, more=LIMIT):
    return value + more
ROWS = {"a": Row(LIMIT, add), "b": Row(5, above(LIMIT))}
"""


def test_constants_defaults_tables_and_closures_of_a_changed_module_are_handed_over(monkeypatch):
    module = types.ModuleType("example")
    exec(SOURCE, vars(module))
    monkeypatch.setitem(sys.modules, "example", module)
    importer = types.ModuleType("importer")
    importer.LIMIT, importer.add, importer.ROWS = module.LIMIT, module.add, module.ROWS
    monkeypatch.setitem(sys.modules, "importer", importer)
    row = module.Row
    take_values(module, compile(SOURCE.replace("LIMIT = 3", "LIMIT = 4"), "<string>", "exec"))
    assert (module.LIMIT, importer.LIMIT, importer.add(1)) == (4, 4, 5)
    assert importer.ROWS is module.ROWS and importer.ROWS["a"].size == 4 and importer.ROWS["b"].size == 5
    assert importer.ROWS["a"].function is module.add and type(importer.ROWS["a"]) is module.Row is row
    assert [importer.ROWS["b"].function(value) for value in (4, 5)] == [False, True]
