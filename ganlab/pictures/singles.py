"""Single samples for other programs: a folder of PNG files, or one .npz file."""

import os
import re
import secrets
import shutil
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from PIL import Image

from ganlab.errors import ConfigError
from ganlab.pictures.images import to_uint8
from ganlab.storage.writing import replacing

_SUFFIX = re.compile(r"\.[A-Za-z]\w*")  # of a file


def require_place(path: Path) -> None:
    """Raises: ConfigError if `path` is neither the name of an .npz file nor of a new folder without a suffix or an empty folder."""
    is_free = path.is_dir() and not any(path.iterdir())
    if not path.exists():
        is_free = not _SUFFIX.fullmatch(path.suffix)  # s.npy means a file, v1.5 a folder
    if not _is_file(path) and not is_free:
        raise ConfigError(f"--out {path}: expected a name with the suffix .npz, or a new or empty folder")


def write_singles(path: Path, batches: Iterable[np.ndarray], labels: np.ndarray | None, value_range: str) -> None:
    """Writes every sample completely, or nothing at all.

    Args:
        path: a folder for `000000.png`, with labels `000000-class3.png`; or an .npz for the arrays `arr_0`, with the samples,
            and `arr_1`, with the labels, as numpy.savez names them and the evaluation of guided diffusion reads them.
        batches: float samples in order: images (n, H, W, C), which become uint8, or others (n, ...).
        labels: the class of each sample, int (count,); None for a generator without labels.
        value_range: of float images, `tanh` or `sigmoid`.

    Raises:
        ConfigError: for a folder, if the samples are no images.
    """
    samples = (to_uint8(batch, value_range) if batch.ndim == 4 else batch for batch in batches)
    if _is_file(path):
        arrays = [np.concatenate(list(samples)), *([] if labels is None else [labels])]
        with replacing(path) as temporary:
            np.savez(temporary, *arrays)
        return
    # Beside a new folder; inside one that is there, whose place may be the working folder of a shell.
    unfinished = (path if path.exists() else path.parent) / f".{secrets.token_hex(4)}-samples"
    unfinished.mkdir(parents=True)
    try:
        for number, sample in enumerate(sample for batch in samples for sample in batch):
            if sample.ndim != 3:
                raise ConfigError(f"--out {path}: the samples are no images; expected a name with the suffix .npz")
            name = f"{number:06d}" if labels is None else f"{number:06d}-class{labels[number]}"
            Image.fromarray(sample[:, :, 0] if sample.shape[2] == 1 else sample).save(unfinished / f"{name}.png")
        if path.exists():
            for picture in sorted(unfinished.iterdir()):
                picture.rename(path / picture.name)
        else:
            os.replace(unfinished, path)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def _is_file(path: Path) -> bool:
    return path.suffix.lower() == ".npz"
