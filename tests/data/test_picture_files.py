import os
import stat
import zipfile
from pathlib import Path

import numpy as np
import pytest

from ganlab.data.picture_files import SUFFIXES, open_pictures
from ganlab.errors import GanlabError


def zipped(path: Path, *members: str | zipfile.ZipInfo, content: bytes = b"picture") -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for member in members:
            archive.writestr(member, content, zipfile.ZIP_DEFLATED)
    return path


def test_pictures_are_found_in_sub_folders_in_the_order_of_their_names(tmp_path):
    names = ["b.PNG", "a/z.jpg", "a/b/c.webp", "B.jpeg"]
    others = [".hidden.png", "notes.txt", "a/.cache/d.png", "__MACOSX/a/e.png"]
    for name in names + others:
        (tmp_path / "folder" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "folder" / name).write_bytes(b"picture")
    expected = ["B.jpeg", "a/b/c.webp", "a/z.jpg", "b.PNG"]
    assert open_pictures(tmp_path / "folder").names == expected
    pictures = open_pictures(zipped(tmp_path / "a.zip", *names, *others))
    assert pictures.names == expected and pictures.read("a/z.jpg") == b"picture"


def test_an_empty_folder_and_a_zip_without_pictures_are_one_line(tmp_path):
    (tmp_path / "empty").mkdir()
    archive = zipped(tmp_path / "a.zip", "readme.txt")
    for path, note in (
        (tmp_path / "empty", ""),
        (archive, " (1 of 1 files is no picture that can be read: readme.txt)"),
    ):
        with pytest.raises(GanlabError) as caught:
            open_pictures(path)
        assert str(caught.value) == f"{path}: expected pictures ({', '.join(SUFFIXES)}), found none{note}."


def test_arrays_are_told_to_become_pictures(tmp_path):
    hint = "Arrays are not read here: write each image as a PNG file first (docs/config.md#data)."
    np.savez(tmp_path / "mine.npz", images=np.zeros((2, 8, 8), np.uint8))
    (tmp_path / "folder").mkdir()
    np.save(tmp_path / "folder" / "mine.npy", np.zeros((2, 8, 8), np.uint8))
    for path in (tmp_path / "mine.npz", tmp_path / "folder" / "mine.npy", tmp_path / "folder"):
        with pytest.raises(GanlabError) as caught:
            open_pictures(path)
        assert str(caught.value).startswith(f"{path}: expected ") and str(caught.value).endswith(f". {hint}")


@pytest.mark.parametrize("make", [lambda path: os.mkfifo(path), lambda path: path.symlink_to("/dev/zero")])
def test_pipes_and_devices_are_no_source_and_among_photos_they_are_left_out(tmp_path, make):
    make(tmp_path / "photos")
    with pytest.raises(GanlabError, match=r"photos: expected a folder or a zip of pictures, received a pipe, a device"):
        open_pictures(tmp_path / "photos")
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "a.jpg").write_bytes(b"picture")
    make(tmp_path / "folder" / "b.jpg")
    pictures = open_pictures(tmp_path / "folder")
    assert (pictures.names, pictures.left_out) == (["a.jpg"], ["b.jpg"])
    assert pictures.note == "1 of 2 files is no picture that can be read: b.jpg"


def test_every_suffix_of_a_readable_format_counts_in_either_case_and_other_files_are_named(tmp_path):
    names = ["a.JPE", "b.jfif", "c.bmp", "d.TIF", "e.gif", "f.JPEG"]
    others = ["g.heic", "h", "i.txt", "k.svg", "l.mov", "m\n.pdf", "Thumbs.db"]
    for name in names + others:
        (tmp_path / name).write_bytes(b"x")
    pictures = open_pictures(tmp_path)
    assert pictures.names == names and pictures.left_out == others[:-1]
    assert pictures.note == ("6 of 12 files are no pictures that can be read: g.heic, h, i.txt, k.svg, l.mov, ...")
    assert open_pictures(zipped(tmp_path / "a.zip", *names, *others)).left_out == others[:-1]


class TestLinks:
    @pytest.fixture
    def photos(self, tmp_path):
        for name in ("photos/a.jpg", "photos/sub/b.jpg", "elsewhere/c.jpg"):
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_bytes(b"picture")
        return tmp_path / "photos"

    def test_to_folders_and_pictures_are_followed(self, photos, tmp_path):
        (photos / "link").symlink_to(tmp_path / "elsewhere")
        (photos / "d.jpg").symlink_to(tmp_path / "elsewhere" / "c.jpg")
        pictures = open_pictures(photos)
        assert pictures.names == ["a.jpg", "d.jpg", "link/c.jpg", "sub/b.jpg"] and pictures.note is None

    @pytest.mark.parametrize("target", [".", "sub", ".."])
    def test_to_folders_that_are_read_anyway_are_left_out(self, photos, target):
        (photos / "link").symlink_to(photos / target)
        pictures = open_pictures(photos)
        assert pictures.names == ["a.jpg", "sub/b.jpg"]
        assert pictures.left_out == ["link (a link to a folder that is read anyway)"]

    def test_in_a_circle_end(self, photos, tmp_path):
        (photos / "out").symlink_to(tmp_path / "elsewhere")
        (tmp_path / "elsewhere" / "back").symlink_to(photos)
        (tmp_path / "elsewhere" / "again").symlink_to(tmp_path / "elsewhere")
        pictures = open_pictures(photos)
        assert pictures.names == ["a.jpg", "out/c.jpg", "sub/b.jpg"] and len(pictures.left_out) == 2

    def test_that_lead_nowhere_are_named(self, photos):
        (photos / "e.jpg").symlink_to("nothing.jpg")
        assert open_pictures(photos).left_out == ["e.jpg"]


def test_a_file_that_is_larger_than_any_picture_is_not_read(tmp_path):
    with open(tmp_path / "a.png", "wb") as file:
        file.truncate(2**40)  # sparse: it takes no room
    with pytest.raises(OSError, match="it has 1099511627776 bytes, expected at most 268435456"):
        open_pictures(tmp_path).read("a.png")


@pytest.mark.parametrize(
    "member",
    ["/etc/a.png", "../a.png", "a/../../b.png", "..\\a.png", "C:\\a.png", "\\\\host\\a.png", "../notes.txt"],
)
def test_a_member_outside_of_the_zip_is_refused_by_name(tmp_path, member):
    path = zipped(tmp_path / "a.zip", "good.png", member)
    with pytest.raises(GanlabError) as caught:
        open_pictures(path)
    assert str(caught.value) == f"{path}: member {member}: refused: its path leads outside of the zip."


def test_a_link_in_a_zip_is_refused(tmp_path):
    link = zipfile.ZipInfo("link.png")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with pytest.raises(GanlabError, match=r"member link\.png: refused: it is a link\."):
        open_pictures(zipped(tmp_path / "a.zip", link))


def test_a_zip_bomb_is_refused_before_it_unpacks(tmp_path):
    path = zipped(tmp_path / "a.zip", "bomb.png", content=bytes(4 * 2**20))
    with pytest.raises(GanlabError, match=r"member bomb\.png: refused: it unpacks to more than 200 times"):
        open_pictures(path)


def test_a_huge_member_is_refused_by_its_declared_size(tmp_path):
    path = zipped(tmp_path / "a.zip", "huge.png")
    content = path.read_bytes()
    at = content.index(b"PK\x01\x02") + 24  # the unpacked size in the central directory
    path.write_bytes(content[:at] + (2**31).to_bytes(4, "little") + content[at + 4 :])
    with pytest.raises(GanlabError, match="refused: it unpacks to 2147483648 bytes, expected at most 268435456"):
        open_pictures(path)


def test_an_encrypted_member_is_refused(tmp_path):
    path = zipped(tmp_path / "a.zip", "secret.png")
    content = bytearray(path.read_bytes())
    content[content.index(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(content)
    with pytest.raises(GanlabError, match=r"member secret\.png: refused: it is encrypted"):
        open_pictures(path)


@pytest.mark.parametrize("content", [b"", b"no zip", b"PK\x05\x06" + bytes(10)])
def test_what_is_no_zip_is_one_line(tmp_path, content):
    path = tmp_path / "a.zip"
    path.write_bytes(content)
    with pytest.raises(GanlabError) as caught:
        open_pictures(path)
    assert str(caught.value).startswith(f"{path}: cannot be read as a zip: ")


def test_a_name_with_a_line_break_stays_on_one_line(tmp_path):
    with pytest.raises(GanlabError) as caught:
        open_pictures(zipped(tmp_path / "a.zip", "../a\nb.png"))
    assert "\n" not in str(caught.value) and "a\\nb.png" in str(caught.value)


def test_the_key_of_a_folder_follows_names_sizes_and_times(tmp_path):
    (tmp_path / "a.png").write_bytes(b"1")
    (tmp_path / "b.png").write_bytes(b"2")
    pictures = open_pictures(tmp_path)
    keys = [pictures.content_key(["a.png"]), pictures.content_key(["a.png", "b.png"])]
    (tmp_path / "b.png").write_bytes(b"22")
    keys.append(pictures.content_key(["a.png", "b.png"]))
    os.utime(tmp_path / "b.png", ns=(0, 1))
    keys.append(pictures.content_key(["a.png", "b.png"]))
    assert len(set(keys)) == 4
    assert pictures.content_key(["a.png"]) == keys[0]


@pytest.mark.parametrize(("size", "place"), [(1, 0), (5000, 4999), (100_000, 0), (100_000, 50_000), (100_000, 99_999)])
def test_the_key_of_a_folder_follows_the_bytes_where_names_sizes_and_times_are_equal(tmp_path, size, place):
    """Of a large file, pieces: photos that differ at all differ throughout."""
    content, keys = bytearray(size), []
    for value in (0, 1):
        content[place : place + 6000] = bytes([value]) * len(content[place : place + 6000])
        (tmp_path / "a.png").write_bytes(content)
        os.utime(tmp_path / "a.png", ns=(0, 1))
        keys.append(open_pictures(tmp_path).content_key(["a.png"]))
    assert keys[0] != keys[1]


def test_equal_folders_at_two_places_have_two_keys(tmp_path):
    for folder in ("cats", "dogs"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "a.png").write_bytes(b"1")
        os.utime(tmp_path / folder / "a.png", ns=(0, 1))
    keys = {open_pictures(tmp_path / folder).content_key(["a.png"]) for folder in ("cats", "dogs")}
    assert len(keys) == 2
