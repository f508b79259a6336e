import gzip

import numpy as np
import pytest

from ganlab.data.idx import read_idx
from ganlab.errors import GanlabError
from tests.data.samples import idx_bytes, noise

IMAGES = noise(3, 4, 5)


def written(tmp_path, content: bytes):
    path = tmp_path / "images.gz"
    path.write_bytes(content)
    return path


def test_values_come_back_as_they_were_written(tmp_path):
    path = written(tmp_path, gzip.compress(idx_bytes(IMAGES)))
    assert np.array_equal(read_idx(path, (4, 5)), IMAGES)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "unpack requires a buffer of 4 bytes"),
        (b"not gzip at all", "Not a gzipped file"),
        (gzip.compress(idx_bytes(IMAGES))[:-20], "ended before the end-of-stream marker"),
        (gzip.compress(idx_bytes(IMAGES)) + b"more", "Not a gzipped file"),
        (gzip.compress(idx_bytes(IMAGES)[:-1]), "expected 60 values, received 59"),
        (gzip.compress(idx_bytes(IMAGES) + b"!"), "expected its end after 60 values, received more"),
        (gzip.compress(b"\0\0\x0d\3"), "expected the IDX header (0, 8, 3), received (0, 13, 3)"),
        (gzip.compress(idx_bytes(IMAGES[0])), "expected the IDX header (0, 8, 3), received (0, 8, 2)"),
        (gzip.compress(idx_bytes(noise(3, 5, 4))), "expected samples of shape (4, 5), received 3 of (5, 4)"),
        (gzip.compress(idx_bytes(np.zeros((2**17, 4, 5), np.uint8))), "values unpack to more than 200 times its size"),
        (gzip.compress(b"\0\0\x08\3\xff\xff\xff\xff\0\0\0\4\0\0\0\5"), "received 4294967295 of (4, 5)"),
    ],
)
def test_a_damaged_file_is_one_line_that_names_it(tmp_path, content, message):
    path = written(tmp_path, content)
    with pytest.raises(GanlabError) as caught:
        read_idx(path, (4, 5))
    text = str(caught.value)
    assert text.startswith(f"{path}: broken data file: ") and message in text and "\n" not in text
