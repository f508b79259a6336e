"""`prepare_photos` with real photos. The detector is a stand-in but where GANLAB_DATA has photos of faces."""

import errno
import fcntl
import io
import json
import os
import zipfile

import numpy as np
import pytest
from filelock import FileLock
from PIL import Image

from ganlab.data import faces as face_module
from ganlab.data.picture_files import PictureZip
from ganlab.data.prepare import BLOCK, Request, prepare_photos
from ganlab.errors import GanlabError, LockedError, StoppedError
from tests.data.photos import jpeg, photo_zip


def make(source, limit=None, crop="center", size=8, stopped=lambda: None, name="mine"):
    """(place, facts, progress)"""
    told = []
    place, facts = prepare_photos(Request(name, source, crop, size, limit), lambda *at: told.append(at), stopped)
    return place, facts, told


def stop_after(blocks, source, **options):
    """Runs until the signal that comes after some blocks."""
    answers = iter([*[None] * blocks, "SIGTERM"])
    with pytest.raises(StoppedError) as stopped:
        make(source, stopped=lambda: next(answers), **options)
    return str(stopped.value)


@pytest.fixture
def source(tmp_path):
    """Two blocks and a half; photo 3 and photo 200 are broken."""
    return photo_zip(tmp_path / "photos.zip", 2 * BLOCK + 60, broken=(3, 200))


class Detector:
    """Sees a face in every photo that is not dark."""

    def __init__(self):
        self.searched = []

    def detect(self, photos):
        self.searched.append(len(photos))
        return [(4, 6, 20, 25) if photo.mean() > 115 else None for photo in photos]


@pytest.fixture
def detector(monkeypatch) -> Detector:
    detector = Detector()
    monkeypatch.setattr(face_module, "face_detector", lambda: detector)
    return detector


def test_every_photo_is_an_image_or_is_listed(source):
    place, facts, told = make(source)
    assert facts["counts"] == {"photos": 316, "images": 314, "no_face": 0, "unreadable": 2, "no_picture": 0}
    images = place.images()
    assert images.shape == (314, 8, 8, 3) and images.dtype == np.uint8
    manifest = json.loads(place.manifest.read_text())
    assert manifest["photos"][0] == ["photos/0000.jpg", 0, 5, 30, 30]
    assert [name for name, *_ in manifest["photos"]] == [f"photos/{n:04d}.jpg" for n in range(316) if n not in (3, 200)]
    left_out = [json.loads(line) for line in place.left_out.read_text().splitlines()]
    assert [name for name, _ in left_out] == ["photos/0003.jpg", "photos/0200.jpg"]
    assert all(reason.startswith("cannot be read as a picture") for _, reason in left_out)
    assert not any("ganlab prepare" in reason for _, reason in left_out)
    assert manifest["left_out"] == left_out
    assert told == [(128, 316, 127, 128), (256, 316, 254, 256), (316, 316, 314, 316)]


def test_an_image_is_the_part_of_the_photo_that_the_manifest_names(source):
    place, _, _ = make(source)
    with Image.open(io.BytesIO(jpeg(seed=5))) as photo:
        expected = photo.crop((0, 5, 30, 35)).resize((8, 8), Image.Resampling.LANCZOS)
    assert (place.images()[4] == np.asarray(expected)).all()  # number 3 is broken


def test_limit_is_a_number_of_images_not_of_photos(source):
    place, facts, _ = make(source, limit=BLOCK)
    assert facts["counts"] == {"photos": BLOCK + 1, "images": BLOCK, "no_face": 0, "unreadable": 1, "no_picture": 0}
    assert place.folder.name == f"center-8-{BLOCK}"
    whole, _, _ = make(source)
    assert (place.images() == whole.images()[:BLOCK]).all()


def test_fewer_photos_than_the_limit_are_all_taken(source):
    _, facts, _ = make(source, limit=1000)
    assert facts["counts"]["images"] == 314 and facts["limit"] == 1000


def test_what_is_prepared_is_not_prepared_again(source, detector):
    place, _, _ = make(source, crop="box")
    again = make(source, crop="box")
    assert again == (place, json.loads(place.manifest.read_text()), []) and detector.searched == [127, 127, 60]
    names = sorted(path.name for path in place.folder.parent.iterdir())
    assert names[0] == ".box-8.lock" and names[1].startswith(".faces-") and names[2:] == [f"{names[1]}.lock", "box-8"]
    assert sorted(path.name for path in place.folder.iterdir()) == ["images.npy", "left_out.txt", "manifest.json"]


def test_another_size_or_crop_of_the_same_photos_searches_no_faces(source, detector, tmp_path):
    large, _, _ = make(source, crop="box", size=16)
    small, facts, _ = make(source, crop="box")
    make(source, crop="square")
    assert detector.searched == [127, 127, 60] and facts["array"]["shape"][1:] == [8, 8, 3]
    assert json.loads(small.manifest.read_text())["photos"] == json.loads(large.manifest.read_text())["photos"]
    make(photo_zip(tmp_path / "others.zip", 10), crop="box")
    assert detector.searched == [127, 127, 60, 10]


class TestInterrupted:
    def test_a_search_for_faces_goes_on_without_losing_or_repeating_work(self, source, detector):
        message = stop_after(2, source, crop="box")
        assert message == "stopped by SIGTERM after 256 of 316 photos; the same command goes on"
        assert detector.searched == [127, 127]
        _, facts, told = make(source, crop="box")
        assert detector.searched == [127, 127, 60] and told[-1][3] == 60
        counts = facts["counts"]
        assert counts["unreadable"] == 2 and counts["no_face"] > 20 and counts["images"] > 100
        assert sum(counts.values()) == 2 * 316

    def test_it_goes_on_with_another_limit(self, source, detector):
        stop_after(1, source, limit=200, crop="box")
        _, facts, _ = make(source, limit=60, crop="box")
        assert detector.searched == [127] and facts["counts"]["images"] == 60

    @pytest.mark.parametrize("crop", ["box", "square", "center"])
    def test_the_bytes_are_those_of_an_uninterrupted_command(self, source, detector, tmp_path, monkeypatch, crop):
        stop_after(1, source, crop=crop)
        interrupted, _, _ = make(source, crop=crop)
        monkeypatch.setenv("GANLAB_CACHE", str(tmp_path / "other"))
        straight, _, _ = make(source, crop=crop)
        for file in ("images.npy", "manifest.json", "left_out.txt"):
            assert (interrupted.folder / file).read_bytes() == (straight.folder / file).read_bytes()

    def test_faces_on_a_damaged_line_are_searched_again(self, source, detector, cache):
        stop_after(2, source, crop="box")
        (faces,) = (cache / "data" / "mine").glob(".faces-*[!k]")
        faces.write_bytes(faces.read_bytes().replace(b"[4, 6, 20, 25]", b"[4, 6, 20, 26]", 1))
        make(source, crop="box")
        assert detector.searched == [127, 127, 127, 60]

    def test_cutting_alone_begins_again(self, source, cache):
        message = stop_after(2, source)
        assert message == "stopped by SIGTERM after 256 of 316 photos; the same command begins again"
        assert [path for path in cache.rglob("*") if path.is_file()] == [cache / "data/mine/.center-8.lock"]

    def test_the_half_array_of_a_killed_process_is_removed(self, source, cache):
        left = cache / "data" / "mine" / "center-8" / ".0123abcd-images.npy"
        left.parent.mkdir(parents=True)
        left.write_bytes(b"half")
        make(source)
        assert not left.exists()


def test_faces_of_large_photos_are_searched_in_small_ones_and_cut_from_all_pixels(tmp_path, detector):
    source = photo_zip(tmp_path / "photos.zip", 1, width=2048, height=1000)
    place, _, _ = make(source, crop="box", size=16)
    (row,) = json.loads(place.manifest.read_text())["photos"]
    assert row[1:] == [16, 24, 80, 100]  # four times the detector's box
    with Image.open(io.BytesIO(jpeg(2048, 1000))) as photo:
        expected = photo.crop((16, 24, 96, 124)).resize((16, 16), Image.Resampling.LANCZOS)
    assert (place.images()[0] == np.asarray(expected)).all()


def test_the_array_is_what_numpy_would_save(source, tmp_path):
    place, _, _ = make(source)
    np.save(tmp_path / "saved.npy", np.load(place.array))
    assert (tmp_path / "saved.npy").read_bytes() == place.array.read_bytes()


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


@pytest.mark.parametrize("error", [OSError(errno.EIO, "Input/output error"), MemoryError()])
def test_a_photo_that_cannot_be_read_this_time_is_not_left_out_for_ever(source, monkeypatch, error):
    """A disk or a network drive that fails says nothing about the photo."""
    read = PictureZip.read

    def failing(self, name):
        if name.endswith("7.jpg"):
            raise error
        return read(self, name)

    with monkeypatch.context() as patched:
        patched.setattr(PictureZip, "read", failing)
        with pytest.raises(GanlabError, match=r"7\.jpg: cannot be read: (Input/output error|not enough memory)"):
            make(source)
    assert make(source)[1]["counts"]["unreadable"] == 2


def test_photos_that_all_fail_are_one_line(tmp_path):
    source = photo_zip(tmp_path / "photos.zip", 3, broken=(0, 1, 2))
    with pytest.raises(GanlabError) as caught:
        make(source)
    assert str(caught.value) == f"{source}: none of 3 photos gives an image (0 without a face, 3 unreadable)."


def test_files_that_are_no_pictures_are_counted_and_named(tmp_path):
    folder = tmp_path / "photos"
    folder.mkdir()
    for name in ("a.JPG", "b.jfif"):
        (folder / name).write_bytes(jpeg())
    (folder / "c.heic").touch()
    os.mkfifo(folder / "d.jpg")
    place, facts, _ = make(folder)
    assert facts["counts"] == {"photos": 2, "images": 2, "no_face": 0, "unreadable": 0, "no_picture": 2}
    lines = [["c.heic", "no picture that can be read"], ["d.jpg", "no picture that can be read"]]
    assert [json.loads(line) for line in place.left_out.read_text().splitlines()] == lines
    assert json.loads(place.manifest.read_text())["left_out"] == lines
    (folder / "e.mov").touch()
    assert make(folder)[1]["counts"]["no_picture"] == 3


def test_folders_with_equal_names_sizes_and_times_do_not_share_a_set(tmp_path):
    made = []
    for seed in (1, 2):
        folder = tmp_path / "photos"
        folder.mkdir(exist_ok=True)
        Image.fromarray(np.random.default_rng(seed).integers(0, 256, (8, 8, 3), np.uint8)).save(folder / "a.bmp")
        os.utime(folder / "a.bmp", ns=(0, 1))
        made.append(make(folder)[0].images())
    assert not np.array_equal(*made)


def test_a_file_system_without_locks_is_one_line_with_the_file_and_advice(source, cache, monkeypatch):
    def refuse(descriptor, operation):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", refuse)
    with pytest.raises(GanlabError) as caught:
        make(source)
    lock = cache / "data" / "mine" / ".center-8.lock"
    assert str(caught.value).startswith(
        f"{lock}: its file system refuses to lock it (No locks available). GANLAB_CACHE"
    )


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
    assert facts["counts"] == {"photos": 10, "images": 8, "no_face": 1, "unreadable": 1, "no_picture": 0}
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
