"""Constants of a frozen TensorFlow graph: the one place outside the training steps that needs TensorFlow."""

import tarfile
from pathlib import Path

import numpy as np

from ganlab.data.sources import broken

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
        constants = {node.name: tf.make_ndarray(node.attr["value"].tensor) for node in graph.node if node.op == "Const"}
    except (DecodeError, tarfile.TarError, OSError, EOFError, ValueError, TypeError, KeyError) as error:
        raise broken(path, f"expected a frozen TensorFlow graph: {error}") from error
    return constants


def _content(path: Path) -> bytes:
    if path.suffix == ".pb":
        return path.read_bytes()
    with tarfile.open(path) as archive:
        member = next((each for each in archive if Path(each.name).name == GRAPH and each.isfile()), None)
        if member is None or member.size > _LARGEST:
            raise KeyError(f"{GRAPH} is not in the archive")
        return archive.extractfile(member).read()
