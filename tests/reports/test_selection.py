import pytest

from ganlab.errors import ConfigError
from ganlab.reports.selection import selected
from ganlab.runs.records import read_run
from tests.run_folders import metric, write_run


@pytest.fixture
def runs(tmp_path):
    made = [
        write_run(tmp_path, "a", seed=2, metrics={"fd1k": metric(9.0)}, written="loss: hinge\n"),
        write_run(tmp_path, "b", seed=10, metrics={"fd1k": metric(10.0)}, written="loss: minimax\n"),
        write_run(tmp_path, "c", seed=1, status="running", with_summary=False, written="loss: hinge\n"),
    ]
    return [read_run(folder) for folder in made]


@pytest.mark.parametrize(
    ("filters", "names"),
    [
        ([], "abc"),
        (["status=finished"], "ab"),
        (["status=finished", "loss=hinge"], "a"),
        (["train.batch_size=32"], "abc"),
        (["batch_size=32", "seed=10"], "b"),
        (["fd1k=9"], "a"),
        (["learning_rate=1e-3"], "abc"),
        (["name=z"], ""),
        (["name=[ab]"], "ab"),
        (["status=fin*"], "ab"),
    ],
)
def test_filters_by_column_config_key_and_metric(runs, filters, names):
    assert "".join(run.name for run in selected(runs, filters)) == names


@pytest.mark.parametrize(
    ("key", "names"), [("seed", "cab"), ("-seed", "bac"), ("fd1k", "abc"), ("-fd1k", "bac"), ("loss", "acb")]
)
def test_sorts_numbers_as_numbers_and_puts_missing_values_last(runs, key, names):
    assert "".join(run.name for run in selected(runs, sort=key)) == names


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"filters": ["status"]}, "--filter status: expected KEY=VALUE, as in --filter status=finished"),
        ({"filters": ["stauts=x"]}, "--filter stauts=x: no run here has the key stauts. Did you mean 'status'?"),
        ({"sort": "-seeds"}, "--sort -seeds: no run here has the key seeds. Did you mean 'seed'?"),
    ],
)
def test_a_mistake_is_one_line(runs, options, message):
    with pytest.raises(ConfigError) as caught:
        selected(runs, **options)
    assert str(caught.value) == message


def test_nothing_is_sorted_where_there_is_nothing():
    assert selected([], ["status=finished"], "seed") == []


def test_a_damaged_config_hides_no_run(runs, tmp_path):
    (runs[0].folder / "config.yaml").write_text("{")
    again = [read_run(run.folder) for run in runs]
    assert [run.name for run in selected(again, sort="-fd1k")] == ["b", "a", "c"]
