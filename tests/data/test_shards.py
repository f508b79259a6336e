import numpy as np
import pytest

from ganlab.data.shards import Photo, Shard, read_shard, write_shard

PHOTOS = [
    Photo("a.jpg", (0, 0, 5, 5)),
    Photo("b.jpg", reason="no face"),
    Photo("c.jpg", (1, 2, 3, 4)),
    Photo("d.jpg", reason="unreadable"),
]
NAMES = [photo.name for photo in PHOTOS]


@pytest.fixture
def shard() -> Shard:
    return Shard(PHOTOS, np.random.default_rng(0).integers(0, 256, (2, 8, 8, 3), np.uint8))


def test_a_shard_is_read_as_it_was_written(tmp_path, shard):
    write_shard(tmp_path / "0.npz", shard)
    read = read_shard(tmp_path / "0.npz", NAMES, 8)
    assert read.photos == PHOTOS and (read.images == shard.images).all()
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["0.npz"]


def test_a_shard_without_any_image_is_read_as_well(tmp_path):
    write_shard(tmp_path / "0.npz", Shard([PHOTOS[1]], np.empty((0, 8, 8, 3), np.uint8)))
    assert read_shard(tmp_path / "0.npz", ["b.jpg"], 8).images.shape == (0, 8, 8, 3)


def test_a_missing_or_other_shard_is_none(tmp_path, shard):
    write_shard(tmp_path / "0.npz", shard)
    assert read_shard(tmp_path / "1.npz", NAMES, 8) is None
    assert read_shard(tmp_path / "0.npz", NAMES[:3], 8) is None
    assert read_shard(tmp_path / "0.npz", NAMES, 9) is None


def test_a_damaged_shard_is_none_wherever_the_damage_is(tmp_path, shard):
    path = tmp_path / "0.npz"
    write_shard(path, shard)
    content = path.read_bytes()
    for end in range(0, len(content), 97):
        path.write_bytes(content[:end])
        assert read_shard(path, NAMES, 8) is None
    middle = content.index(shard.images.tobytes()[:16]) + 40
    path.write_bytes(content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :])
    assert read_shard(path, NAMES, 8) is None


@pytest.mark.parametrize(("count", "photos"), [(1, 1), (2, 4), (3, 4)])
def test_the_first_images_come_with_the_photos_up_to_them(shard, count, photos):
    first = shard.first(count)
    assert first.photos == PHOTOS[:photos] and (first.images == shard.images[:count]).all()
