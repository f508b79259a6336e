import json
import zipfile

import pytest

from ganlab.data import list_datasets, load_dataset
from ganlab.data.prepare import Request, prepare_photos
from ganlab.data.registry import is_here, published_form
from ganlab.errors import ConfigError, GanlabError, MissingDataError
from tests.data.photos import photo_zip
from tests.data.samples import options

FACTS = '{"format": 1, "size": 8, "recipe": "", "array": {}, "crop": "%s", "counts": {"images": %s}}'


@pytest.fixture
def prepare(tmp_path):
    """Prepares noise photos under a name."""
    source = photo_zip(tmp_path / "photos.zip", 12)

    def call(name, crop="center", size=8, limit=None):
        return prepare_photos(Request(name, source, crop, size, limit), lambda *at: None, lambda: None)[0]

    return call


def test_a_config_loads_what_was_prepared(prepare):
    place = prepare("celeba")
    dataset = load_dataset(options("celeba", image_size=8, limit=10))
    assert (dataset.name, dataset.shape, dataset.count) == ("celeba", (8, 8, 3), 10)
    assert (dataset.train.images == place.images()[:10]).all()
    assert dataset.test is None and dataset.class_names is None and dataset.source == str(place.folder)


def test_the_limit_of_a_config_decides_the_fingerprint_not_that_of_the_preparing(prepare):
    prepare("celeba", limit=9)
    before = load_dataset(options("celeba", limit=5)).fingerprint
    prepare("celeba")
    assert load_dataset(options("celeba", limit=5)).fingerprint == before
    assert load_dataset(options("celeba", limit=6)).fingerprint != before


def test_grey_is_made_from_the_colours(prepare):
    prepare("celeba")
    assert load_dataset(options("celeba", grayscale="luminosity")).shape == (8, 8, 1)


def test_own_photos_are_a_data_set_under_the_name_they_were_given(prepare):
    prepare("my-cats")
    assert load_dataset(options("my-cats", image_size=8)).count == 12
    with pytest.raises(ConfigError, match=r"unknown data set 'my-cat'\. Did you mean 'my-cats'\?"):
        load_dataset(options("my-cat"))


def test_an_unprepared_size_names_the_command_that_makes_it(prepare):
    with pytest.raises(MissingDataError) as caught:
        load_dataset(options("celeba", image_size=40, limit=50000))
    assert str(caught.value) == (
        "celeba: not prepared at 40 pixels. "
        "Run: ganlab prepare celeba --source img_align_celeba.zip --size 40 --limit 50000"
    )
    assert caught.value.exit_code == 7
    prepare("celeba")
    with pytest.raises(MissingDataError, match=r"not prepared at 40 pixels \(prepared: 8\)"):
        load_dataset(options("celeba", image_size=40))


def test_a_limit_above_what_was_prepared_says_how_many_there_are(prepare):
    place = prepare("celeba")
    with pytest.raises(ConfigError) as caught:
        load_dataset(options("celeba", image_size=8, limit=13))
    assert str(caught.value) == (
        f"data.limit: expected at most 12 (the training images in {place.folder}), received 13."
    )


def test_without_a_size_there_must_be_only_one(prepare):
    prepare("celeba")
    assert load_dataset(options("celeba")).shape == (8, 8, 3)
    prepare("celeba", size=16)
    with pytest.raises(ConfigError, match=r"data.image_size: expected one of the prepared sizes \[8, 16\]"):
        load_dataset(options("celeba"))


def test_of_several_sets_the_first_crop_with_enough_images_is_taken(prepare):
    """`center` stands before `none`, as `box` before both."""
    whole, few = prepare("celeba", "none"), prepare("celeba", "center", limit=5)
    assert load_dataset(options("celeba", limit=5)).source == str(few.folder)
    assert load_dataset(options("celeba", limit=6)).source == str(whole.folder)
    with pytest.raises(ConfigError, match="expected at most 5"):
        load_dataset(options("celeba", limit=13))


def test_the_list_shows_every_prepared_set(prepare):
    places = [prepare("celeba"), prepare("celeba", size=16, limit=5), prepare("mine")]
    rows = {row["found"]: row for row in list_datasets()}
    shown = [(rows[str(p.folder)]["name"], rows[str(p.folder)]["train"], rows[str(p.folder)]["shape"]) for p in places]
    assert shown == [("celeba", 12, [8, 8, 3]), ("celeba", 5, [16, 16, 3]), ("mine", 12, [8, 8, 3])]
    assert len(rows[str(places[0].folder)]["checksum"]) == 64
    assert rows["ganlab prepare afhq"]["train"] is None
    assert all(row.keys() == next(iter(rows.values())).keys() for row in rows.values())


def test_files_without_an_image_are_in_the_note(prepare, tmp_path):
    assert prepare("celeba") and load_dataset(options("celeba")).note is None
    source = photo_zip(tmp_path / "more.zip", 5, broken=(2, 3))
    with zipfile.ZipFile(source, "a") as archive:
        archive.writestr("readme.txt", "")
    prepare_photos(Request("mine", source, "none", 8), lambda *at: None, lambda: None)
    note = load_dataset(options("mine")).note
    assert (
        note == "left out: 2 unreadable photos; 1 of 6 files is no picture that can be read: readme.txt (left_out.txt)"
    )
    assert [row["note"] for row in list_datasets() if row["name"] == "mine"] == [note]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "manifest.json: damaged JSON: "),
        ("[]", "expected a manifest of format 1"),
        ('{"format": 1, "size": 8}', "damaged: no 'crop'"),
        (FACTS % ("round", 12), "damaged: unknown crop or count"),
        (FACTS % ("box", '"12"'), "damaged: unknown crop or count"),
    ],
)
def test_a_damaged_manifest_is_one_line_and_a_problem_in_the_list(prepare, content, message):
    place = prepare("celeba")
    place.manifest.write_text(content)
    with pytest.raises(GanlabError, match=message):
        load_dataset(options("celeba"))
    row = next(row for row in list_datasets() if row["name"] == "celeba")
    assert message in row["problem"] and row["train"] is None


def test_a_manifest_with_another_count_than_its_array_is_noticed(prepare):
    place = prepare("celeba")
    facts = json.loads(place.manifest.read_text())
    facts["array"]["sha256"] = "0" * 64
    place.manifest.write_text(json.dumps(facts))
    with pytest.raises(GanlabError, match="broken data file"):
        load_dataset(options("celeba"))


def test_check_knows_the_shape_before_the_photos_are_prepared(prepare):
    wanted = options("celeba", image_size=8)
    assert not is_here(wanted) and published_form(wanted).shape == (8, 8, 3)
    assert published_form(options("celeba", image_size=40, grayscale="luminosity")).shape == (40, 40, 1)
    assert published_form(options("celeba")).shape is None
    assert (published_form(wanted).classes, published_form(options("mnist")).classes) == (None, 10)
    prepare("celeba")
    assert is_here(wanted) and not is_here(options("celeba", image_size=40))
