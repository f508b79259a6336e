"""Constants of a frozen TensorFlow graph: the one place outside the training steps that needs TensorFlow."""

import math
import tarfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np

from ganlab.storage.unpacking import broken, open_tar

GRAPH = "classify_image_graph_def.pb"
_LARGEST = 2**29  # bytes; the graph has 91 MiB


def read_frozen_graph(path: Path) -> dict[str, np.ndarray]:
    """Name to array of all constants of a .pb file, or of the one inside the published .tgz.

    Nothing is unpacked to disk and no operation of the graph is run.

    Raises:
        GanlabError: if the file is damaged or holds no graph.
    """
    import tensorflow as tf
    from google.protobuf.message import DecodeError

    graph = tf.compat.v1.GraphDef()
    try:
        graph.ParseFromString(_content(path))
        tensors = {node.name: node.attr["value"].tensor for node in graph.node if node.op == "Const"}
        if sum(map(_declared_bytes, tensors.values())) > _LARGEST:
            raise ValueError(f"its constants declare more than {_LARGEST} bytes")
        constants = {name: tf.make_ndarray(tensor) for name, tensor in tensors.items()}
    except (DecodeError, tarfile.TarError, zlib.error, OSError, EOFError, ValueError, TypeError, KeyError) as error:
        raise broken(path, f"expected a frozen TensorFlow graph: {error}") from error
    return constants


def _declared_bytes(tensor: Any) -> int:
    """At most so many, whatever the type: one value may stand for a whole shape."""
    sizes = [dimension.size for dimension in tensor.tensor_shape.dim]
    if min(sizes, default=0) < 0:
        raise ValueError(f"a constant of shape {sizes}")
    return 8 * math.prod(sizes)


def _content(path: Path) -> bytes:
    if path.suffix == ".pb":
        if path.stat().st_size > _LARGEST:
            raise ValueError(f"larger than {_LARGEST} bytes")
        return path.read_bytes()
    with open_tar(path) as archive:
        member = next((each for each in archive if Path(each.name).name == GRAPH and each.isfile()), None)
        if member is None or member.size > _LARGEST:
            raise KeyError(f"{GRAPH} is not in the archive")
        return archive.extractfile(member).read()
