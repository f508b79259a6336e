import io
import os
import zipfile

import numpy as np
import pytest
from PIL import Image

from ganlab.data.registry import load_dataset
from ganlab.errors import ConfigError, GanlabError, MissingDataError
from tests.data.samples import noise, options


@pytest.fixture
def photos(tmp_path):
    folder = tmp_path / "photos"
    folder.mkdir()
    return folder


def save(path, array: np.ndarray, **more):
    Image.fromarray(array).save(path, **more)


def load(source, **changes):
    return load_dataset(options("folder", source=str(source), **changes))


def error_of(source, **changes) -> str:
    with pytest.raises(GanlabError) as caught:
        load(source, **changes)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_pictures_of_one_size_keep_their_pixels(photos):
    images = noise(3, 6, 5, 3)
    for name, image in zip("cab", images, strict=True):
        save(photos / f"{name}.png", image)
    dataset = load(photos)
    assert np.array_equal(dataset.train.images, images[[1, 2, 0]])
    assert (dataset.train.labels, dataset.test, dataset.source) == (None, None, str(photos))


def test_pictures_of_all_kinds_and_sizes_are_brought_to_one_size(photos):
    for name, size in (("a.jpg", (40, 30)), ("b.png", (20, 50)), ("c.webp", (64, 64)), ("d.jpeg", (8, 8))):
        save(photos / name, noise(*size, 3))
    dataset = load(photos, image_size=16)
    assert dataset.train.images.shape == (4, 16, 16, 3)
    with Image.open(photos / "b.png") as image:
        expected = np.asarray(image.resize((16, 16), Image.Resampling.LANCZOS))
    assert np.array_equal(dataset.train.images[1], expected)


@pytest.mark.parametrize(
    ("name", "form", "mode"),
    [("b.JPE", "JPEG", "CMYK"), ("b.bmp", "BMP", "RGB"), ("b.tif", "TIFF", "RGB"), ("b.gif", "GIF", "P")],
)
def test_pictures_of_other_formats_are_read(photos, name, form, mode):
    image = np.kron(noise(2, 2, 3), np.ones((8, 8, 1), np.uint8))
    Image.fromarray(image).convert(mode, palette=Image.Palette.ADAPTIVE).save(photos / name, form)
    assert np.abs(load(photos).train.images[0].astype(int) - image).mean() < 6


@pytest.mark.parametrize(
    "exif", [b"Exif\0\0garbage", b"Exif\0\0MM\0*\0\0\0\x08\xff\xff", b"Exif\0\0" + b"II*\0" + bytes(4)]
)
def test_damaged_exif_is_no_damaged_picture_and_no_warning(photos, exif, recwarn):
    image = noise(8, 8, 3)
    save(photos / "a.png", image, exif=exif[6:])
    save(photos / "b.jpg", image, exif=exif)
    assert np.array_equal(load(photos).train.images[0], image) and not recwarn.list


def test_pixels_whose_range_is_unknown_are_refused(photos):
    save(photos / "a.tif", noise(8, 8).astype(np.float32))
    assert "its pixels have 32 bits (mode F), expected 8 or 16" in error_of(photos)


def test_files_that_are_no_pictures_are_in_the_note(photos):
    save(photos / "a.png", noise(8, 8, 3))
    assert load(photos).note is None
    (photos / "b.heic").touch()
    assert load(photos).note == "1 of 2 files is no picture that can be read: b.heic"


def test_folders_with_equal_names_sizes_and_times_do_not_share_a_cache_entry(tmp_path):
    images = {name: noise(8, 8, 3, seed=seed) for seed, name in enumerate(("cats", "dogs"))}
    for name, image in images.items():
        (tmp_path / name).mkdir()
        save(tmp_path / name / "a.bmp", image)  # unpacked, so the sizes are equal
        os.utime(tmp_path / name / "a.bmp", ns=(0, 1))
    for name, image in images.items():
        assert np.array_equal(load(tmp_path / name).train.images[0], image)
    (tmp_path / "cats" / "a.bmp").rename(tmp_path / "cats" / "a.old")
    (tmp_path / "dogs" / "a.bmp").rename(tmp_path / "cats" / "a.bmp")  # the same path, other content
    assert np.array_equal(load(tmp_path / "cats").train.images[0], images["dogs"])


def test_pictures_of_several_sizes_need_an_image_size(photos):
    save(photos / "a.png", noise(8, 8, 3))
    save(photos / "b.png", noise(8, 9, 3))
    assert error_of(photos) == (
        f"{photos / 'b.png'}: expected 8 x 8 pixels as in a.png, received 9 x 8. "
        "data.image_size brings all pictures to one size."
    )


def test_pictures_are_grey_only_if_all_are(photos):
    grey = noise(8, 8)
    save(photos / "a.png", grey)
    save(photos / "b.png", noise(8, 8))
    dataset = load(photos)
    assert dataset.shape == (8, 8, 1) and np.array_equal(dataset.train.images[0, :, :, 0], grey)
    save(photos / "c.png", noise(8, 8, 3))
    dataset = load(photos)
    assert dataset.shape == (8, 8, 3) and np.array_equal(dataset.train.images[0], grey[..., None].repeat(3, 2))


def test_luminosity_makes_colour_pictures_grey(photos):
    save(photos / "a.png", np.full((8, 8, 3), (255, 0, 0), np.uint8))
    assert (load(photos, grayscale="luminosity").train.images == 76).all()


def test_a_picture_is_turned_upright(photos):
    image = noise(6, 4, 3)
    turned = Image.Exif()
    turned[0x0112] = 6  # the camera was held on its side: rotate by 270 degrees
    save(photos / "a.png", np.rot90(image), exif=turned)
    assert np.array_equal(load(photos).train.images[0], image)


def test_transparency_lies_on_white(photos):
    save(photos / "a.png", np.array([[[255, 0, 0, 255], [255, 0, 0, 0]]], np.uint8))
    assert load(photos).train.images.tolist() == [[[[255, 0, 0], [255, 255, 255]]]]


def test_sixteen_bits_are_scaled_not_clipped(photos):
    save(photos / "a.png", np.array([[0, 256, 32768, 65535]], np.uint16))
    assert load(photos).train.images.ravel().tolist() == [0, 1, 128, 255]


def test_a_zip_gives_what_its_folder_gives(photos, tmp_path):
    for index, image in enumerate(noise(20, 9, 9, 3)):
        save(photos / f"{index:02d}.png", image)
    with zipfile.ZipFile(tmp_path / "photos.zip", "w") as archive:
        for path in photos.iterdir():
            archive.write(path, f"photos/{path.name}")
    assert load(tmp_path / "photos.zip").fingerprint == load(photos).fingerprint


def test_a_limit_reads_no_more_than_it_needs(photos):
    for name in "abc":
        save(photos / f"{name}.png", noise(8, 8, 3))
    (photos / "d.png").write_bytes(b"broken")
    assert load(photos, limit=3).count == 3
    message = f"data.limit: expected at most 4 (the training images in {photos}), received 5."
    assert error_of(photos, limit=5).endswith(message)


def test_prepared_pictures_come_from_the_cache_until_something_changes(photos, cache):
    save(photos / "a.png", noise(8, 8, 3))
    load(photos, image_size=4)
    [cached] = (cache / "data" / "folder").glob("*.npy")
    np.save(cached, np.full((1, 4, 4, 3), 7, np.uint8))
    assert (load(photos, image_size=4).train.images == 7).all()
    assert not (load(photos, image_size=5).train.images == 7).all()
    os.utime(photos / "a.png", ns=(0, 1))
    assert not (load(photos, image_size=4).train.images == 7).all()


def test_a_damaged_cache_is_made_again(photos, cache):
    save(photos / "a.png", noise(8, 8, 3))
    fingerprint = load(photos).fingerprint
    [cached] = (cache / "data" / "folder").glob("*.npy")
    cached.write_bytes(cached.read_bytes()[:-1])
    assert load(photos).fingerprint == fingerprint


def jpeg() -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(noise(64, 64, 3)).save(buffer, format="JPEG")
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "not one of JPEG, PNG, WEBP, GIF, BMP, TIFF"),
        (b"text", "not one of JPEG, PNG, WEBP, GIF, BMP, TIFF"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 8 8\n", "not one of JPEG, PNG, WEBP, GIF, BMP, TIFF"),
        (jpeg()[:2000], "Truncated File Read"),
    ],
    ids=["empty", "text", "a format that Pillow reads with another program", "truncated"],
)
def test_an_unreadable_picture_is_one_line_and_leaves_no_cache(photos, cache, content, reason):
    save(photos / "a.png", noise(64, 64, 3))
    (photos / "b.jpg").write_bytes(content)
    text = error_of(photos)
    assert text.startswith(f"{photos / 'b.jpg'}: cannot be read as a picture: "), text
    assert reason in text or "truncated" in text
    assert text.endswith(". Mend it or remove it; 'ganlab prepare' leaves such files out.")
    assert not list((cache / "data" / "folder").glob("*.npy"))


def test_a_damaged_member_of_a_zip_is_one_line(tmp_path):
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.jpg", jpeg())
    content = bytearray(path.read_bytes())
    content[1500] ^= 0xFF
    path.write_bytes(content)
    assert error_of(path).startswith(f"{path}: member a.jpg: cannot be read as a picture: Bad CRC-32")


def test_a_decompression_bomb_is_refused(photos, monkeypatch):
    # Pillow raises beyond twice its limit and warns up to there; both must be refused.
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    for side in (12, 100):
        save(photos / "a.png", noise(side, side, 3))
        assert error_of(photos) == f"{photos / 'a.png'}: refused: more than 100 pixels."


def test_a_relative_source_is_also_looked_for_in_the_own_data(own_data):
    (own_data / "cats").mkdir()
    save(own_data / "cats" / "a.png", noise(8, 8, 3))
    assert load("cats").source == str(own_data / "cats")


def test_a_source_that_is_not_there_is_missing_data(own_data):
    with pytest.raises(MissingDataError) as caught:
        load("nowhere/photos")
    assert str(caught.value) == (
        "data.source: expected a folder or a zip of pictures at nowhere/photos or "
        f"{own_data}/nowhere/photos, found nothing."
    )


def test_the_folder_needs_a_source():
    with pytest.raises(ConfigError, match=r"data\.source: expected a folder or a zip of pictures, received nothing"):
        load_dataset(options("folder"))


class TestClasses:
    @pytest.fixture
    def animals(self, photos):
        """Three cats, one dog and two foxes, one of them in a folder below."""
        for name in ("cat/1.png", "cat/2.png", "cat/3.png", "fox/a.png", "fox/deep/b.png", "dog/z.png"):
            (photos / name).parent.mkdir(parents=True, exist_ok=True)
            save(photos / name, np.full((4, 4), sum(name.encode()) % 256, np.uint8))
        return photos

    def test_a_sub_folder_is_a_class_and_each_class_has_its_turn(self, animals):
        dataset = load(animals, classes="folders")
        assert dataset.class_names == ("cat", "dog", "fox") and dataset.form.classes == 3
        assert dataset.train.labels.tolist() == [0, 1, 2, 0, 2, 0]
        names = ("cat/1.png", "dog/z.png", "fox/a.png", "cat/2.png", "fox/deep/b.png", "cat/3.png")
        assert dataset.train.images[:, 0, 0, 0].tolist() == [sum(name.encode()) % 256 for name in names]

    def test_a_limit_takes_as_many_of_each(self, animals):
        dataset = load(animals, classes="folders", limit=3)
        assert dataset.train.labels.tolist() == [0, 1, 2] and dataset.form.classes == 3

    def test_without_it_the_order_is_that_of_the_names_and_there_are_no_labels(self, animals):
        dataset = load(animals)
        assert dataset.train.labels is None and dataset.class_names is None
        assert dataset.train.images[3, 0, 0, 0] == sum(b"dog/z.png") % 256

    def test_a_zip_may_have_one_folder_around_all(self, animals, tmp_path):
        with zipfile.ZipFile(tmp_path / "animals.zip", "w") as archive:
            for path in animals.rglob("*.png"):
                archive.write(path, f"animals/{path.relative_to(animals)}")
        assert load(tmp_path / "animals.zip", classes="folders").class_names == ("cat", "dog", "fox")

    @pytest.mark.parametrize("order", [(None, "folders"), ("folders", None)])
    def test_a_zip_read_without_and_with_classes_keeps_its_labels_apart(self, animals, tmp_path, order):
        """Both are decoded into the cache, in another order."""
        with zipfile.ZipFile(tmp_path / "animals.zip", "w") as archive:
            for path in animals.rglob("*.png"):
                archive.write(path, path.relative_to(animals))
        for classes in order:
            of_zip, of_folder = (
                load(source, classes=classes, limit=3) for source in (tmp_path / "animals.zip", animals)
            )
            np.testing.assert_array_equal(of_zip.train.images, of_folder.train.images)
            assert of_zip.fingerprint == of_folder.fingerprint

    def test_pictures_beside_the_folders_and_a_single_class_are_mistakes(self, animals):
        save(animals / "alone.png", noise(4, 4))
        assert error_of(animals, classes="folders") == (
            f"data.classes: expected every picture in a sub-folder of {animals}, its class; found alone.png and 0 more beside"
        )
        assert error_of(animals / "cat", classes="folders").startswith(
            f"data.classes: expected every picture in a sub-folder of {animals}/cat, its class; found 1.png and 2 more"
        )
