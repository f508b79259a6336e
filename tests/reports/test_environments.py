import json

from ganlab.reports.environments import environment_table
from ganlab.runs.records import read_runs
from tests.run_folders import write_run


def table_of(tmp_path):
    runs, _ = read_runs(sorted(tmp_path.glob("digits/*")))
    table = environment_table(runs)
    return [dict(zip([column.name for column in table.columns], row, strict=True)) for row in table.rows], table.notes


def say(run, **facts):
    (run / "environment.json").write_text(json.dumps(facts))


def test_runs_of_one_environment_are_one_row(tmp_path):
    known = {"backend": "jax", "python": "3.12.1", "device": "cuda:0", "host": "node7"}
    for seed in range(3):
        versions = {"ganlab": "0.2.0" if seed == 2 else "0.1.0", "keras": "3.15.1", "jax": "0.10.2", "torch": "2.14"}
        say(write_run(tmp_path, seed=seed), versions=versions, commit="ab" * 20 + "+changes", **known)
    first, second = table_of(tmp_path)[0]
    assert first == {
        "runs": "2",
        "days": "2024-05-01",
        "ganlab": "0.1.0",
        "commit": "ababababab+changes",
        "backend": "jax 0.10.2",
        "keras": "3.15.1",
        "Python": "3.12.1",
        "device": "cuda:0",
        "host": "node7",
    }
    assert (second["runs"], second["ganlab"]) == ("1", "0.2.0")


def test_a_run_without_an_environment_has_empty_cells_and_a_damaged_one_a_note(tmp_path):
    say(write_run(tmp_path, seed=0), versions=["keras"], commit=None)
    (write_run(tmp_path, seed=1) / "environment.json").unlink()
    bad = write_run(tmp_path, seed=2) / "environment.json"
    bad.write_text("[]")
    (row,), notes = table_of(tmp_path)
    assert row["runs"] == "2" and {row[key] for key in ("ganlab", "commit", "backend", "Python")} == {""}
    assert len(notes) == 1 and notes[0].startswith(f"{bad}: damaged")
