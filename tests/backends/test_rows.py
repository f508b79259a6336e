"""Rows of the data reach a step: images, labels and masks of one draw belong together, sources are drawn by themselves."""

import dataclasses

import numpy as np
import pytest
from keras import ops

from ganlab.training.draws import Draws
from ganlab.training.stages import Column, Compute, Draw, Update
from tests.training.tiny import BACKEND, build, tiny_config

COUNT = 30
# Of every sample each array tells its number: all values of its image are n, its label is 2 n, its mask 1 where n is odd.
NUMBERS = np.arange(COUNT)
DATA = {
    "images": np.repeat(NUMBERS[:, None], 8, axis=1).astype(np.float32),
    "labels": (2 * NUMBERS).astype(np.int32),
    "mask": (NUMBERS % 2).astype(np.float32),
    "unused": np.zeros(1, np.float32),
}
DRAWS = {
    "real": Draw("rows", (4,), arrays=("images", "labels", "mask")),
    "labelled": Draw("rows", (3,), source="labelled", arrays=("labels", "images")),
    "classes": Draw("integers", (4,), high=10),
}
SOURCES = {"labelled": np.array([21, 3, 8, 13, 2])}


def mean(values):
    return ops.mean(ops.cast(values, "float32"))


def change(objective):
    """An update whose columns say which rows came, and whether arrays of one draw are of the same rows."""
    discriminator = objective.networks["discriminator"]

    def loss(values, with_lazy):
        number, labels, mask = values["real"][:, 0], values["real.labels"], values["real.mask"]
        labelled = values["labelled"][:, 0]
        logs = {
            "apart/labels": mean(ops.abs(2.0 * number - ops.cast(labels, "float32"))),
            "apart/mask": mean(ops.abs(number % 2 - mask)),
            "apart/labelled": mean(ops.abs(2.0 * labelled - ops.cast(values["labelled.labels"], "float32"))),
            "rows": mean(number),
            "labelled": mean(labelled),
            "classes": values["mean class"],
        }
        return mean(discriminator(values["real"], training=True)), logs

    average = Compute(lambda values: {"mean class": mean(values["classes"])})
    columns = tuple(map(Column, ("apart", "rows", "labelled", "classes")))
    update = Update(("discriminator",), loss, 4)
    return dataclasses.replace(objective, stages=(average, update), draws=DRAWS, columns=columns)


@pytest.mark.parametrize("jit", BACKEND.JIT)
def test_arrays_of_one_draw_are_of_the_same_rows_and_sources_of_their_own(jit):
    tiny = build(tiny_config(), images=DATA["images"], change=change)
    steps = BACKEND.Steps(tiny.objective, DATA, (-1.0, 1.0), jit)
    assert steps.arrays.keys() == {"images", "labels", "mask"}  # what no draw asks for stays on the host
    taken = Draws(DRAWS, 0, COUNT, SOURCES).take(0, 12)
    rows = dict(zip(tiny.objective.column_names, steps.run(taken, 0, 12).T, strict=True))
    np.testing.assert_array_equal(rows["apart"], np.zeros(12))
    np.testing.assert_allclose(rows["rows"], taken["real"].mean(axis=1), rtol=1e-6)
    np.testing.assert_allclose(rows["labelled"], taken["labelled"].mean(axis=1), rtol=1e-6)
    np.testing.assert_allclose(rows["classes"], taken["classes"].mean(axis=1), rtol=1e-6)
    assert set(taken["labelled"].ravel()) == set(SOURCES["labelled"])
