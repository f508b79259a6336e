import io
import json
import zipfile

import numpy as np
import pytest
from filelock import FileLock
from PIL import Image

from ganlab.data import photo_sets
from ganlab.data.photo_sets import BLOCK, Request, prepare_photos
from ganlab.data.shards import write_shard
from ganlab.errors import GanlabError, LockedError, StoppedError
from tests.data.photos import jpeg, photo_zip


def make(source, limit=None, crop="center", size=8, stopped=lambda: None, name="mine"):
    """(place, facts, progress)"""
    told = []
    place, facts = prepare_photos(Request(name, source, crop, size, limit), told.append, stopped)
    return place, facts, told


@pytest.fixture
def source(tmp_path):
    """Two blocks and a half; photo 3 and photo 200 are broken."""
    return photo_zip(tmp_path / "photos.zip", 2 * BLOCK + 60, broken=(3, 200))


@pytest.fixture
def written(monkeypatch) -> list[str]:
    """Names of the shards that are made, in order."""
    names = []

    def write(path, shard):
        names.append(path.name)
        write_shard(path, shard)

    monkeypatch.setattr(photo_sets, "write_shard", write)
    return names


def test_every_photo_is_an_image_or_is_listed(source):
    place, facts, told = make(source)
    assert facts["counts"] == {"photos": 316, "images": 314, "no_face": 0, "unreadable": 2}
    images = place.images()
    assert images.shape == (314, 8, 8, 3) and images.dtype == np.uint8
    manifest = json.loads(place.manifest.read_text())
    assert manifest["photos"][0] == ["photos/0000.jpg", 0, 5, 30, 30]
    assert [name for name, *_ in manifest["photos"]] == [f"photos/{n:04d}.jpg" for n in range(316) if n not in (3, 200)]
    left_out = [json.loads(line) for line in place.left_out.read_text().splitlines()]
    assert [name for name, _ in left_out] == ["photos/0003.jpg", "photos/0200.jpg"]
    assert all(reason.startswith("cannot be read as a picture") for _, reason in left_out)
    assert manifest["left_out"] == left_out
    assert [p.photos for p in told] == [128, 256, 316] and told[-1].fresh == 316


def test_an_image_is_the_part_of_the_photo_that_the_manifest_names(source):
    place, _, _ = make(source)
    with Image.open(io.BytesIO(jpeg(seed=5))) as photo:
        expected = photo.crop((0, 5, 30, 35)).resize((8, 8), Image.Resampling.LANCZOS)
    assert (place.images()[4] == np.asarray(expected)).all()  # number 3 is broken


def test_limit_is_a_number_of_images_not_of_photos(source):
    place, facts, _ = make(source, limit=BLOCK)
    assert facts["counts"] == {"photos": BLOCK + 1, "images": BLOCK, "no_face": 0, "unreadable": 1}
    assert place.folder.name == f"center-8-{BLOCK}"
    whole, _, _ = make(source)
    assert (place.images() == whole.images()[:BLOCK]).all()


def test_fewer_photos_than_the_limit_are_all_taken(source):
    _, facts, _ = make(source, limit=1000)
    assert facts["counts"]["images"] == 314 and facts["limit"] == 1000


def test_what_is_prepared_is_not_prepared_again(source, written):
    place, _, _ = make(source)
    made = list(written)
    again = make(source)
    assert again == (place, json.loads(place.manifest.read_text()), []) and written == made
    assert sorted(path.name for path in place.folder.parent.iterdir()) == [".center-8.lock", "center-8"]


def test_an_interrupted_command_goes_on_without_losing_or_repeating_work(source, written):
    answers = iter([None, None, "SIGTERM"])
    with pytest.raises(StoppedError, match="stopped by SIGTERM after 256 of 316 photos; the same command goes on"):
        make(source, stopped=lambda: next(answers))
    assert written == ["000000.npz", "000001.npz"]
    place, facts, told = make(source)
    assert written == ["000000.npz", "000001.npz", "000002.npz"] and told[-1].fresh == 60
    assert facts["counts"]["images"] == 314 and not list(place.folder.parent.glob(".work*"))


def test_it_goes_on_with_another_limit(source, written):
    answers = iter([None, "SIGINT"])
    with pytest.raises(StoppedError):
        make(source, limit=200, stopped=lambda: next(answers))
    make(source, limit=100)
    assert written == ["000000.npz"]


def test_going_on_gives_the_bytes_of_an_uninterrupted_command(source, tmp_path, monkeypatch):
    answers = iter([None, "SIGTERM"])
    with pytest.raises(StoppedError):
        make(source, stopped=lambda: next(answers))
    interrupted, _, _ = make(source)
    monkeypatch.setenv("GANLAB_CACHE", str(tmp_path / "other"))
    straight, _, _ = make(source)
    for file in ("images.npy", "manifest.json", "left_out.txt"):
        assert (interrupted.folder / file).read_bytes() == (straight.folder / file).read_bytes()


def test_a_damaged_shard_is_made_again(source, written):
    answers = iter([None, None, "SIGTERM"])
    with pytest.raises(StoppedError):
        make(source, stopped=lambda: next(answers))
    (shard,) = (photo_sets.cached_folder("mine")).glob(".work-*/000000.npz")
    shard.write_bytes(shard.read_bytes()[:1000])
    _, facts, _ = make(source)
    assert written == ["000000.npz", "000001.npz", "000000.npz", "000002.npz"]
    assert facts["counts"]["images"] == 314


def test_other_photos_under_the_same_options_replace_the_set(source, tmp_path):
    make(source)
    place, facts, _ = make(photo_zip(tmp_path / "others.zip", 5))
    assert facts["counts"]["images"] == 5 and len(place.images()) == 5


def test_a_damaged_array_is_made_again(source):
    place, _, _ = make(source)
    place.array.write_bytes(place.array.read_bytes()[:-1] + b"?")
    with pytest.raises(GanlabError, match="broken data file: its checksum is not the manifest's"):
        place.images()
    make(source)
    assert len(place.images()) == 314


def test_a_folder_of_photos_of_many_sizes_becomes_one_array(tmp_path):
    for number, (width, height) in enumerate([(10, 300), (64, 64), (1, 1), (900, 600)]):
        (tmp_path / "photos" / f"{number % 2}").mkdir(parents=True, exist_ok=True)
        (tmp_path / "photos" / f"{number % 2}" / f"{number}.jpg").write_bytes(jpeg(width, height, number))
    place, _, _ = make(tmp_path / "photos", crop="none", size=16)
    assert place.images().shape == (4, 16, 16, 3)
    assert [row[1:] for row in json.loads(place.manifest.read_text())["photos"]] == [
        [0, 0, 10, 300],
        [0, 0, 1, 1],
        [0, 0, 64, 64],
        [0, 0, 900, 600],
    ]


def test_photos_that_all_fail_are_one_line(tmp_path):
    source = photo_zip(tmp_path / "photos.zip", 3, broken=(0, 1, 2))
    with pytest.raises(GanlabError) as caught:
        make(source)
    assert str(caught.value) == f"{source}: none of 3 photos gives an image (0 without a face, 3 unreadable)."


def test_a_hostile_zip_is_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("../a.jpg", jpeg())
    with pytest.raises(GanlabError, match="refused: its path leads outside of the zip"):
        make(tmp_path / "a.zip")


def test_two_processes_do_not_prepare_the_same(source, cache):
    folder = cache / "data" / "mine"
    folder.mkdir(parents=True)
    with FileLock(folder / ".center-8.lock"), pytest.raises(LockedError, match="mine is being prepared by another"):
        make(source)


def test_photos_without_any_face_are_one_line(tmp_path):
    source = photo_zip(tmp_path / "photos.zip", 3, broken=(1,))
    with pytest.raises(GanlabError, match=r"none of 3 photos gives an image \(2 without a face, 1 unreadable\)"):
        make(source, crop="box")


@pytest.mark.data
@pytest.mark.slow
def test_faces_are_cut_from_real_photos_and_what_has_none_is_listed(own_data, tmp_path):
    celeba = own_data / "celeba" / "img_align_celeba.zip"
    if not celeba.is_file():
        pytest.skip("GANLAB_DATA has no celeba/img_align_celeba.zip")
    with zipfile.ZipFile(celeba) as photos, zipfile.ZipFile(tmp_path / "few.zip", "w") as few:
        for name in sorted(n for n in photos.namelist() if n.endswith(".jpg"))[:8]:
            few.writestr(name, photos.read(name))
        few.writestr("img_align_celeba/000002.jpg", jpeg(178, 218))
        few.writestr("img_align_celeba/000003.jpg", photos.read(name)[:2000])
    place, facts, _ = make(tmp_path / "few.zip", crop="box", size=40)
    assert facts["counts"] == {"photos": 10, "images": 8, "no_face": 1, "unreadable": 1}
    assert [json.loads(line)[1].split(":")[0] for line in place.left_out.read_text().splitlines()] == [
        "no face",
        "cannot be read as a picture",
    ]
    rows = json.loads(place.manifest.read_text())["photos"]
    # An aligned photo of CelebA has its eyes at (69, 111) and (109, 111), its mouth near y = 150.
    assert all(x < 69 and x + w > 109 and y < 105 and y + h > 150 for _, x, y, w, h in rows)
    squares, _, _ = make(tmp_path / "few.zip", crop="square", size=40)
    rows = json.loads(squares.manifest.read_text())["photos"]
    assert len(rows) == 8 and all(w == h for _, _, _, w, h in rows)
