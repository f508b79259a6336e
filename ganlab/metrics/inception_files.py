"""Reads the published files of the Inception network, each by the program that wrote it: TensorFlow or torch."""

import math
import tarfile
import warnings
import zlib
from pathlib import Path
from typing import Any

import numpy as np

from ganlab.errors import MissingDataError
from ganlab.runs.environment import version_of
from ganlab.storage.unpacking import broken, open_tar

GRAPH = "classify_image_graph_def.pb"
OLDEST_TORCH = (2, 10)  # earlier ones can be made to run code or write beyond an array (CVE-2025-32434, CVE-2026-24747)
_LARGEST = 2**29  # bytes; the published files have 91 or 92 MiB


def read_frozen_graph(path: Path) -> dict[str, np.ndarray]:
    """Name to array of all constants of a .pb file, or of the one inside the published .tgz.

    Writes nothing to disk and runs no operation of the graph.

    Raises:
        GanlabError: if the file is damaged or holds no graph.
    """
    import tensorflow as tf
    from google.protobuf.message import DecodeError

    graph = tf.compat.v1.GraphDef()
    try:
        graph.ParseFromString(_graph_bytes(path))
        tensors = {node.name: node.attr["value"].tensor for node in graph.node if node.op == "Const"}
        if sum(map(_declared_bytes, tensors.values())) > _LARGEST:
            raise ValueError(f"its constants declare more than {_LARGEST} bytes")
        return {name: tf.make_ndarray(tensor) for name, tensor in tensors.items()}
    except (DecodeError, tarfile.TarError, zlib.error, OSError, EOFError, ValueError, TypeError, KeyError) as error:
        raise broken(path, f"expected a frozen TensorFlow graph: {error}") from error


def _declared_bytes(tensor: Any) -> int:
    """An upper bound for any type: one value may stand for a whole shape."""
    sizes = [dimension.size for dimension in tensor.tensor_shape.dim]
    if any(size < 0 for size in sizes):
        raise ValueError(f"a constant of shape {sizes}")
    return 8 * math.prod(sizes)


def _graph_bytes(path: Path) -> bytes:
    if path.suffix == ".pb":
        if path.stat().st_size > _LARGEST:
            raise ValueError(f"larger than {_LARGEST} bytes")
        return path.read_bytes()
    with open_tar(path) as archive:
        member = next((each for each in archive if Path(each.name).name == GRAPH and each.isfile()), None)
        if member is None or member.size > _LARGEST:
            raise KeyError(f"{GRAPH} is not in the archive")
        return archive.extractfile(member).read()


def has_torch() -> bool:
    """Whether a torch is installed that reads weights safely. Does not import it."""
    version = version_of("torch") or "0"
    return tuple(int(part) for part in version.split(".")[:2]) >= OLDEST_TORCH


def read_torch_weights(path: Path) -> dict[str, np.ndarray]:
    """Name to array of a state dictionary that torch.save wrote; torch's reader of weights makes nothing but tensors.

    Raises:
        MissingDataError: without torch.
        GanlabError: if the file is damaged, is too large, or holds anything but tensors.
    """
    if not has_torch():
        oldest = ".".join(map(str, OLDEST_TORCH))
        raise MissingDataError(
            f"{path}: a .pth file is read by torch {oldest} or later: pip install 'ganlab[torch]'. "
            "inception-2015-12-05.tgz and classify_image_graph_def.pb need no torch: docs/fid.md."
        )
    import torch

    if path.stat().st_size > _LARGEST:
        raise broken(path, f"larger than {_LARGEST} bytes")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # torch warns of damaged files before it refuses them
            state = torch.load(path, map_location="cpu", weights_only=True)
        return {name: tensor.detach().numpy() for name, tensor in state.items()}
    except Exception as error:  # damage raises nearly anything; torch's messages fill a screen
        raise broken(path, f"expected tensors written by torch.save, received {type(error).__name__}") from error
