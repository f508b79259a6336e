"""Pictures with wrong bytes in them, and small ones that declare to be huge: an array of the right kind, or one line."""

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from ganlab.data.decoding import decode, refusing_bombs
from ganlab.data.picture_files import FORMATS, PictureFolder
from ganlab.errors import GanlabError
from tests.data.samples import noise


def encoded(form: str, **options) -> bytes:
    buffer = io.BytesIO()
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(noise(24, 20, 3)).save(buffer, format=form, exif=exif, **options)
    return buffer.getvalue()


def decoded(tmp_path, content: bytes, name: str = "a.png") -> np.ndarray | str:
    """The array, or what the error says."""
    (tmp_path / name).write_bytes(content)
    try:
        with refusing_bombs():
            return decode(PictureFolder(tmp_path), name, None, channels=3)
    except GanlabError as error:
        return str(error)


@pytest.mark.parametrize("form", FORMATS)
def test_wrong_bytes_give_an_array_or_one_line_and_no_warning(tmp_path, form, recwarn, capfd):
    content, chance = encoded(form), np.random.default_rng(0)
    refused = 0
    for _ in range(150):
        wrong = bytearray(content)
        for place in chance.integers(0, len(wrong), chance.integers(1, 6)):
            wrong[place] = chance.integers(0, 256)
        result = decoded(tmp_path, bytes(wrong[: chance.integers(1, len(wrong) + 1)]))
        if isinstance(result, str):
            refused += 1
            assert result.startswith(f"{tmp_path / 'a.png'}: ") and "\n" not in result and len(result) < 500
        else:
            assert result.dtype == np.uint8 and result.ndim == 3 and result.shape[2] == 3
    assert refused > 20
    assert not recwarn.list and capfd.readouterr() == ("", "")


def png(width: int, height: int, *chunks: tuple[bytes, bytes]) -> bytes:
    """A grey PNG that declares its size and holds what chunks are given."""
    head = (b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
    written = b"\x89PNG\r\n\x1a\n"
    for kind, content in (head, *chunks, (b"IEND", b"")):
        written += struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
    return written


@pytest.mark.parametrize("size", [(60_000, 60_000), (2**31 - 1, 1), (10_000, 9_000)])
def test_a_picture_that_declares_to_be_huge_is_refused_before_it_is_unpacked(tmp_path, size):
    message = decoded(tmp_path, png(*size, (b"IDAT", zlib.compress(b""))))
    assert message == f"{tmp_path / 'a.png'}: refused: more than {Image.MAX_IMAGE_PIXELS} pixels."


def test_a_text_beside_a_picture_that_would_unpack_to_much_is_refused(tmp_path):
    text = b"Comment\0\0" + zlib.compress(bytes(2**27))
    message = decoded(tmp_path, png(2, 2, (b"zTXt", text), (b"IDAT", zlib.compress(bytes(6)))))
    assert "cannot be read as a picture: Decompressed data too large" in message
