"""Statistics of real data: computed once, never read half or damaged."""

import dataclasses

import numpy as np
import pytest

from ganlab.metrics import statistics
from ganlab.metrics.distances import frechet_distance_from_features
from ganlab.metrics.random_network import load_random_network
from ganlab.metrics.statistics import load_real_statistics, select_real


@pytest.fixture
def extractor():
    return load_random_network((8, 8, 1))


def only_file(cache):
    (path,) = (cache / "statistics").glob("*.npz")
    return path


def test_the_selection_is_a_fixed_permutation(digits):
    chosen = select_real(digits, 1000)
    assert len(np.unique(chosen)) == 1000
    assert np.array_equal(chosen[:10], select_real(digits, 10))
    assert not np.array_equal(chosen, np.arange(1000))


def test_statistics_are_computed_once(digits, extractor, cache, monkeypatch):
    first = load_real_statistics(digits, extractor, 1000)
    monkeypatch.setattr(statistics, "_compute", lambda *arguments: pytest.fail("computed again"))
    second = load_real_statistics(digits, extractor, 1000)
    assert np.array_equal(first.sample.features, second.sample.features)
    assert (first.floors, first.floor_count) == (second.floors, second.floor_count)


def test_the_floor_is_the_distance_between_disjoint_halves(digits, extractor, cache):
    loaded = load_real_statistics(digits, extractor, 1000)
    images = digits.train.images[select_real(digits, 1796)]
    features = extractor.extract(images).features
    assert loaded.floor_count == 898
    assert loaded.floors["fd"] == pytest.approx(
        frechet_distance_from_features(features[:898], features[898:]), rel=1e-9
    )


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
    arrays["features"][0, 0] = np.inf
    np.savez(path, **arrays)


@pytest.mark.parametrize("damage", [_truncate, _flip_a_bit, _empty, _replace_by_objects, _make_infinite])
def test_a_damaged_file_is_computed_again(digits, extractor, cache, damage):
    expected = load_real_statistics(digits, extractor, 1000)
    damage(only_file(cache))
    again = load_real_statistics(digits, extractor, 1000)
    assert np.array_equal(expected.sample.features, again.sample.features)
    assert expected.floors == again.floors
    assert np.array_equal(np.load(only_file(cache))["features"], expected.sample.features)


def test_a_file_of_other_data_under_the_same_name_is_computed_again(digits, extractor, cache):
    expected = load_real_statistics(digits, extractor, 1000)
    path = only_file(cache)
    content = path.read_bytes()
    path.unlink()
    other = dataclasses.replace(digits, fingerprint="another")
    load_real_statistics(other, extractor, 1000)
    only_file(cache).rename(path)
    assert path.read_bytes() != content
    again = load_real_statistics(digits, extractor, 1000)
    assert np.array_equal(expected.sample.features, again.sample.features)
    assert str(np.load(path)["key"]).count(digits.fingerprint) == 1


@pytest.mark.parametrize("change", [{"weight_hash": "another"}, {"recipe": {"extractor": "random", "version": 2}}])
def test_each_network_has_its_own_file(digits, extractor, cache, change):
    load_real_statistics(digits, extractor, 1000)
    load_real_statistics(digits, dataclasses.replace(extractor, **change), 1000)
    assert len(list((cache / "statistics").glob("*.npz"))) == 2
