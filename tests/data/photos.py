"""Small photos for the tests."""

import io
import zipfile
from pathlib import Path

import numpy as np
from PIL import Image


def jpeg(width: int = 30, height: int = 40, seed: int = 0) -> bytes:
    """A smooth random photo."""
    coarse = np.random.default_rng(seed).integers(0, 256, (4, 3, 3), np.uint8)
    file = io.BytesIO()
    Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC).save(file, "JPEG", quality=95)
    return file.getvalue()


def photo_zip(path: Path, count: int, broken: tuple[int, ...] = (), **size: int) -> Path:
    """A zip of `count` photos, 0000.jpg and so on, some of them cut off."""
    with zipfile.ZipFile(path, "w") as archive:
        for number in range(count):
            content = jpeg(seed=number, **size)
            archive.writestr(f"photos/{number:04d}.jpg", content[:50] if number in broken else content)
    return path
