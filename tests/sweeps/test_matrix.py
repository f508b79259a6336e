import pytest

from ganlab.config.reader import parse_yaml
from ganlab.errors import ConfigError
from ganlab.sweeps.matrix import read_study


@pytest.fixture
def read(tmp_path):
    (tmp_path / "base.yaml").touch()

    def read(text):
        return read_study(parse_yaml(f"base: base.yaml\n{text}", "study.yaml"), tmp_path / "study.yaml")

    return read


def plain(study):
    return [{key: node.plain() for key, node in cell.values.items()} for cell in study.cells]


def test_a_matrix_is_the_full_product_with_the_last_key_varying_fastest(read):
    study = read("matrix: {loss: [hinge, minimax], train.batch_size: [16, 32, 64]}")
    assert plain(study) == [
        {"loss": loss, "train.batch_size": size} for loss in ("hinge", "minimax") for size in (16, 32, 64)
    ]
    assert study.seeds is None


def test_excluded_cells_are_left_out_by_some_of_their_values(read):
    study = read("matrix: {a: [1, 2], b: [1, 2]}\nexclude: [{a: 1, b: 2}, {a: 2.0}]")
    assert plain(study) == [{"a": 1, "b": 1}]


def test_included_cells_come_last_and_may_vary_other_keys(read):
    study = read("matrix: {a: [1]}\ninclude: [{a: 3}, {clip_weights: 0.01, loss: wasserstein}]")
    assert plain(study) == [{"a": 1}, {"a": 3}, {"clip_weights": 0.01, "loss": "wasserstein"}]


def test_include_works_without_a_matrix(read):
    assert plain(read("include: [{a: 3}]")) == [{"a": 3}]


def test_a_base_alone_is_one_cell(read):
    study = read("seeds: [4, 2]")
    assert plain(study) == [{}] and study.seeds == [4, 2]


def test_an_entry_of_the_matrix_may_set_several_keys(read):
    study = read("matrix: {a: [1, 2], both: [{b: 1, c.d: 2}, {b: 3, e: 4}]}\nexclude: [{a: 2, e: 4}]")
    assert plain(study) == [{"a": 1, "b": 1, "c.d": 2}, {"a": 1, "b": 3, "e": 4}, {"a": 2, "b": 1, "c.d": 2}]


def test_a_key_of_the_config_is_no_label(read):
    assert plain(read("matrix: {penalty: [{r1: {weight: 1}}]}")) == [{"penalty": {"r1": {"weight": 1}}}]


def test_values_keep_their_places(read):
    (cell, _) = read("matrix:\n  loss:\n    - hinge\n    - minimax").cells
    assert str(cell.values["loss"].place) == "study.yaml:4:7"


MISTAKES = {
    "matrx: {a: [1]}": "2:1: matrx: unknown key. Did you mean 'matrix'?",
    "matrix: [1]": "2:1: matrix: expected a mapping of keys to lists of values, received [1]",
    "matrix: {}": "2:1: matrix: expected a mapping of keys to lists of values, received a mapping",
    "matrix: {a: 1}": "2:10: matrix.a: expected a list of values, received 1",
    "matrix: {a: []}": "2:10: matrix.a: expected a list of values, received []",
    "matrix: {a: [1, 2, 1.0]}": "2:20: matrix.a[2]: 1.0 is in the list already",
    "matrix: {a..b: [1]}": "2:10: matrix['a..b']: expected a dotted key, as in train.batch_size",
    "matrix: {seed: [1]}": "2:10: matrix.seed: cannot be varied; list seeds under 'seeds'",
    "matrix: {name: [x]}": "2:10: matrix.name: cannot be varied; ganlab names a cell after its values",
    "matrix: {extends: [x]}": "2:10: matrix.extends: cannot be varied; name the config that extends another under 'base'",
    "matrix: {a: [1]}\nexclude: [{b: 1}]": "3:12: exclude[0].b: no key of the matrix. Expected one of: a.",
    "matrix: {a: [1]}\nexclude: [{a: 2}]": (
        "3:11: exclude[0]: excludes nothing; no cell of the matrix has these values"
    ),
    "matrix: {a: [1]}\nexclude: [{a: 1}]": "3:1: exclude: leaves no cell to run",
    "matrix: {a: [{b: 1, seed: 2}]}": "2:21: matrix.a[0].seed: cannot be varied; list seeds under 'seeds'",
    "matrix: {a: [{b..c: 1}]}": "2:15: matrix.a[0]['b..c']: expected a dotted key, as in train.batch_size",
    "matrix: {b: [1], a: [{c: 1}, {b: 2}]}": "2:18: matrix.a: sets b, which 'b' sets already",
    "matrix: {a: [{b: 1}]}\nexclude: [{a: 1}]": "3:12: exclude[0].a: no key of the matrix. Expected one of: b.",
    "matrix: {a: [x], a.x.b: [1]}": "2:18: matrix['a.x.b']: sets a.x.b, but 'a' sets a, which overlaps with it",
    "matrix: {a.x.b: [1], a: [x]}": "2:22: matrix.a: sets a, but 'a.x.b' sets a.x.b, which overlaps with it",
    "matrix: {train.steps: [5], train.epochs: [1]}": (
        "2:28: matrix['train.epochs']: sets train.epochs, but 'train.steps' sets train.steps, which overlaps with it"
    ),
    "exclude: {a: 1}": "2:1: exclude: expected a list of mappings of keys to values, received a mapping",
    "include: [3]": "2:11: include[0]: expected a mapping of keys to values, received 3",
    "matrix: {a: [1]}\ninclude: [{a: 1}]": "3:11: include[0]: is a cell of the study already",
    "seeds: 3": "2:1: seeds: expected a list of integers >= 0, received 3",
    "seeds: []": "2:1: seeds: expected a list of integers >= 0, received []",
    "seeds: [0, -1]": "2:12: seeds[1]: expected an integer >= 0, received -1",
    "seeds: [0, true]": "2:12: seeds[1]: expected an integer >= 0, received true",
    "seeds: [0, 0]": "2:12: seeds[1]: 0 is in the list already",
}


@pytest.mark.parametrize("text", MISTAKES)
def test_a_mistake_is_one_line_with_its_place(read, text):
    with pytest.raises(ConfigError) as caught:
        read(text)
    assert str(caught.value) == f"study.yaml:{MISTAKES[text]}"


@pytest.mark.parametrize(
    ("text", "places"),
    [
        (
            "matrix: {seed: [1], a: [2, 2], c: [{name: 1, d..e: 2}]}\nsedes: [0]",
            ["2:10", "2:28", "2:37", "2:46", "3:1"],
        ),
        ("matrix: {a: [1]}\nexclude: [{b: 1}, {a: 2}]\ninclude: [{a: 1}]", ["3:12", "3:19", "4:11"]),
    ],
)
def test_all_mistakes_are_told_at_once(read, text, places):
    with pytest.raises(ConfigError) as caught:
        read(text)
    found = [str(each).split(": ")[0] for each in (caught.value, *caught.value.others)]
    assert found == [f"study.yaml:{place}" for place in places]


def test_a_matrix_has_a_limit(read):
    axes = ", ".join(f"{key}: {list(range(30))}" for key in "abc")
    with pytest.raises(ConfigError, match=r"study.yaml:2:1: matrix: more than 10,000 cells, the limit"):
        read(f"matrix: {{{axes}}}")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("seeds: [0]", "s.yaml:1:1: base: missing; expected the path of the config that is varied"),
        ("base: 3", "s.yaml:1:1: base: expected the path of the config that is varied, received 3"),
        ("[1]", "s.yaml:1:1: expected a mapping of keys, received [1]"),
    ],
)
def test_a_study_needs_a_base(tmp_path, text, message):
    with pytest.raises(ConfigError) as caught:
        read_study(parse_yaml(text, "s.yaml"), tmp_path / "s.yaml")
    assert str(caught.value) == message


def test_a_base_that_is_not_there_is_named(tmp_path):
    with pytest.raises(ConfigError, match=r"s.yaml:1:1: base: no such file: .*/gone.yaml"):
        read_study(parse_yaml("base: gone.yaml", "s.yaml"), tmp_path / "s.yaml")
