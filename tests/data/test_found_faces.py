import pytest

from ganlab.data.found_faces import FoundFaces

FIRST = (["a.jpg", "b/ä \udcff.jpg"], [(1, 2, 30, 40), "no face"])
SECOND = (["c.jpg"], ["cannot be read as a picture: truncated"])


@pytest.fixture
def path(tmp_path):
    faces = FoundFaces(tmp_path / "faces")
    for block in (FIRST, SECOND):
        faces.add(*block)
    return faces.path


def test_blocks_come_back_as_they_were_added(path):
    faces = FoundFaces(path)
    assert faces.get(FIRST[0]) == FIRST[1] and faces.get(SECOND[0]) == SECOND[1]
    assert faces.get([*SECOND[0], *FIRST[0]]) == [*SECOND[1], *FIRST[1]]


def test_photos_that_were_not_all_searched_are_not_known(path):
    assert FoundFaces(path).get(["a.jpg", "d.jpg"]) is None
    assert FoundFaces(path.with_name("none")).get(["a.jpg"]) is None


def test_no_damage_gives_another_face_and_what_is_added_after_it_is_kept(path):
    content = path.read_bytes()
    changed = [content[:end] for end in range(0, len(content), 7)]
    changed += [content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :] for at in range(len(content) - 1)]
    for damaged in changed:
        path.write_bytes(damaged)
        for names, found in (FIRST, SECOND):
            assert FoundFaces(path).get(names) in (None, found)
        FoundFaces(path).add(["d.jpg"], ["no face"])
        assert FoundFaces(path).get(["d.jpg"]) == ["no face"]
