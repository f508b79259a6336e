"""output.histograms: what is measured of a layer, and that a run that goes on leaves the same files."""

import keras
import numpy as np
import pytest

from ganlab.experiment import run_experiment
from ganlab.flows.plan import plan_experiment
from ganlab.flows.verify import verify_run
from ganlab.runs.logs import read_history
from ganlab.training.callbacks import History
from ganlab.training.histograms import Histograms, activation_of, share_of_saturated
from tests.models.networks import compiled
from tests.training.contexts import COLUMNS, chunk, due, run_context
from tests.training.tiny import build, tiny_config

HIDDEN = {"units": 6, "name": "hidden"}
CRITIC = [{"Dense": HIDDEN}, {"Activation": {"activation": "sigmoid"}}, {"Dense": {"units": 1}}]


class TestShareOfSaturated:
    def test_a_sigmoid_is_saturated_beyond_five(self):
        inputs = np.array([-75, -5.01, -4.99, 0, 4.99, 5.01, 35])
        assert share_of_saturated(inputs, "sigmoid", before=True) == 4 / 7
        assert share_of_saturated(1 / (1 + np.exp(-inputs)), "sigmoid") == 4 / 7

    def test_tanh_is_saturated_where_its_slope_is_as_small(self):
        inputs = np.array([-3.3, -3.1, 0, 3.1, 3.3])
        assert share_of_saturated(inputs, "tanh", before=True) == share_of_saturated(np.tanh(inputs), "tanh") == 2 / 5

    def test_relu_is_saturated_below_zero(self):
        inputs = np.array([[-1.0, 0.5], [2.0, -3.0]])
        assert share_of_saturated(inputs, "relu", before=True) == 0.5
        assert share_of_saturated(np.maximum(inputs, 0), "relu") == 0.5

    def test_no_activation_gives_no_share(self):
        assert share_of_saturated(np.zeros(3), None) is None


@pytest.mark.parametrize(
    ("layers", "expected"),
    [
        (["Dense: {units: 6, name: hidden, activation: tanh}"], ("tanh", False)),
        (["Dense: {units: 6, name: hidden}", "Activation: {activation: sigmoid}"], ("sigmoid", True)),
        (["Dense: {units: 6, name: hidden}", "ReLU"], ("relu", True)),
        (["Dense: {units: 6, name: hidden}", "ReLU: {negative_slope: 0.1}"], (None, False)),
        (["Dense: {units: 6, name: hidden}", "LeakyReLU"], (None, False)),
        (["Dense: {units: 6, name: hidden}", "Dense: {units: 2, activation: sigmoid}"], (None, False)),
        (["Dense: {units: 2}", "Activation: {activation: relu, name: hidden}"], ("relu", False)),
    ],
)
def test_the_activation_is_the_layers_own_or_the_one_right_after_it(layers, expected):
    assert activation_of(compiled(*layers, inputs=(4,)), "hidden") == expected


class TestHistograms:
    @pytest.fixture
    def context_of(self, folder, writer):
        def made(layers=CRITIC, generator=None, **output):
            wanted = {"histograms": ["hidden"], "samples_every": 4, **output}
            config = tiny_config(discriminator=layers, generator=generator, output=wanted)
            tiny = build(config)
            context = run_context(tiny, folder, writer, networks=tiny.models.networks, columns=COLUMNS)
            return context, tiny

        return made

    def test_counts_the_outputs_for_the_same_samples_at_each_sample_step(self, folder, writer, context_of):
        context, tiny = context_of()
        histograms = Histograms(context)
        assert due(histograms, 10) == [4, 8, 10]
        for step in (3, 4, 8):
            histograms.on_chunk(chunk(step))
        tiny.train(1)
        histograms.on_chunk(chunk(10))
        writer.flush()
        assert folder.histogram_steps() == [4, 8, 10]
        assert folder.histogram(4).read_bytes() == folder.histogram(8).read_bytes() != folder.histogram(10).read_bytes()
        with np.load(folder.histogram(10)) as file:
            counts, edges = file["discriminator.hidden.counts"], file["discriminator.hidden.edges"]
        images = context.images.astype(np.float32) / 127.5 - 1
        weights = tiny.weights("discriminator")
        outputs = images @ weights[0] + weights[1]
        assert (counts.shape, edges.shape) == ((60,), (61,))
        assert counts.sum() == outputs.size  # all 20 samples, of the 128 that are wanted
        np.testing.assert_allclose(edges[[0, -1]], [outputs.min(), outputs.max()], rtol=1e-5)

    def test_steps_with_a_grid_may_follow_each_other(self, folder, writer, context_of):
        histograms = Histograms(context_of(samples_every=1)[0])
        for step in (4, 5):
            histograms.on_chunk(chunk(step))
        writer.flush()
        assert folder.histogram_steps() == [4, 5]

    def test_the_share_of_saturated_units_is_in_the_row_of_its_step(self, folder, context_of):
        context, tiny = context_of()
        network = tiny.models.networks["discriminator"].model
        network.set_weights([0 * array for array in network.get_weights()])
        network.layers[-3].bias.assign([9.0, -9.0, 9.0, 0.0, 1.0, -1.0])
        histograms, history = Histograms(context), History(context)
        for part in (chunk(3, count=3), chunk(4)):
            histograms.on_chunk(part), history.on_chunk(part)
        shares = read_history(folder.history)["saturated_discriminator_hidden"]
        assert shares[3] == 0.5 and np.isnan(shares[:3]).all()

    def test_layers_of_two_networks_may_have_one_name(self, folder, writer, context_of):
        generator = [{"Dense": HIDDEN}, {"Dense": {"units": 8}}]
        context, _ = context_of(generator=generator)
        Histograms(context).on_chunk(chunk(4))
        writer.flush()
        with np.load(folder.histogram(4)) as file:
            assert set(file) == {f"{n}.hidden.{a}" for n in ("generator", "discriminator") for a in ("counts", "edges")}
            assert file["generator.hidden.counts"].sum() == 128 * 6
        assert context.saturation[4].keys() == {
            "saturated_discriminator_hidden"
        }  # the generator's layer has no activation

    def test_nothing_is_written_without_layers(self, folder, context_of):
        Histograms(context_of(histograms=[])[0]).on_chunk(chunk(4))
        assert not folder.histograms.exists()

    def test_values_that_are_not_finite_are_not_counted(self, folder, writer, context_of):
        context, tiny = context_of()
        tiny.models.networks["discriminator"].model.layers[-3].bias.assign([np.nan, np.inf, 0, 0, 0, 0])
        Histograms(context).on_chunk(chunk(4))
        writer.flush()
        with np.load(folder.histogram(4)) as file:
            assert file["discriminator.hidden.counts"].sum() == 20 * 4


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """The folder of a whole run, and of one that an error stopped and that went on."""
    results = tmp_path_factory.mktemp("results")
    config = tiny_config(
        generator=[{"Dense": {"units": 64}}, {"Reshape": {"target_shape": [8, 8, 1]}}],
        discriminator=["Flatten", *CRITIC],
        train={"steps": 6},
        output={"histograms": ["hidden"], "samples_every": 2, "checkpoint_every": 3, "grid": [1, 1]},
        metrics=[],
        jit=False,
        backend=keras.backend.backend(),
    )
    on_chunk = Histograms.on_chunk

    def fail(self, part):
        if part.step == 6:
            raise KeyboardInterrupt
        on_chunk(self, part)

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GANLAB_CACHE", str(results / "cache"))
        whole = run_experiment(plan_experiment(config, results / "whole"), results / "whole", quiet=True)
        plan = plan_experiment(config, results / "stopped")
        with patch.context() as failing, pytest.raises(KeyboardInterrupt):
            failing.setattr(Histograms, "on_chunk", fail)
            run_experiment(plan, results / "stopped", quiet=True)
        assert plan.folder.histogram_steps() == [2, 4]
        return whole, run_experiment(plan, results / "stopped", quiet=True)


def test_a_run_that_goes_on_has_the_same_histograms(runs):
    whole, resumed = (
        {path.name: path.read_bytes() for path in [*map(folder.histogram, folder.histogram_steps()), folder.ridges]}
        for folder in runs
    )
    assert list(whole) == ["000002.npz", "000004.npz", "000006.npz", "histograms.png"]
    assert resumed == whole
    shares, again = (read_history(folder.history)["saturated_discriminator_hidden"] for folder in runs)
    np.testing.assert_array_equal(again, shares)
    assert np.isfinite(shares[[1, 3, 5]]).all()


def test_verify_reads_the_histograms(runs):
    folder = runs[0]
    assert verify_run(folder.path).damage == []
    path = folder.histogram(4)
    content = path.read_bytes()
    path.write_bytes(content[:200] + b"\xff" * 8 + content[208:])
    folder.ridges.rename(folder.path / "gone.png")
    damage = verify_run(folder.path).damage
    assert len(damage) == 2 and damage[0] == "histograms.png: missing, and the run is finished"
    assert damage[1].startswith("histograms/000004.npz: damaged: ")
