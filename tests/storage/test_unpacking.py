import gzip
import io
import tarfile

import pytest

from ganlab.storage import unpacking
from ganlab.storage.unpacking import is_bomb, open_tar


@pytest.mark.parametrize(
    ("unpacked", "packed", "expected"),
    [(0, 0, False), (2**20, 1, False), (2**21, 2**21 // 200, True), (2**21, 2**14, False), (2**40, 2**20, True)],
)
def test_much_out_of_little_is_a_bomb_once_it_is_large(unpacked, packed, expected):
    assert is_bomb(unpacked, packed) is expected


def tar_of(*members: tuple[str, bytes, bytes]) -> bytes:
    """A gzipped tar of (name, type, content)."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for name, kind, content in members:
            member = tarfile.TarInfo(name)
            member.type, member.linkname = kind, "/etc/passwd"
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return packed.getvalue()


def test_members_are_read_in_their_order(tmp_path):
    path = tmp_path / "a.tgz"
    path.write_bytes(tar_of(("a", tarfile.REGTYPE, b"one"), ("b", tarfile.REGTYPE, b"two")))
    with open_tar(path) as archive:
        assert {member.name: archive.extractfile(member).read() for member in archive} == {"a": b"one", "b": b"two"}


def test_a_tar_that_unpacks_without_an_end_is_refused_on_the_way(tmp_path, monkeypatch):
    monkeypatch.setattr(unpacking, "MOST_TAR_BYTES", 2**20)
    path = tmp_path / "a.tgz"
    path.write_bytes(tar_of(("zeros", tarfile.REGTYPE, bytes(2**22)), ("a", tarfile.REGTYPE, b"one")))
    with pytest.raises(tarfile.ReadError, match="unpacks to more than 1048576 bytes"), open_tar(path) as archive:
        list(archive)


def test_a_header_of_a_gigabyte_is_not_read(tmp_path, monkeypatch):
    monkeypatch.setattr(unpacking, "MOST_TAR_BYTES", 2**20)
    member = tarfile.TarInfo("long name")
    member.type, member.size = tarfile.GNUTYPE_LONGNAME, 2**30
    path = tmp_path / "a.tgz"
    path.write_bytes(gzip.compress(member.tobuf(tarfile.GNU_FORMAT) + bytes(2**22)))
    with pytest.raises(tarfile.ReadError), open_tar(path) as archive:
        list(archive)
