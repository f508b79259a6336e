import dataclasses
import json
import threading

import keras
import numpy as np
import pytest
from PIL import Image

from ganlab.errors import DivergedError, GanlabError, StoppedError
from ganlab.models.building import build_network
from ganlab.models.network import Network
from ganlab.pictures.images import arrange_grid
from ganlab.runs.logs import read_history
from ganlab.storage.weights import hash_of_arrays, read_weights, write_weights
from ganlab.training import callbacks
from ganlab.training.callbacks import Checkpoints, Health, History, Metrics, Samples, Stop
from ganlab.training.checkpoints import read_state
from ganlab.training.sampling import Sampler
from tests.training.contexts import COLUMNS, REAL, chunk, config_of, due, run_context
from tests.training.tiny import build, tiny_config


@pytest.fixture(scope="module")
def built():
    """Built and traced once."""
    tiny = build(config_of(), images=REAL)
    return tiny, tiny.models.sampled.model.get_weights()


@pytest.fixture
def tiny(built):
    tiny, weights = built
    tiny.models.sampled.model.set_weights(weights)
    return tiny


@pytest.fixture
def context_of(tiny, folder, writer):
    """A context whose config has these values of its section `output`."""

    def made(total=10, **output):
        config = config_of(output={"checkpoint_every": 3, "grid": [2, 3], **output})
        return run_context(tiny, folder, writer, total, config=config, columns=COLUMNS)

    return made


def halves(path) -> tuple[np.ndarray, np.ndarray]:
    """The two grids of a picture, and nothing but white between them."""
    image = np.asarray(Image.open(path))
    white = np.flatnonzero((image == 255).all(axis=0))
    assert white.tolist() == list(range(white[0], white[-1] + 1)) and len(white) == 24
    return image[:, : white[0]], image[:, white[-1] + 1 :]


class TestHistory:
    @pytest.fixture
    def history(self, context_of):
        return History(context_of())

    def test_a_row_a_step_with_its_number_and_seconds(self, folder, history):
        history.on_chunk(chunk(2, count=2))
        history.on_chunk(chunk(3, d_loss=0.123456789))
        assert folder.history.read_text() == (
            "step,d_loss,g_loss,d_accuracy_real,d_accuracy_fake,penalty,diversity,recall,seconds\n"
            "1,1,0.5,0.6,0.7,0.1,,,0.5\n2,1,0.5,0.6,0.7,0.1,,,0.5\n3,0.123457,0.5,0.6,0.7,0.1,,,0.5\n"
        )

    def test_a_penalty_that_was_not_measured_is_blank_and_a_lost_loss_is_not(self, folder, history):
        history.on_chunk(chunk(1, d_loss=np.nan, penalty=np.nan))
        assert folder.history.read_text().splitlines()[1] == "1,nan,0.5,0.6,0.7,,,,0.5"
        assert np.isnan(read_history(folder.history)["penalty"]).all()

    def test_the_step_at_which_the_images_were_looked_at_says_what_was_seen(self, folder, tiny, context_of):
        tiny.models.sampled.model.set_weights([np.zeros_like(array) for array in tiny.weights("generator")])
        context = context_of(checkpoint_every=2)
        health, history = Health(context), History(context)
        for part in (chunk(2, count=2), chunk(3)):
            health.on_chunk(part), history.on_chunk(part)
        read = read_history(folder.history)
        assert read["diversity"][1] == read["recall"][1] == 0
        assert np.isnan(read["diversity"][[0, 2]]).all() and np.isnan(read["recall"][[0, 2]]).all()

    def test_a_resumed_run_appends(self, folder, context_of, history):
        history.on_chunk(chunk(1))
        History(context_of()).on_chunk(chunk(2))
        assert read_history(folder.history)["step"].tolist() == [1, 2]

    def test_a_file_with_other_columns_is_not_gone_on_with(self, folder, context_of):
        content = "step,d_loss,g_loss,seconds\n1,1,0.5,0.1\n"
        folder.history.write_text(content)
        with pytest.raises(GanlabError) as caught:
            History(context_of())
        assert str(caught.value) == (
            f"{folder.history}: has the columns step,d_loss,g_loss,seconds; this version of ganlab and this config write "
            "step,d_loss,g_loss,d_accuracy_real,d_accuracy_fake,penalty,diversity,recall,seconds. Start with --fresh"
        )
        assert folder.history.read_text() == content


class TestSamples:
    @pytest.mark.parametrize(
        ("output", "expected"),
        [
            ({"samples_every": 4}, [4, 8, 10]),
            ({"samples_every": 4, "samples_at": [1, 4, 99]}, [1, 4, 8, 10]),
            ({"samples_every": None, "samples_at": [3]}, [3, 10]),
            ({"samples_every": None, "samples_at_epochs": [1]}, [6, 10]),  # 24 images in batches of 4
            ({"samples_every": None}, [10]),
        ],
    )
    def test_are_due_as_the_config_says_and_at_the_end(self, context_of, output, expected):
        assert due(Samples(context_of(**output)), 10) == expected

    def test_a_grid_is_written_when_due_and_only_then(self, folder, context_of, writer):
        callback = Samples(context_of(samples_every=4))
        for step in (3, 4, 6, 8, 10):
            callback.on_chunk(chunk(step))
        writer.flush()
        assert folder.sample_steps() == [4, 8, 10]

    def test_the_same_latents_make_the_same_grid_until_the_generator_changes(self, folder, tiny, context_of, writer):
        callback = Samples(context_of(samples_every=1))
        callback.on_chunk(chunk(1)), callback.on_chunk(chunk(2))
        tiny.train(1)  # while they may still wait: they are as the generator was
        callback.on_chunk(chunk(3))
        writer.flush()
        assert folder.sample(1).read_bytes() == folder.sample(2).read_bytes()
        assert folder.sample(3).read_bytes() != folder.sample(1).read_bytes()

    def test_a_grid_has_as_many_images_as_the_config_says(self, folder, context_of, writer):
        Samples(context_of(samples_every=1)).on_chunk(chunk(1))
        writer.flush()
        width, height = Image.open(folder.sample(1)).size
        assert width > height and width >= 3 * 4 and height >= 2 * 4

    def test_the_last_grid_stands_beside_as_many_real_images(self, folder, context_of, writer):
        context = context_of(samples_every=4)
        callback = Samples(context)
        for step in (4, 8):
            callback.on_chunk(chunk(step))
        writer.flush()
        assert not folder.beside.exists()
        callback.on_chunk(chunk(10))
        writer.flush()
        left, right = halves(folder.beside)
        np.testing.assert_array_equal(right, np.asarray(Image.open(folder.sample(10))))
        np.testing.assert_array_equal(left, arrange_grid(callback.real, 2, 3)[..., 0])
        assert all((context.images == image).all(axis=(1, 2, 3)).any() for image in callback.real)

    def test_a_vae_leaves_its_reconstructions_beside_the_originals(self, folder, writer):
        encoder = [{"Flatten": {}}, {"Dense": {"units": 6}}]
        config = tiny_config(
            objective="vae",
            encoder=encoder,
            generator=[{"Dense": {"units": 16}}, {"Reshape": {"target_shape": [4, 4, 1]}}],
            output={"samples_every": 2, "grid": [2, 3]},
        )
        tiny = build(config, images=REAL)
        context = run_context(tiny, folder, writer, networks=tiny.models.networks)
        callback = Samples(context)
        for step in (1, 2, 4):
            callback.on_chunk(chunk(step))
        writer.flush()
        assert folder.reconstruction_steps() == folder.sample_steps() == [2, 4]
        left, right = halves(folder.reconstructions(4))
        np.testing.assert_array_equal(left, arrange_grid(callback.real, 2, 3)[..., 0])
        encoder, generator = (context.networks[name].model.get_weights() for name in ("encoder", "generator"))
        codes = (callback.real / 127.5 - 1).reshape(6, -1) @ encoder[0] + encoder[1]
        made = (codes[:, :3] @ generator[0] + generator[1]).reshape(6, 4, 4, 1)  # of the means, not of the variances
        expected = arrange_grid(np.clip(np.rint((made + 1) * 127.5), 0, 255).astype(np.uint8), 2, 3)[..., 0]
        assert np.abs(right.astype(int) - expected).max() <= 1

    def test_data_that_are_no_images_leave_an_array_and_a_picture(self, folder, writer):
        points = np.random.default_rng(0).standard_normal((30, 2)).astype(np.float32)
        config = tiny_config(generator=[{"Dense": {"units": 2}}], output={"samples_every": 1, "grid": [2, 3]})
        context = run_context(build(config, images=points), folder, writer)
        Samples(context).on_chunk(chunk(1))
        writer.flush()
        written = np.load(folder.samples / "000001.npy")
        np.testing.assert_array_equal(written, context.sampler.grid(2, 3))
        assert (written.shape, written.dtype) == ((6, 2), np.float32) and folder.sample_steps() == [1]

    def test_a_generator_that_takes_the_step_is_told_the_step_of_the_picture(self, folder, writer):
        points = np.zeros((30, 3), np.float32)
        config = tiny_config(generator=[{"Dense": {"units": 3}}], output={"samples_every": 2, "grid": [1, 2]})
        context = run_context(build(config, images=points), folder, writer)
        latents, step = keras.Input((3,)), keras.Input((1,))
        model = keras.Model([latents, step], 0.0 * latents + step)  # a point that tells the step
        context.sampler = Sampler(Network("generator", ("input", "step"), (), model), config)
        samples = Samples(context)
        for step in (2, 4):
            samples.on_chunk(chunk(step))
        writer.flush()
        told = [np.unique(np.load(folder.samples / f"{step:06d}.npy")).tolist() for step in (2, 4)]
        assert told == [[2.0], [4.0]]

    def test_points_are_drawn_beside_the_first_thousand_real_ones_and_images_alone(
        self, folder, context_of, writer, monkeypatch
    ):
        drawn = []
        monkeypatch.setattr(callbacks, "write_samples", lambda *arguments: drawn.append(arguments[-1]))
        points = np.random.default_rng(0).standard_normal((1200, 2)).astype(np.float32)
        config = tiny_config(generator=[{"Dense": {"units": 2}}], output={"samples_every": 1})
        for context in (run_context(build(config, images=points), folder, writer), context_of(samples_every=1)):
            Samples(context).on_chunk(chunk(1))
        writer.flush()
        np.testing.assert_array_equal(drawn[0], points[:1000])
        assert drawn[1] is None


class TestMetrics:
    @pytest.mark.parametrize(("every", "expected"), [(4, [4, 8, 10]), (1, [3, 4, 8, 10]), (None, [10])])
    def test_are_computed_when_due_and_at_the_end(self, context_of, monkeypatch, every, expected):
        steps = []
        monkeypatch.setattr(callbacks, "evaluate_networks", lambda folder, step, *others: steps.append(step))
        metrics = Metrics(dataclasses.replace(context_of(metrics_every=every), protocols=("a metric",)))
        for step in (3, 4, 8, 10):
            metrics.on_chunk(chunk(step))
        assert steps == expected


class TestCheckpoints:
    def test_are_due_every_few_steps_and_at_the_end(self, folder, context_of):
        assert due(Checkpoints(context_of()), 10) == [3, 6, 9, 10]
        assert folder.checkpoints.is_dir()  # before the first one: a run folder is whole then, too
        assert due(Checkpoints(context_of(checkpoint_every=None)), 10) == [10]

    def test_the_newest_two_states_and_as_many_generators_as_asked_stay(self, folder, context_of, writer):
        checkpoints = Checkpoints(context_of(keep_checkpoints=3))
        for step in range(1, 11):
            checkpoints.on_chunk(chunk(step))
        writer.flush()
        assert folder.state_steps() == [9, 10]
        assert folder.generator_steps() == [6, 9, 10]
        assert folder.status()["checkpoint"] == 10

    def test_the_best_step_stays(self, folder, context_of, writer):
        lines = [{"step": step, "name": "is1k_classifier", "value": value} for step, value in ((3, 5.0), (6, 2.0))]
        folder.metrics.write_text("".join(json.dumps(line) + "\n" for line in lines))
        checkpoints = Checkpoints(context_of(keep_checkpoints=1))
        for step in (3, 6, 9, 10):
            checkpoints.on_chunk(chunk(step))
        writer.flush()
        assert folder.state_steps() == [3, 9, 10]
        assert folder.generator_steps() == [3, 10]

    def test_hold_what_the_networks_were_when_they_were_saved(self, folder, tiny, context_of, writer):
        gate = threading.Event()
        writer.submit(gate.wait)  # a slow disk
        before = tiny.snapshot(), hash_of_arrays(tiny.weights("generator"))
        checkpoints = Checkpoints(context_of())
        checkpoints.save(3)
        tiny.train(2)
        checkpoints.save(6)
        gate.set()
        writer.flush()
        assert hash_of_arrays(tiny.weights("generator")) != before[1]
        arrays, _ = read_state(folder.state(3))
        assert all(np.array_equal(arrays[name], array) for name, array in before[0].items())
        generator = build_network(tiny.config, "generator", tiny.models.form).model
        assert read_weights(folder.generator_weights(3), generator) == before[1]
        assert read_weights(folder.generator_weights(6), generator) == hash_of_arrays(tiny.weights("generator"))

    def test_say_what_health_found_when_they_were_saved(self, folder, context_of, writer):
        gate = threading.Event()
        writer.submit(gate.wait)
        context = context_of()
        context.health.verdict, context.health.reason, context.health.sign = "too_early", "why", "collapsed"
        Checkpoints(context).save(3)
        context.health.verdict = "ok"
        gate.set()
        writer.flush()
        kept = read_state(folder.state(3))[1]["health"]
        assert kept == {"verdict": "too_early", "reason": "why", "sign": "collapsed"}

    def test_a_generator_file_is_what_keras_writes_for_the_trained_generator(self, folder, tiny, context_of, writer):
        tiny.train(2)
        Checkpoints(context_of()).save(3)
        writer.flush()
        write_weights(folder.checkpoints / "keras.weights.h5", tiny.models.sampled.model)
        assert folder.generator_weights(3).read_bytes() == (folder.checkpoints / "keras.weights.h5").read_bytes()

    def test_none_is_in_its_place_before_the_pictures_of_its_step(self, folder, context_of, writer):
        gate = threading.Event()
        writer.submit(gate.wait)
        context = context_of(samples_every=3)
        Samples(context).on_chunk(chunk(3))
        Checkpoints(context).save(3)
        blocked = folder.samples / "000003.png"
        blocked.mkdir()  # the picture cannot be written
        gate.set()
        with pytest.raises(OSError, match="000003"):
            writer.flush()
        assert folder.state_steps() == folder.generator_steps() == []
        with pytest.raises(OSError, match="000003"):
            Stop(context).on_chunk(chunk(4))

    def test_weights_that_are_not_finite_leave_no_file_and_the_checkpoint_before_stays(
        self, folder, tiny, context_of, writer
    ):
        checkpoints = Checkpoints(context_of())
        checkpoints.save(3)
        writer.flush()
        before = sorted(path.name for path in folder.checkpoints.iterdir())
        tiny.models.sampled.model.set_weights([np.full_like(array, np.nan) for array in tiny.weights("generator")])
        with pytest.raises(DivergedError, match="is not finite at step 6"):
            checkpoints.save(6)
        writer.flush()
        assert sorted(path.name for path in folder.checkpoints.iterdir()) == before


class TestStop:
    @pytest.fixture
    def stop(self, context_of):
        def made(signal):
            context = context_of()
            context.asked = lambda: signal
            return Stop(context)

        return made

    def test_a_signal_saves_the_step_and_stops(self, folder, stop):
        with pytest.raises(StoppedError) as caught:
            stop("SIGTERM").on_chunk(chunk(5))
        message = "stopped by SIGTERM after saving step 5; the same command goes on from there"
        assert str(caught.value) == message
        assert folder.state_steps() == folder.generator_steps() == [5]  # in their places when it says so

    def test_without_one_nothing_happens(self, folder, stop, writer):
        stop(None).on_chunk(chunk(5))
        writer.flush()
        assert folder.state_steps() == []

    def test_a_run_that_has_just_ended_is_not_stopped(self, folder, stop):
        stop("SIGINT").on_chunk(chunk(10))
        assert folder.state_steps() == []

    def test_a_step_that_could_not_be_saved_is_not_said_to_be(self, folder, stop):
        folder.generator_weights(5).mkdir(parents=True)
        with pytest.raises(OSError, match="generator-000005"):
            stop("SIGTERM").on_chunk(chunk(5))
