import pytest

from ganlab.errors import ConfigError
from ganlab.reports.published import Layout, read_publications
from tests.studies import LAYOUT, write_study


def test_a_study_without_a_layout_has_its_scores_in_fid(tmp_path):
    write_study(tmp_path, layout=None)
    (study,) = read_publications(tmp_path)
    assert study.layout == Layout() and study.score("digits", "exp02") == 1.5


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("score: fid", "score: 3", "report.yaml:1:1: score: expected a text, received 3"),
        ("score: fid", "score: kid", "report.yaml:1:1: score: published.csv has no column 'kid'"),
        ("strips:", "stripes:", "report.yaml:8:1: stripes: unknown key. Did you mean 'strips'?"),
        ("epochs: epochs", "epoch: epochs", "tables[0].columns.epoch: published.csv has no such column. Did you mean"),
        ("steps: [1,", "steps: [one,", "strips[0].steps[0]: expected an integer >= 0, received 'one'"),
        ("steps: [1, 500, 1500]", "steps: all", "strips[0].steps: expected a list of steps, received 'all'"),
        (", steps: [1, 500, 1500]", "", "strips[0].steps: missing; expected a list of steps"),
        (", name: exp01", "", "strips[0].name: missing; expected a text"),
        ('scores: {digits: "Table 3: scores"}', "scores: 3", "scores: expected a mapping, received 3"),
        (LAYOUT, "[1]", "report.yaml:1:1: expected a mapping of keys, received [1]"),
        ("latent_dim: latent.dim", "latent: latent.dim", "compare.latent: published.csv has no such column. Did you"),
        (
            "latent_dim: latent.dim",
            "latent_dim: 3",
            "compare.latent_dim: expected a key of the config or a mapping with",
        ),
        ("latent_dim: latent.dim", "latent_dim: latnet.dim", "a config has no key 'latnet'. Did you mean 'latent'?"),
        (
            "latent_dim: latent.dim",
            "latent_dim: latent.dims",
            "compare.latent_dim: a config has no key 'dims'. Did you",
        ),
        ("latent_dim: latent.dim", "latent_dim: {key: 3}", "latent_dim.key: expected a key of the config, as train"),
        ("latent_dim: latent.dim", "latent_dim: {kye: seed}", "latent_dim.kye: unknown key. Did you mean 'key'?"),
        (
            "latent_dim: latent.dim",
            "latent_dim: {words: {a: b}}",
            "expected exactly one of key and has, received neither",
        ),
        ("latent_dim: latent.dim", "latent_dim: {key: seed, has: seed}", "one of key and has, received both"),
        (
            "latent_dim: latent.dim",
            "latent_dim: {key: seed, words: {a: 1}}",
            "latent_dim.words.a: expected a text, received 1",
        ),
        (
            "latent_dim: latent.dim",
            "latent_dim: {key: seed, otherwise: {no: seed}}",
            "latent_dim.otherwise.no: unknown key.",
        ),
    ],
)
def test_a_mistake_in_the_layout_is_found_where_it_stands(tmp_path, old, new, message):
    assert old in LAYOUT
    write_study(tmp_path, layout=LAYOUT.replace(old, new))
    (study,) = read_publications(tmp_path)
    with pytest.raises(ConfigError) as caught:
        _ = study.layout
    assert message in str(caught.value) and "\n" not in str(caught.value)
