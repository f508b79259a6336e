"""Statistics of real data: of samples and of whole splits, computed once, never read half or damaged."""

import dataclasses
import os

import numpy as np
import pytest

from ganlab.data import Split
from ganlab.metrics import statistics
from ganlab.metrics.distances import frechet_distance_from_features
from ganlab.metrics.evaluation import evaluate_all
from ganlab.metrics.names import NAMES, Real
from ganlab.metrics.protocols import resolve
from ganlab.metrics.random_network import load_random_network
from ganlab.metrics.statistics import _read, load_statistics, select_real
from ganlab.pictures.images import from_uint8

SAMPLE, ALL, MOMENTS = Real("sample"), Real("all"), Real("moments")


@pytest.fixture
def extractor():
    return load_random_network((8, 8, 1))


def only_file(cache):
    (path,) = (cache / "statistics").glob("*.npz")
    return path


def arrays_of(statistics):
    return [
        array for part in (statistics.real, *statistics.halves) for array in vars(part).values() if array is not None
    ]


def same(first, second):
    pairs = zip(arrays_of(first), arrays_of(second), strict=True)
    return all(np.array_equal(one, other) for one, other in pairs) and first.floor_count == second.floor_count


def test_the_selection_is_a_fixed_permutation(digits):
    chosen = select_real(digits, 1000)
    assert len(np.unique(chosen)) == 1000
    assert np.array_equal(chosen[:10], select_real(digits, 10))
    assert not np.array_equal(chosen, np.arange(1000))


def test_a_sample_has_as_many_images_as_are_generated_and_disjoint_halves(digits, extractor, cache):
    few, many = (load_statistics(digits, extractor, SAMPLE, count) for count in (600, 1000))
    chosen = select_real(digits, 1796)
    features = extractor.extract(digits.train.images[chosen]).features
    assert [(len(each.real), each.floor_count) for each in (few, many)] == [(600, 600), (1000, 898)]
    assert np.array_equal(many.real.features, features[:1000])
    assert np.array_equal(many.halves[0].features, features[:898])
    assert np.array_equal(many.halves[1].features, features[898:])


def test_all_images_have_the_first_of_the_sample_as_one_half(digits, extractor, cache):
    whole, sample = (load_statistics(digits, extractor, part, 600) for part in (ALL, SAMPLE))
    assert len(whole.real) == 1797
    assert [len(half) for half in whole.halves] == [1197, 600]
    assert np.array_equal(whole.halves[1].features, sample.real.features)


def test_moments_are_those_of_all_training_images(digits, extractor, cache, monkeypatch):
    monkeypatch.setattr(statistics, "_CHUNK", 500)
    loaded = load_statistics(digits, extractor, MOMENTS, 600)
    features = extractor.extract(digits.train.images[select_real(digits, 1797)]).features.astype(np.float64)
    assert loaded.floor_count == 600
    assert [moments.count for moments in (loaded.real, *loaded.halves)] == [1797, 1197, 600]
    for moments, part in zip((loaded.real, *loaded.halves), (features, features[600:], features[:600]), strict=True):
        assert np.allclose(moments.mean, part.mean(axis=0), atol=1e-6)
        assert np.allclose(moments.covariance, np.cov(part, rowvar=False), atol=1e-6)


def test_a_test_split_has_its_own_statistics(digits, extractor, cache):
    images, labels = digits.train.images, digits.train.labels
    split = dataclasses.replace(digits, test=Split(images[1000:], labels[1000:]))
    loaded = load_statistics(split, extractor, Real("sample", "test"), 500)
    chosen = select_real(split, 500, "test")
    assert np.array_equal(loaded.real.features, extractor.extract(images[1000:][chosen]).features)
    other = dataclasses.replace(split, test=Split(255 - images[1000:], labels[1000:]))
    assert not same(loaded, load_statistics(other, extractor, Real("sample", "test"), 500))


@pytest.mark.parametrize("part", [SAMPLE, MOMENTS], ids=lambda part: part.form)
def test_statistics_are_computed_once(digits, extractor, cache, monkeypatch, part):
    first = load_statistics(digits, extractor, part, 1000)
    for name in ("_features", "_moments"):
        monkeypatch.setattr(statistics, name, lambda *_: pytest.fail("computed again"))
    assert same(first, load_statistics(digits, extractor, part, 1000))


def _truncate(path):
    path.write_bytes(path.read_bytes()[:-1000])


def _flip_a_bit(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def _empty(path):
    path.write_bytes(b"")


def _replace_by_objects(path):
    np.savez(path, features=np.array([{}], dtype=object), allow_pickle=True)


def _make_infinite(path):
    arrays = dict(np.load(path))
    largest = max(arrays, key=lambda name: arrays[name].size)
    arrays[largest].flat[0] = np.inf
    np.savez(path, **arrays)


@pytest.mark.parametrize("part", [SAMPLE, MOMENTS], ids=lambda part: part.form)
@pytest.mark.parametrize("damage", [_truncate, _flip_a_bit, _empty, _replace_by_objects, _make_infinite])
def test_a_damaged_file_is_computed_again(digits, extractor, cache, damage, part):
    expected = load_statistics(digits, extractor, part, 1000)
    content = only_file(cache).read_bytes()
    damage(only_file(cache))
    assert same(expected, load_statistics(digits, extractor, part, 1000))
    assert len(only_file(cache).read_bytes()) == len(content)


def test_a_file_of_other_data_under_the_same_name_is_computed_again(digits, extractor, cache):
    expected = load_statistics(digits, extractor, SAMPLE, 1000)
    path = only_file(cache)
    content = path.read_bytes()
    path.unlink()
    other = dataclasses.replace(digits, fingerprint="another")
    load_statistics(other, extractor, SAMPLE, 1000)
    only_file(cache).rename(path)
    assert path.read_bytes() != content
    assert same(expected, load_statistics(digits, extractor, SAMPLE, 1000))
    assert str(np.load(path)["key"]).count(digits.fingerprint) == 1


@pytest.mark.parametrize("change", [{"weight_hash": "another"}, {"recipe": {"extractor": "random", "version": 2}}])
def test_each_network_has_its_own_file(digits, extractor, cache, change):
    load_statistics(digits, extractor, SAMPLE, 1000)
    load_statistics(digits, dataclasses.replace(extractor, **change), SAMPLE, 1000)
    assert len(list((cache / "statistics").glob("*.npz"))) == 2


def test_the_floor_is_the_distance_between_disjoint_halves(digits, extractor, cache):
    value = evaluate("fd1k_random", digits)
    features = extractor.extract(digits.train.images[select_real(digits, 1796)]).features
    assert value.floor == pytest.approx(frechet_distance_from_features(features[:898], features[898:]), rel=1e-9)
    assert value.floor_n == 898


def test_a_generator_is_measured_against_the_whole_set(digits, extractor, cache, monkeypatch):
    row = dataclasses.replace(NAMES["fid5k_full"], extractor="random", count=600)  # a network that needs no weights
    monkeypatch.setitem(NAMES, "fid5k_full", row)
    value = evaluate("fid5k_full", digits)
    images = digits.train.images
    features = extractor.extract(images).features
    generated = extractor.extract(images[select_real(digits, 600)]).features
    assert value.value == pytest.approx(frechet_distance_from_features(features, generated), rel=1e-4)
    order = select_real(digits, 1797)
    expected = frechet_distance_from_features(features[order[:600]], features[order[600:]])
    assert value.floor == pytest.approx(expected, rel=1e-4)
    assert 0 < value.value < value.floor
    assert (value.floor_n, value.details) == (600, {"real_count": 1797, "below_floor": True})
    assert value.recipe["real"] == {"count": "all", "split": "train"}


def evaluate(name, digits):
    """The value of a generator that hands out the real sample."""
    images = digits.train.images[select_real(digits, 1000)]
    (value,) = evaluate_all(resolve([name], digits), lambda n: from_uint8(images[:n], "tanh"), digits, "tanh")
    return value


@pytest.mark.parametrize("count", [100, 1797])
def test_real_images_keep_their_labels_and_halves_have_one_size(digits, extractor, cache, count):
    loaded = load_statistics(digits, extractor, SAMPLE, count)
    chosen = select_real(digits, count)
    np.testing.assert_array_equal(loaded.real.labels, digits.train.labels[chosen])
    first, second = loaded.halves
    assert len(first.features) == len(second.features) == loaded.floor_count == min(count, 898)


def test_images_without_labels_have_none(unlabelled_digits, extractor, cache):
    assert load_statistics(unlabelled_digits, extractor, SAMPLE, 100).real.labels is None


class Harm:
    """Makes a folder when it is unpickled."""

    def __init__(self, folder):
        self.folder = folder

    def __reduce__(self):
        return os.mkdir, (str(self.folder),)


@pytest.mark.parametrize("arrays", [{"x": np.ones(2)}, {"key": "other"}, {"key": "k", "x": ["text"]}])
def test_a_file_of_another_form_is_not_read(tmp_path, arrays):
    np.savez(tmp_path / "a.npz", **arrays)
    assert _read(tmp_path / "a.npz", "k") is None


def test_a_folder_and_objects_are_not_read(tmp_path):
    (tmp_path / "folder.npz").mkdir()
    assert _read(tmp_path / "folder.npz", "k") is None
    np.savez(tmp_path / "a.npz", key="k", x=np.array([Harm(tmp_path / "harm")], dtype=object))
    assert _read(tmp_path / "a.npz", "k") is None
    assert not (tmp_path / "harm").exists()
