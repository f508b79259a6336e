"""Weights on disk: whole or refused."""

import re

import h5py
import numpy as np
import pytest

from ganlab.errors import CheckpointError, MissingDataError
from ganlab.metrics.classifier import build_classifier
from ganlab.storage.weights import check_weights, read_weights, write_weights


@pytest.fixture
def written(tmp_path):
    path = tmp_path / "a.weights.h5"
    model = build_classifier((8, 8, 1), classes=10)
    write_weights(path, model)
    return path, model


def test_weights_come_back_with_their_hash(written):
    path, model = written
    other = build_classifier((8, 8, 1), classes=10)
    other.set_weights([np.zeros_like(weights) for weights in other.get_weights()])
    weight_hash = read_weights(path, other, "Mend it")
    assert re.fullmatch("[0-9a-f]{64}", weight_hash)
    assert all(np.array_equal(a, b) for a, b in zip(model.get_weights(), other.get_weights(), strict=True))


def test_the_hash_is_of_the_weights_and_not_of_the_file(written, tmp_path):
    path, model = written
    write_weights(tmp_path / "b.weights.h5", model)
    assert read_weights(path, model, "") == read_weights(tmp_path / "b.weights.h5", model, "")


def test_keras_reads_the_file_as_its_own(written):
    path, model = written
    other = build_classifier((8, 8, 1), classes=10)
    other.set_weights([np.zeros_like(weights) for weights in other.get_weights()])
    other.load_weights(path)
    assert all(np.array_equal(a, b) for a, b in zip(model.get_weights(), other.get_weights(), strict=True))


def test_a_file_is_checked_without_its_network(written):
    path, model = written
    arrays = check_weights(path)
    assert sorted(array.shape for array in arrays.values()) == sorted(w.shape for w in model.get_weights())
    path.write_bytes(_flip_a_bit(path.read_bytes(), model))
    with pytest.raises(CheckpointError, match=r"a\.weights\.h5: damaged: the weights do not match their checksum"):
        check_weights(path)


def _flip_a_bit(content: bytes, model) -> bytes:
    kernel = model.get_weights()[-2].tobytes()
    position = content.index(kernel[:64]) + 30
    return content[:position] + bytes([content[position] ^ 1]) + content[position + 1 :]


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (_flip_a_bit, "damaged, the weights do not match their checksum"),
        (lambda content, model: content[: len(content) // 2], "damaged, the weights do not match their checksum"),
        (lambda content, model: b"", "no weights of this network: it does not begin with the checksums"),
        (lambda content, model: b"not hdf5" * 1000, "no weights of this network: it does not begin with the checksums"),
        (lambda content, model: content[512:], "no weights of this network: it does not begin with the checksums"),
    ],
)
def test_a_damaged_file_is_one_line_with_its_remedy(written, damage, message):
    path, model = written
    path.write_bytes(damage(path.read_bytes(), model))
    with pytest.raises(CheckpointError) as caught:
        read_weights(path, model, "Reinstall ganlab")
    assert str(caught.value).startswith(f"{path}: {message}")
    assert str(caught.value).endswith(". Reinstall ganlab.")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("shape_and_classes", [((8, 8, 1), 11), ((28, 28, 1), 10), ((8, 8, 3), 10)])
def test_weights_of_another_network_are_refused(written, shape_and_classes):
    with pytest.raises(CheckpointError, match="no weights of this network"):
        read_weights(written[0], build_classifier(*shape_and_classes), "")


def test_a_missing_file_is_refused(tmp_path, written):
    with pytest.raises(CheckpointError, match="no weights of this network"):
        read_weights(tmp_path / "none.weights.h5", written[1], "")


def test_the_error_is_of_the_kind_the_reader_asks_for(tmp_path, written):
    with pytest.raises(MissingDataError, match="no weights of this network"):
        read_weights(tmp_path / "none.weights.h5", written[1], "", MissingDataError)


class TestCheckingWithoutTheNetwork:
    def test_gives_the_arrays_by_their_place(self, written):
        path, model = written
        arrays = check_weights(path)
        assert len(arrays) == len(model.get_weights()) and all("/vars/" in name for name in arrays)
        for weights in model.get_weights():
            assert any(np.array_equal(weights, array) for array in arrays.values())

    @pytest.mark.parametrize("damage", [_flip_a_bit, lambda content, model: content[: len(content) // 2]])
    def test_finds_damage(self, written, damage):
        path, model = written
        path.write_bytes(damage(path.read_bytes(), model))
        with pytest.raises(CheckpointError, match="damaged: ") as caught:
            check_weights(path)
        assert str(caught.value).startswith(f"{path}: ") and "\n" not in str(caught.value)

    def test_finds_arrays_that_changed_places(self, written):
        path, _ = written
        with h5py.File(path, "r+") as file:
            first, second = list(file["layers"])[:2]
            file.move(f"layers/{first}", "layers/other")
            file.move(f"layers/{second}", f"layers/{first}")
            file.move("layers/other", f"layers/{second}")
        with pytest.raises(CheckpointError, match="do not match their checksum"):
            check_weights(path)
