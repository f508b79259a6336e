"""The extractors of Inception features, and metrics computed through them from a file of weights to the values."""

import dataclasses
import importlib.metadata

import numpy as np
import pytest

from ganlab.errors import MissingDataError
from ganlab.metrics import inception_extractor
from ganlab.metrics.evaluation import compute_real_statistics, evaluate_all
from ganlab.metrics.inception import build_inception
from ganlab.metrics.inception_extractor import (
    build_keras_inception,
    load_akel_inception,
    load_inception,
    load_keras_inception,
    preprocess,
    preprocess_twice,
)
from ganlab.metrics.names import NAMES
from ganlab.metrics.protocols import resolve
from ganlab.metrics.statistics import select_real
from ganlab.pictures.images import from_uint8
from tests.metrics.inception_samples import frozen_graph, random_weights

COUNT = 10  # images, in the place of 5,000


@pytest.fixture(autouse=True)
def forgetful(monkeypatch):
    """Networks are kept between calls; each test has its own weights. Batches are as small as the samples here."""
    monkeypatch.setattr(inception_extractor, "BATCH", COUNT)
    yield
    for load in (load_inception, load_keras_inception, load_akel_inception):
        load.cache_clear()


@pytest.fixture
def offline(monkeypatch, cache):
    import keras

    def fail(*_, **__):
        raise Exception("URL fetch failure on https://storage.googleapis.com: None")

    monkeypatch.delenv("GANLAB_INCEPTION", raising=False)
    monkeypatch.delenv("GANLAB_DATA", raising=False)
    monkeypatch.setattr(importlib.metadata, "version", lambda name: "2.10.0")  # of torch
    monkeypatch.setattr(keras.utils, "get_file", fail)
    monkeypatch.setattr(keras.src.applications.inception_v3.file_utils, "get_file", fail)


@pytest.mark.parametrize(
    ("name", "fingerprint"),
    [("fid5k", "ca0f768a575e1094"), ("fid5k_keras", "76de153f7091de44"), ("fid5k_akel2022", "180f85f191455a68")],
)
def test_the_recipe_is_that_of_published_values(name, fingerprint):
    assert NAMES[name].fingerprint == fingerprint


def test_the_network_of_2015_sees_what_tensorflow_1_made_of_an_image(monkeypatch):
    made = {"converted_weights": "path", "build_inception": "network", "read_weights": "hash"}
    for name, result in made.items():
        monkeypatch.setattr(inception_extractor, name, lambda *arguments, result=result: result)
    monkeypatch.setattr(inception_extractor, "behind_resizing", lambda *arguments: arguments)
    extractor = load_inception((8, 8, 3))
    network, shape, method, scale = extractor.model
    assert (network, shape, method, extractor.weight_hash) == ("network", (8, 8, 3), "tf1_bilinear", "hash")
    assert [scale(pixel) for pixel in (0.0, 128.0, 192.0)] == [-1.0, 0.0, 0.5]


@pytest.mark.parametrize(("name", "scale"), [("celeba", preprocess_twice), ("cifar10", preprocess)])
def test_the_thesis_scales_celeba_twice(monkeypatch, name, scale):
    monkeypatch.setattr(inception_extractor, "_keras_extractor", lambda *arguments: arguments)
    assert load_akel_inception((8, 8, 3), name) == (inception_extractor.AKEL_RECIPE, (8, 8, 3), "nearest", scale)
    assert load_keras_inception((8, 8, 3)) == (inception_extractor.KERAS_RECIPE, (8, 8, 3), "bilinear", preprocess)


@pytest.mark.slow
def test_weights_in_a_file_become_fid_kid_and_inception_score(digits, cache, tmp_path, monkeypatch):
    path = tmp_path / "classify_image_graph_def.pb"
    path.write_bytes(frozen_graph(random_weights(build_inception())))
    monkeypatch.setenv("GANLAB_INCEPTION", str(path))
    names = ["fid5k", "kid5k", "is5k"]
    for name in names:
        monkeypatch.setitem(NAMES, name, dataclasses.replace(NAMES[name], count=COUNT))
    protocols = resolve(names, digits)
    compute_real_statistics(protocols, digits)
    real = digits.train.images[select_real(digits, COUNT)]
    inverted = 255 - real
    same, other = (
        {
            value.name: value
            for value in evaluate_all(protocols, lambda n, i=i: from_uint8(i[:n], "tanh"), digits, "tanh")
        }
        for i in (real, inverted)
    )
    assert same["fid5k"].value == pytest.approx(0, abs=1e-3)
    assert same["is5k"].value == same["is5k"].floor
    assert other["fid5k"].value > 3 * other["fid5k"].floor > 0
    assert other["kid5k"].value > same["kid5k"].value
    assert {value.floor_n for value in same.values()} == {COUNT}
    assert len({value.weight_hash for value in same.values()}) == 1
    files = sorted(file.name.rpartition("-")[0] for file in (cache / "statistics").glob("*.npz"))
    assert files == [*(f"digits-{name}-floor-inception" for name in sorted(names)), "digits-train-20-inception"]


def test_a_metric_named_without_its_weights_stops_before_training(many_digits, offline):
    with pytest.raises(MissingDataError, match=r"inception: pt_inception-2015-12-05-6726825d\.pth") as error:
        compute_real_statistics(resolve(["fid5k"], many_digits), many_digits)
    assert error.value.exit_code == 7 and "\n" not in str(error.value)


@pytest.mark.parametrize("name", ["fid5k_keras", "fid5k_akel2022"])
def test_keras_weights_that_cannot_be_had_are_named(name, many_digits, offline):
    with pytest.raises(
        MissingDataError, match=r"could not be downloaded \(URL fetch failure.*\)\. Put inception_v3"
    ) as error:
        compute_real_statistics(resolve([name], many_digits), many_digits)
    assert "\n" not in str(error.value)


def test_scaling_is_that_of_keras():
    import keras

    pixels = np.random.default_rng(0).uniform(0, 255, (2, 4, 4, 3)).astype(np.float32)
    expected = keras.applications.inception_v3.preprocess_input(pixels.copy())
    assert np.allclose(preprocess(pixels), expected, atol=1e-6)
    twice = keras.applications.inception_v3.preprocess_input(expected.copy())
    assert np.allclose(preprocess_twice(pixels), twice, atol=1e-6)
    assert np.abs(preprocess_twice(pixels) + 1).max() < 0.008  # all that is left of an image


@pytest.fixture
def random_keras_weights(monkeypatch, tmp_path):
    """A file of random weights in the place of the one keras.applications downloads."""
    import keras

    path = tmp_path / "inception.weights.h5"
    keras.utils.set_random_seed(0)
    keras.applications.InceptionV3(include_top=False, weights=None).save_weights(path)
    monkeypatch.setattr(keras.src.applications.inception_v3.file_utils, "get_file", lambda *_, **__: str(path))


def test_keras_network_gives_2048_features_in_float32():
    import keras

    policy = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        network = build_keras_inception(None)
        assert keras.config.dtype_policy().name == "mixed_bfloat16"
    finally:
        keras.config.set_dtype_policy(policy)
    assert network.output["features"].shape == (None, 2048)
    assert {layer.compute_dtype for layer in network.layers[1:]} == {"float32"}


@pytest.mark.slow(longest=True)
def test_the_pipeline_of_akel2022_scales_faces_twice_and_digits_once(digits, random_keras_weights):
    images = digits.train.images[:4]
    kinds = {}
    for name in ("digits", "celeba"):
        extractor = load_akel_inception((8, 8, 1), name)
        kinds[name] = extractor.extract(images).features
    keras_way = load_keras_inception((8, 8, 1)).extract(images).features
    assert kinds["digits"].std(axis=0).max() > 20 * kinds["celeba"].std(axis=0).max()
    assert np.abs(keras_way - kinds["digits"]).max() > 1e-3  # bilinear and nearest differ
