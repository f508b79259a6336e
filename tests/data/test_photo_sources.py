import sys
import types
from dataclasses import replace

import pytest

from ganlab.data.photo_sources import KnownSource, find_photos, known_source
from ganlab.data.registry import DATASETS
from ganlab.errors import ConfigError, GanlabError, MissingDataError


def find(name, source=None, download=False):
    return find_photos(name, known_source(name, DATASETS), source, download)


@pytest.fixture
def kagglehub(monkeypatch, tmp_path):
    """A stand-in for the optional package that records what it is asked for."""
    module = types.ModuleType("kagglehub")
    module.asked = []

    def dataset_download(handle):
        module.asked.append(handle)
        return str(tmp_path / "kaggle")

    module.dataset_download = dataset_download
    monkeypatch.setitem(sys.modules, "kagglehub", module)
    return module


def test_celeba_is_cut_by_the_face_box_at_40_pixels_and_others_at_the_centre():
    assert (known_source("celeba", DATASETS).crop, known_source("celeba", DATASETS).size) == ("box", 40)
    assert known_source("my-photos", DATASETS) == KnownSource((), "center", 64, None)


@pytest.mark.parametrize("name", ["mnist", "folder"])
def test_what_needs_no_preparing_says_so(name):
    with pytest.raises(ConfigError, match=f"^{name}: needs no preparing"):
        known_source(name, DATASETS)


@pytest.mark.parametrize("name", ["../up", "a/b", "", ".hidden", "a" * 81])
def test_a_name_that_cannot_be_one_in_a_config_is_refused(name):
    with pytest.raises(ConfigError, match="expected a name of at most 80 letters"):
        known_source(name, DATASETS)


def test_celeba_is_found_among_the_own_data_and_in_the_cache(own_data, cache):
    cached = cache / "data" / "celeba" / "img_align_celeba.zip"
    cached.parent.mkdir(parents=True)
    cached.touch()
    assert find("celeba") == cached
    (own_data / "celeba" / "img_align_celeba").mkdir(parents=True)
    assert find("celeba") == own_data / "celeba" / "img_align_celeba"
    (own_data / "celeba" / "img_align_celeba.zip").touch()
    assert find("celeba") == own_data / "celeba" / "img_align_celeba.zip"


def test_a_miss_names_the_places_and_the_command(own_data):
    with pytest.raises(MissingDataError) as caught:
        find("celeba")
    assert str(caught.value).startswith(
        f"celeba: no photos given or found at {own_data}/celeba/img_align_celeba.zip or "
    )
    assert "Run: ganlab prepare celeba --source img_align_celeba.zip, or: ganlab prepare" in str(caught.value)


def test_an_own_name_without_a_source_gets_a_hint():
    with pytest.raises(MissingDataError) as caught:
        find("cleba")
    assert str(caught.value) == (
        "cleba: no photos given. Did you mean 'celeba'? Run: ganlab prepare cleba --source FOLDER_OR_ZIP"
    )


def test_a_source_that_is_not_there_is_one_line(tmp_path):
    with pytest.raises(MissingDataError, match="expected a folder or a zip of photos, found nothing"):
        find("celeba", tmp_path / "no.zip")


class TestDownload:
    def test_says_how_to_install_what_it_needs(self, monkeypatch):
        monkeypatch.setitem(sys.modules, "kagglehub", None)  # as if it were not installed
        with pytest.raises(MissingDataError, match=r"Run: pip install 'ganlab\[kaggle\]'$") as caught:
            find("celeba", download=True)
        assert caught.value.exit_code == 7

    def test_gives_the_folder_of_photos_of_one_version_if_all_are_there(self, kagglehub, tmp_path):
        folder = tmp_path / "kaggle" / "img_align_celeba"
        (folder / "img_align_celeba").mkdir(parents=True)  # as Kaggle has it
        celeba = known_source("celeba", DATASETS)
        three = replace(celeba, kaggle=celeba.kaggle._replace(count=3))
        for number in range(3):
            expected = (
                rf"img_align_celeba: expected the 3 photos of .*celeba-dataset/versions/2 here, found {number}\. Remove"
            )
            with pytest.raises(GanlabError, match=expected):
                find_photos("celeba", three, None, download=True)
            (folder / "img_align_celeba" / f"{number}.jpg").touch()
        assert find_photos("celeba", three, None, download=True) == folder
        assert {*kagglehub.asked} == {"jessicali9530/celeba-dataset/versions/2"}

    def test_is_left_out_where_the_photos_are_here(self, kagglehub, own_data):
        (own_data / "celeba" / "img_align_celeba").mkdir(parents=True)
        find("celeba", download=True)
        assert kagglehub.asked == []

    def test_says_what_failed_in_one_line(self, kagglehub):
        def fail(handle):
            raise RuntimeError("403\nForbidden.")

        kagglehub.dataset_download = fail
        with pytest.raises(MissingDataError, match=r"could not be downloaded \(403 Forbidden\)\. Download it by hand"):
            find("celeba", download=True)

    def test_refuses_a_download_in_which_the_photos_are_not_where_they_were(self, kagglehub):
        with pytest.raises(GanlabError, match=r"expected the 202,599 photos of Kaggle's .* here, found 0\."):
            find("celeba", download=True)

    def test_is_known_of_no_other_set(self):
        with pytest.raises(ConfigError, match="--download: no download is known for afhq"):
            find("afhq", download=True)
