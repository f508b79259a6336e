"""Finds or downloads the weights of the Inception network of 2015-12-05, and converts them for the Keras network."""

import functools
import logging
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ganlab.data.sources import Download, cached_folder, fetch_files, find_files
from ganlab.errors import MissingDataError
from ganlab.metrics.inception import CLASSES, FEATURES, build_inception, convolution_names
from ganlab.metrics.inception_files import has_torch, read_frozen_graph, read_torch_weights
from ganlab.paths import user_path
from ganlab.storage.cache import cache_folder, compute_once
from ganlab.storage.unpacking import broken, sha256_of
from ganlab.storage.weights import write_weights

if TYPE_CHECKING:
    import keras

EPSILON = 1e-3  # of the graph's batch normalizations
PUBLISHED = Download(
    "pt_inception-2015-12-05-6726825d.pth",
    "https://github.com/mseitzer/pytorch-fid/releases/download/fid_weights/pt_inception-2015-12-05-6726825d.pth",
    "6726825d0af5f729cebd5821db510b11b1cfad8faad88a03f1befd49fb9129b2",
)
ARCHIVE = "inception-2015-12-05.tgz"
ARCHIVE_URL = f"https://storage.googleapis.com/download.tensorflow.org/models/image/imagenet/{ARCHIVE}"
# The published files with these weights: TensorFlow reads the first two, torch the others, of which the last is torch-fidelity's.
GRAPH_FILES = ("classify_image_graph_def.pb", ARCHIVE)
TORCH_FILES = (PUBLISHED.file, "weights-inception-2015-12-05-6726825d.pth")
_log = logging.getLogger(__name__)


def find_source() -> Path | None:
    """The file of weights on this machine, or None: $GANLAB_INCEPTION, $GANLAB_DATA/inception/, the cache.

    A .pth file counts only if torch can read the file or GANLAB_INCEPTION names it.

    Raises:
        MissingDataError: if GANLAB_INCEPTION names a file that is not there.
    """
    chosen = os.environ.get("GANLAB_INCEPTION")
    if chosen:
        path = user_path(chosen)
        if not path.is_file():
            raise MissingDataError(
                f"GANLAB_INCEPTION={chosen}: no such file. Set it to {ARCHIVE} or {PUBLISHED.file}, "
                "or unset it; docs/fid.md says where they are published."
            )
        return path
    files = GRAPH_FILES + (TORCH_FILES if has_torch() else ())
    found = find_files("inception", [(re.escape(file),) for file in files])
    return found[0] if found else None


def converted_weights() -> Path:
    """The weights as a file in the cache, converted from the source once.

    Raises:
        MissingDataError: without a source on this machine and without a download, or without the torch that reads the source.
        GanlabError: if the source is damaged or holds another network.
    """
    source = find_source() or _download()
    path = cache_folder() / "inception" / f"{sha256_of(source)[:16]}.weights.h5"
    return compute_once(path, functools.partial(_convert, source))


def _download() -> Path:
    """Downloads the only published file whose checksum is known, if torch can read it."""
    if not has_torch():
        raise MissingDataError(
            f"inception: no weights on this machine. curl --create-dirs -o {cached_folder('inception') / ARCHIVE} "
            f"{ARCHIVE_URL} fetches them. With pip install 'ganlab[torch]', {PUBLISHED.file} is downloaded by itself."
        )
    (file,) = fetch_files("inception", [PUBLISHED])
    return file


def _convert(source: Path, target: Path) -> None:
    _log.info("converting %s once", source)
    network = build_inception()
    set_weights(network, read_source(source), source)
    write_weights(target, network)


def read_source(source: Path) -> dict[str, np.ndarray]:
    """All weights of a published file under the names of the frozen graph, in TensorFlow's order of axes."""
    if source.suffix == ".pth":
        return _from_torch(read_torch_weights(source), source)
    if source.suffix in (".pb", ".tgz"):
        return read_frozen_graph(source)
    raise broken(source, "expected a .pth, .pb or .tgz file with the Inception network of 2015-12-05")


def set_weights(network: "keras.Model", weights: Mapping[str, np.ndarray], source: Path) -> None:
    """Gives a network of `build_inception` the weights named as in the frozen graph; `source` is for errors.

    With y = (conv(x) - mean) * gamma / sqrt(variance + epsilon) + beta, the factor goes into the kernel and the rest
    into a bias, computed in float64.

    Raises:
        GanlabError: if an array is missing or has another shape.
    """
    for name, _ in convolution_names():
        layer = network.get_layer(name.replace("/", "_"))
        kernel = _array(weights, f"{name}/conv2d_params", tuple(layer.kernel.shape), source)
        moments = ("gamma", "beta", "moving_mean", "moving_variance")
        shape = kernel.shape[-1:]
        gamma, beta, mean, variance = (_array(weights, f"{name}/batchnorm/{each}", shape, source) for each in moments)
        factor = gamma / np.sqrt(variance + EPSILON)
        layer.set_weights([(kernel * factor).astype(np.float32), (beta - mean * factor).astype(np.float32)])
    # The published Inception Score multiplies by these weights alone; the graph's softmax/biases are never used.
    logits = _array(weights, "softmax/weights", (FEATURES, CLASSES), source)
    network.get_layer("logits").set_weights([logits.astype(np.float32)])


def _array(weights: Mapping[str, np.ndarray], name: str, shape: tuple[int, ...], source: Path) -> np.ndarray:
    if name not in weights:
        raise broken(source, f"expected the Inception network of 2015-12-05, {name} is missing")
    if weights[name].shape != shape:
        raise broken(source, f"{name}: expected shape {shape}, received {weights[name].shape}")
    array = weights[name].astype(np.float64)
    if not np.isfinite(array).all():
        raise broken(source, f"{name}: expected finite numbers")
    return array


def _from_torch(tensors: Mapping[str, np.ndarray], source: Path) -> dict[str, np.ndarray]:
    """pytorch-fid's names and order of axes (out, in, height, width) to TensorFlow's."""
    parts = {"weight": "gamma", "bias": "beta", "running_mean": "moving_mean", "running_var": "moving_variance"}
    weights = {}
    try:
        for name, torch_name in convolution_names():
            weights[f"{name}/conv2d_params"] = tensors[f"{torch_name}.conv.weight"].transpose(2, 3, 1, 0)
            for part, graph_part in parts.items():
                weights[f"{name}/batchnorm/{graph_part}"] = tensors[f"{torch_name}.bn.{part}"]
        weights["softmax/weights"] = tensors["fc.weight"].T
    except (KeyError, ValueError) as error:
        raise broken(source, f"expected pytorch-fid's Inception network, missing or misshapen: {error}") from error
    return weights
