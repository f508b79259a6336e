import pytest

from ganlab.errors import ConfigError
from ganlab.reports.published import read_publications
from tests.studies import PUBLISHED, write_study


def test_a_study_knows_its_experiments_and_their_scores(tmp_path):
    write_study(tmp_path, "b")
    write_study(tmp_path, "a", layout=None)
    first, second = read_publications(tmp_path)
    assert (first.name, second.name) == ("a", "b")
    assert list(second.experiments["digits"]) == ["exp01", "exp02", "exp03", "exp04"]
    assert second.score("mnist", "exp11") == 0.1
    assert second.layout.strip_of("exp01").steps == [1, 500, 1500] and second.layout.strip_of("exp02") is None


def test_without_a_folder_there_are_no_studies(tmp_path):
    assert read_publications(tmp_path / "nowhere") == []


@pytest.mark.parametrize(
    ("published", "message"),
    [
        ("name,fid\nexp01,1\n", "published.csv:1: expected the columns name and dataset, 'dataset' is missing"),
        ("", "published.csv:1: expected the columns name and dataset, 'name' is missing"),
        ("name,dataset,fid\n", "published.csv: expected a row an experiment, received none"),
        ("name,dataset,fid\na,b,1,2\n", "published.csv:2: expected 3 values"),
        ("name,dataset,fid\na,b\n", "published.csv:2: expected 3 values"),
        (
            "name,dataset,published_verdict\na,b,collapse\n",
            "published.csv:2: published_verdict: expected ok, collapsed, not_converged, diverged or nothing, "
            "received 'collapse'",
        ),
        ("name,dataset,fid\na,b,1\na,b,2\n", "published.csv:3: a on b is here a second time"),
        ('name,dataset,fid\na,"b\n', "published.csv:2: unexpected end of data"),
    ],
)
def test_a_damaged_table_is_one_line(tmp_path, published, message):
    write_study(tmp_path, published=published)
    with pytest.raises(ConfigError) as caught:
        read_publications(tmp_path)
    assert str(caught.value) == f"{tmp_path}/paper/{message}"


def test_a_score_that_is_no_number_is_named(tmp_path):
    write_study(tmp_path, published=PUBLISHED.replace("9.0", "high"))
    (study,) = read_publications(tmp_path)
    with pytest.raises(ConfigError, match=r"published.csv: exp04: fid: expected a number, received 'high'"):
        study.score("digits", "exp04")


@pytest.mark.parametrize(
    ("score", "told", "better"),
    [("fid", "", "lower"), ("FID", "", "lower"), ("is5k", "", "higher"), ("swd", "better: lower\n", "lower")],
)
def test_the_direction_of_the_scores_is_that_of_a_metric_of_this_name_or_told(tmp_path, score, told, better):
    write_study(tmp_path, published=PUBLISHED.replace("fid", score, 1), layout=f"score: {score}\n{told}")
    assert read_publications(tmp_path)[0].better == better


def test_a_score_without_a_known_direction_is_a_mistake(tmp_path):
    write_study(tmp_path, published=PUBLISHED.replace("fid", "swd", 1), layout="score: swd\n")
    with pytest.raises(ConfigError) as caught:
        read_publications(tmp_path)[0].better  # noqa: B018
    assert str(caught.value) == (
        f"{tmp_path}/paper/report.yaml: better: missing; expected lower or higher, because the name of the score, 'swd', "
        "does not tell"
    )


def test_a_table_that_a_spreadsheet_saved_is_read_and_another_encoding_is_told(tmp_path):
    path = write_study(tmp_path) / "published.csv"
    path.write_text(PUBLISHED, encoding="utf-8-sig")
    assert read_publications(tmp_path)[0].columns[0] == "name"
    path.write_text(PUBLISHED.replace("leaky_relu", "sızıntılı"), encoding="iso-8859-9")
    with pytest.raises(ConfigError, match=r"published.csv: is not UTF-8; save the file as UTF-8"):
        read_publications(tmp_path)
