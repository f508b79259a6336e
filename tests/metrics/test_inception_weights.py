"""From the published files to our own: the same weights whichever file they come from, once, and checked."""

import importlib.metadata
import io
import tarfile

import numpy as np
import pytest

from ganlab.errors import GanlabError, MissingDataError
from ganlab.metrics import inception_weights
from ganlab.metrics.inception import build_inception
from ganlab.metrics.inception_weights import (
    GRAPH_FILES,
    TORCH_FILES,
    converted_weights,
    find_source,
    read_source,
    set_weights,
)
from ganlab.storage.weights import hash_of_arrays, read_weights
from tests.metrics.inception_samples import frozen_graph, random_weights, torch_state


@pytest.fixture(scope="module")
def network():
    return build_inception()


@pytest.fixture(scope="module")
def weights(network):
    return random_weights(network)


@pytest.fixture(scope="module")
def graph(weights):
    return frozen_graph(weights)


@pytest.fixture
def own_data(tmp_path, monkeypatch, cache):
    monkeypatch.setenv("GANLAB_DATA", str(tmp_path / "data"))
    monkeypatch.delenv("GANLAB_INCEPTION", raising=False)
    folder = tmp_path / "data" / "inception"
    folder.mkdir(parents=True)
    return folder


def write_archive(path, graph):
    with tarfile.open(path, "w:gz", compresslevel=1) as archive:
        member = tarfile.TarInfo("classify_image_graph_def.pb")
        member.size = len(graph)
        archive.addfile(member, io.BytesIO(graph))


def test_graph_archive_and_torch_file_give_the_same_weights(weights, graph, tmp_path):
    torch = pytest.importorskip("torch", "2.10", reason="only torch reads and writes its files")
    paths = [tmp_path / name for name in ("classify_image_graph_def.pb", "inception-2015-12-05.tgz", "state.pth")]
    paths[0].write_bytes(graph)
    write_archive(paths[1], graph)
    torch.save(torch_state(weights), paths[2])
    for path in paths:
        read = read_source(path)
        for name in set(weights) - {"softmax/biases"}:
            assert np.array_equal(read[name], weights[name]), (path.name, name)


def test_a_frozen_graph_is_converted_once_and_gives_the_network(network, weights, graph, own_data, monkeypatch):
    (own_data / "classify_image_graph_def.pb").write_bytes(graph)
    path = converted_weights()
    set_weights(network, weights, path)
    expected = hash_of_arrays(network.get_weights())
    again = build_inception()
    assert read_weights(path, again) == hash_of_arrays(again.get_weights()) == expected
    monkeypatch.setattr(inception_weights, "_convert", lambda *_: pytest.fail("converted again"))
    assert converted_weights() == path


@pytest.fixture
def torch_version(monkeypatch):
    """Sets the version of torch that is said to be installed; None for none."""

    def set_version(version):
        def find(name):
            if version is None:
                raise importlib.metadata.PackageNotFoundError(name)
            return version

        monkeypatch.setattr(importlib.metadata, "version", find)

    return set_version


@pytest.mark.parametrize("file", GRAPH_FILES + TORCH_FILES)
def test_files_are_found_under_their_published_names(file, own_data, torch_version):
    torch_version("2.10.0")
    assert find_source() is None
    (own_data / file).write_bytes(b"")
    assert find_source() == own_data / file


def test_without_torch_only_files_that_need_none_are_found(own_data, torch_version):
    torch_version(None)
    for file in TORCH_FILES:
        (own_data / file).write_bytes(b"")
    assert find_source() is None
    for file in reversed(GRAPH_FILES):
        (own_data / file).write_bytes(b"")
        assert find_source() == own_data / file


def test_a_graph_is_taken_before_a_torch_file(own_data, torch_version):
    torch_version("2.10.0")
    for file in GRAPH_FILES + TORCH_FILES:
        (own_data / file).write_bytes(b"")
    assert find_source() == own_data / GRAPH_FILES[0]


def test_a_named_file_is_taken_before_all_others(own_data, tmp_path, monkeypatch):
    (own_data / GRAPH_FILES[0]).write_bytes(b"")
    mine = tmp_path / "mine.pth"
    mine.write_bytes(b"")
    monkeypatch.setenv("GANLAB_INCEPTION", str(mine))
    assert find_source() == mine


def test_a_named_file_that_is_not_there_is_said(own_data, monkeypatch):
    monkeypatch.setenv("GANLAB_INCEPTION", "/nowhere/weights.pth")
    with pytest.raises(MissingDataError, match=r"GANLAB_INCEPTION=/nowhere/weights\.pth: no such file") as error:
        find_source()
    assert error.value.exit_code == 7


def test_without_weights_and_torch_the_message_has_the_command_that_fetches_some(own_data, cache, torch_version):
    torch_version(None)
    with pytest.raises(MissingDataError) as error:
        converted_weights()
    folder = cache / "data" / "inception"
    assert str(error.value) == (
        f"inception: no weights on this machine. curl --create-dirs -o {folder}/inception-2015-12-05.tgz "
        "https://storage.googleapis.com/download.tensorflow.org/models/image/imagenet/inception-2015-12-05.tgz "
        "fetches them. With pip install 'ganlab[torch]', pt_inception-2015-12-05-6726825d.pth is downloaded by itself."
    )


def test_without_weights_and_network_the_message_says_what_to_do(own_data, monkeypatch, torch_version):
    torch_version("2.10.0")
    import keras

    def offline(*_, **__):
        raise Exception("URL fetch failure: <urlopen error>")

    monkeypatch.setattr(keras.utils, "get_file", offline)
    with pytest.raises(
        MissingDataError, match=r"pt_inception-2015-12-05-6726825d\.pth is not on this machine"
    ) as error:
        converted_weights()
    assert "GANLAB_DATA" in str(error.value) and "\n" not in str(error.value)


def without(name):
    return lambda weights: {key: array for key, array in weights.items() if key != name}


def one_is_nan(array):
    array = array.copy()
    array.flat[7] = np.nan
    return array


def changed(name, change):
    return lambda weights: {**weights, name: change(weights[name])}


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (without("mixed_10/tower_2/conv/conv2d_params"), "mixed_10/tower_2/conv/conv2d_params is missing"),
        (
            changed("conv/batchnorm/beta", lambda a: a[:5]),
            r"conv/batchnorm/beta: expected shape \(32,\), received \(5,\)",
        ),
        (changed("conv_4/conv2d_params", one_is_nan), "conv_4/conv2d_params: expected finite numbers"),
    ],
)
def test_weights_of_another_network_are_refused(network, weights, damage, message, tmp_path):
    with pytest.raises(GanlabError, match=message):
        set_weights(network, damage(weights), tmp_path / "weights.pb")


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("weights.onnx", b"", r"expected a \.pth, \.pb or \.tgz file"),
        ("graph.pb", b"not a graph", "expected a frozen TensorFlow graph"),
        ("graph.tgz", b"not an archive", "expected a frozen TensorFlow graph"),
    ],
)
def test_files_that_are_something_else_are_refused_by_name(name, content, message, tmp_path):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(GanlabError, match=message) as error:
        read_source(path)
    assert str(error.value).startswith(f"{path}: broken data file") and "\n" not in str(error.value)


def test_an_archive_without_the_graph_is_refused(tmp_path):
    path = tmp_path / "other.tgz"
    with tarfile.open(path, "w:gz"):
        pass
    with pytest.raises(GanlabError, match=r"classify_image_graph_def\.pb is not in the archive"):
        read_source(path)
