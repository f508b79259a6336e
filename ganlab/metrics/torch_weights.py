"""Tensors of a file written by torch.save, read by torch itself: its reader of weights makes nothing but tensors."""

import importlib.metadata
import warnings
from pathlib import Path

import numpy as np

from ganlab.errors import MissingDataError
from ganlab.storage.unpacking import broken

OLDEST = (2, 10)  # earlier readers can be made to run code or to write beyond an array (CVE-2025-32434, CVE-2026-24747)
_LARGEST = 2**29  # bytes; Inception has 92 MiB


def has_torch() -> bool:
    """Whether a torch is installed that reads weights safely. Does not import it."""
    try:
        version = importlib.metadata.version("torch")
    except importlib.metadata.PackageNotFoundError:
        return False
    return tuple(int(part) for part in version.split(".")[:2]) >= OLDEST


def read_torch_weights(path: Path) -> dict[str, np.ndarray]:
    """Name to array of a saved state dictionary.

    Raises:
        MissingDataError: without torch.
        GanlabError: if the file is damaged, is too large, or holds anything but tensors.
    """
    if not has_torch():
        raise MissingDataError(
            f"{path}: a .pth file is read by torch {'.'.join(map(str, OLDEST))} or later: pip install 'ganlab[torch]'. "
            "inception-2015-12-05.tgz and classify_image_graph_def.pb need no torch: docs/fid.md."
        )
    import torch

    if path.stat().st_size > _LARGEST:
        raise broken(path, f"larger than {_LARGEST} bytes")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of damaged files, before it refuses them
            state = torch.load(path, map_location="cpu", weights_only=True)
        return {name: tensor.detach().numpy() for name, tensor in state.items()}
    except Exception as error:  # a damaged file meets any line of the reader; its messages fill a screen
        raise broken(path, f"expected tensors written by torch.save, received {type(error).__name__}") from error
