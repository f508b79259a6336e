import os
import stat
import zipfile
from pathlib import Path

import pytest

from ganlab.data.picture_files import open_pictures
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
    for path in (tmp_path / "empty", zipped(tmp_path / "a.zip", "readme.txt")):
        with pytest.raises(GanlabError) as caught:
            open_pictures(path)
        assert str(caught.value) == f"{path}: expected pictures (.jpg, .jpeg, .png, .webp), found none."


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
