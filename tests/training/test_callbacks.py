import json
import threading

import numpy as np
import pytest
from ganlab.models.gan import build_generator
from PIL import Image

from ganlab.errors import DivergedError, GanlabError, StoppedError
from ganlab.runs.folder import RunFolder
from ganlab.runs.logs import read_history
from ganlab.storage.weights import hash_of_arrays, read_weights, write_weights
from ganlab.training.background import BackgroundWriter
from ganlab.training.callbacks import (
    Checkpoints,
    Health,
    History,
    Samples,
    Stop,
    Verdict,
)
from ganlab.training.checkpoints import read_state
from ganlab.training.sampling import Sampler
from ganlab.training.trainer import Chunk
from tests.training.tiny import build, tiny_config

COLUMNS = ("d_loss", "g_loss", "d_accuracy_real", "d_accuracy_fake", "penalty")
GENERATOR = [{"Dense": {"units": 16, "activation": "tanh"}}, {"Reshape": {"target_shape": [4, 4, 1]}}]
DISCRIMINATOR = ["Flatten", {"Dense": {"units": 1}}]
REAL = np.random.default_rng(0).integers(0, 256, (24, 4, 4, 1), dtype=np.uint8)


def config_of(**more):
    return tiny_config(generator=GENERATOR, discriminator=DISCRIMINATOR, **more)


def chunk(step: int, count: int = 1, **changes: float) -> Chunk:
    row = {"d_loss": 1.0, "g_loss": 0.5, "d_accuracy_real": 0.6, "d_accuracy_fake": 0.7, "penalty": 0.1} | changes
    return Chunk(step, COLUMNS, np.tile([row[name] for name in COLUMNS], (count, 1)), 0.5 * count)


def due(callback, total: int) -> list[int]:
    """Every step at which a callback wants a chunk to end."""
    steps, step = [], 0
    while step < total:
        step = callback.next_due(step)
        steps.append(step)
    return steps


@pytest.fixture
def folder(tmp_path):
    path = tmp_path / "run"
    path.mkdir()
    return RunFolder(path)


@pytest.fixture
def tiny():
    return build(config_of(), images=REAL)


@pytest.fixture
def writer():
    writer = BackgroundWriter()
    yield writer
    writer.close()


def sampler_of(tiny):
    return Sampler(tiny.models.sampled, tiny.config)


def watch(folder, tiny, every=5, total=10, real=REAL):
    variables = tiny.objective.variables()
    return Health(folder, config_of(), sampler_of(tiny), variables, real, total, every)


def collapse(tiny):
    generator = tiny.models.networks["generator"]
    generator.set_weights([np.zeros_like(array) for array in generator.get_weights()])


class TestHistory:
    @pytest.fixture
    def history(self, folder, tiny):
        return History(folder, COLUMNS, watch(folder, tiny))

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

    def test_the_step_at_which_the_images_were_looked_at_says_what_was_seen(self, folder, tiny):
        collapse(tiny)
        health = watch(folder, tiny, every=2)
        history = History(folder, COLUMNS, health)
        for part in (chunk(2, count=2), chunk(3)):
            health.on_chunk(part), history.on_chunk(part)
        read = read_history(folder.history)
        assert read["diversity"][1] == read["recall"][1] == 0
        assert np.isnan(read["diversity"][[0, 2]]).all() and np.isnan(read["recall"][[0, 2]]).all()

    def test_a_resumed_run_appends(self, folder, tiny, history):
        history.on_chunk(chunk(1))
        History(folder, COLUMNS, watch(folder, tiny)).on_chunk(chunk(2))
        assert read_history(folder.history)["step"].tolist() == [1, 2]


class TestHealth:
    @pytest.mark.parametrize("value", [np.nan, np.inf])
    def test_a_loss_that_is_not_finite_stops_the_run_and_names_the_step(self, folder, tiny, value):
        rows = chunk(8, count=3).rows
        rows[1:, 1] = value
        health = watch(folder, tiny)
        health.on_chunk(Chunk(8, COLUMNS, rows, 1.0))
        assert (health.verdict, health.reason) == ("diverged", "g_loss is not finite at step 7")
        with pytest.raises(DivergedError) as caught:
            Verdict(folder, config_of(), health).on_chunk(Chunk(8, COLUMNS, rows, 1.0))
        assert str(caught.value) == f"{folder.path}: diverged: g_loss is not finite at step 7"

    def test_a_weight_that_no_loss_sees_is_noticed_within_the_chunk(self, folder):
        layers = [*GENERATOR[:1], {"BatchNormalization": {}}, GENERATOR[1]]
        tiny = build(tiny_config(generator=layers, discriminator=DISCRIMINATOR), images=REAL)
        moving = next(v for v in tiny.models.networks["generator"].variables if "moving_variance" in v.path)
        moving.assign(np.full(moving.shape, np.inf, np.float32))
        health = watch(folder, tiny)
        health.on_chunk(chunk(3))
        assert health.verdict == "diverged"
        assert health.reason.endswith("moving_variance is not finite at step 3")

    def test_a_config_may_let_it_go_on_with_the_verdict(self, folder, tiny):
        health = watch(folder, tiny)
        health.on_chunk(chunk(4, d_loss=np.nan))
        health.on_chunk(chunk(5))
        Verdict(folder, config_of(train={"stop_on": []}), health).on_chunk(chunk(5))
        assert health.verdict == "diverged"

    def test_images_that_differ_are_ok_and_the_status_says_so(self, folder, tiny):
        health = watch(folder, tiny)
        health.on_chunk(chunk(5))
        assert health.verdict == "ok" and health.reason is None
        report = folder.status()["health"]
        assert (report["step"], report["verdict"]) == (5, "ok") and report["diversity"] > 0.3

    def test_images_that_are_all_alike_are_a_collapse(self, folder, tiny):
        collapse(tiny)
        health = watch(folder, tiny)
        health.on_chunk(chunk(5))
        assert health.verdict == "collapsed"
        assert health.reason == "generated images differ 0.00 times as much as real ones"
        assert folder.status()["health"]["diversity"] == 0

    def test_a_discriminator_that_has_won_is_seen_over_all_rows_since_the_last_look(self, folder, tiny):
        won = {"d_accuracy_real": 1.0, "d_accuracy_fake": 1.0, "d_loss": 1e-5}
        health = watch(folder, tiny)
        health.on_chunk(chunk(4, count=4))  # still learning
        health.on_chunk(chunk(5, **won))
        assert health.verdict == "ok"
        health.on_chunk(chunk(10, count=5, **won))
        assert health.verdict == "not_converged"

    def test_both_signs_are_told_and_collapse_is_the_verdict(self, folder, tiny):
        collapse(tiny)
        health = watch(folder, tiny)
        health.on_chunk(chunk(5, d_accuracy_real=1.0, d_accuracy_fake=1.0, d_loss=1e-5))
        assert health.verdict == "collapsed" and health.reason.endswith(
            "as real ones; the discriminator is right about every image and its loss is 0"
        )

    def test_a_run_may_recover(self, folder, tiny):
        good = tiny.weights("generator")
        collapse(tiny)
        health = watch(folder, tiny)
        health.on_chunk(chunk(5))
        tiny.models.networks["generator"].set_weights(good)
        health.on_chunk(chunk(10))
        assert health.verdict == "ok"

    def test_stopping_on_collapse_is_a_choice(self, folder, tiny):
        collapse(tiny)
        health = watch(folder, tiny)
        stopping = Verdict(folder, config_of(train={"stop_on": ["diverged", "collapsed"]}), health)
        health.on_chunk(chunk(5)), stopping.on_chunk(chunk(5))  # one look is no proof
        health.on_chunk(chunk(10))
        Verdict(folder, config_of(), health).on_chunk(chunk(10))
        with pytest.raises(GanlabError) as caught:
            stopping.on_chunk(chunk(10))
        expected = "stopped at step 10: collapsed: generated images differ 0.00 times as much as real ones"
        assert str(caught.value) == f"{folder.path}: {expected}"

    def test_data_of_a_few_images_are_too_few_to_judge_by(self, folder, tiny):
        collapse(tiny)
        health = watch(folder, tiny, real=REAL[:3])
        health.on_chunk(chunk(5))
        assert health.verdict == "ok" and "diversity" not in folder.status()["health"]

    def test_it_looks_every_few_steps_and_at_the_end(self, folder, tiny):
        assert due(watch(folder, tiny, every=4), 10) == [4, 8, 10]
        health = watch(folder, tiny)
        health.on_chunk(chunk(4))
        assert folder.status() == {}


class TestSamples:
    @pytest.fixture
    def samples(self, folder, tiny, writer):
        def made(total=10, **output):
            config = config_of(output={"grid": [2, 3], **output})
            return Samples(folder, config, sampler_of(tiny), total, writer)

        return made

    @pytest.mark.parametrize(
        ("output", "expected"),
        [
            ({"samples_every": 4}, [4, 8, 10]),
            ({"samples_every": 4, "samples_at": [1, 4, 99]}, [1, 4, 8, 10]),
            ({"samples_every": None, "samples_at": [3]}, [3, 10]),
            ({"samples_every": None}, [10]),
        ],
    )
    def test_are_due_as_the_config_says_and_at_the_end(self, samples, output, expected):
        assert due(samples(**output), 10) == expected

    def test_a_grid_is_written_when_due_and_only_then(self, folder, samples, writer):
        callback = samples(samples_every=4)
        for step in (3, 4, 6, 8, 10):
            callback.on_chunk(chunk(step))
        writer.flush()
        assert folder.sample_steps() == [4, 8, 10]

    def test_the_same_latents_make_the_same_grid_until_the_generator_changes(self, folder, tiny, samples, writer):
        callback = samples()
        callback.write(1), callback.write(2)
        tiny.train(1)  # while they may still wait: they are as the generator was
        callback.write(3)
        writer.flush()
        assert folder.sample(1).read_bytes() == folder.sample(2).read_bytes()
        assert folder.sample(3).read_bytes() != folder.sample(1).read_bytes()

    def test_a_grid_has_as_many_images_as_the_config_says(self, folder, samples, writer):
        samples().write(1)
        writer.flush()
        width, height = Image.open(folder.sample(1)).size
        assert width > height and width >= 3 * 4 and height >= 2 * 4


@pytest.fixture
def saving(folder, tiny, writer):
    def made(total=10, **output):
        config = config_of(output={"checkpoint_every": 3, **output})
        models = tiny.models.sampled, build_generator(config, tiny.models.sampled.output_shape[1:])
        return Checkpoints(folder, config, *models, tiny.objective.variables(), {"compiled": {}}, total, writer)

    return made


class TestCheckpoints:
    def test_are_due_every_few_steps_and_at_the_end(self, saving):
        assert due(saving(), 10) == [3, 6, 9, 10]
        assert due(saving(checkpoint_every=None), 10) == [10]

    def test_the_newest_two_states_and_as_many_generators_as_asked_stay(self, folder, saving, writer):
        checkpoints = saving(keep_checkpoints=3)
        for step in range(1, 11):
            checkpoints.on_chunk(chunk(step))
        writer.flush()
        assert folder.state_steps() == [9, 10]
        assert folder.generator_steps() == [6, 9, 10]

    def test_the_best_step_stays(self, folder, saving, writer):
        lines = [{"step": step, "name": "is1k_classifier", "value": value} for step, value in ((3, 5.0), (6, 2.0))]
        folder.metrics.write_text("".join(json.dumps(line) + "\n" for line in lines))
        checkpoints = saving(keep_checkpoints=1)
        for step in (3, 6, 9, 10):
            checkpoints.on_chunk(chunk(step))
        writer.flush()
        assert folder.state_steps() == [3, 9, 10]
        assert folder.generator_steps() == [3, 10]

    def test_hold_what_the_networks_were_when_they_were_saved(self, folder, tiny, saving, writer):
        gate = threading.Event()
        writer.submit(gate.wait)  # a slow disk
        before = tiny.snapshot(), hash_of_arrays(tiny.weights("generator"))
        saving().save(3)
        tiny.train(2)
        gate.set()
        writer.flush()
        assert hash_of_arrays(tiny.weights("generator")) != before[1]
        arrays, _ = read_state(folder.state(3))
        assert all(np.array_equal(arrays[name], array) for name, array in before[0].items())
        generator = build_generator(tiny.config, tiny.models.sampled.output_shape[1:])
        assert read_weights(folder.generator_weights(3), generator) == before[1]

    def test_a_generator_file_is_what_keras_writes_for_the_trained_generator(self, folder, tiny, saving, writer):
        tiny.train(2)
        saving().save(3)
        writer.flush()
        write_weights(folder.checkpoints / "keras.weights.h5", tiny.models.sampled)
        assert folder.generator_weights(3).read_bytes() == (folder.checkpoints / "keras.weights.h5").read_bytes()

    def test_none_is_in_its_place_before_the_pictures_of_its_step(self, folder, tiny, saving, writer):
        gate = threading.Event()
        writer.submit(gate.wait)
        Samples(folder, tiny.config, sampler_of(tiny), 10, writer).write(3)
        saving().save(3)
        blocked = folder.samples / "000003.png"
        blocked.mkdir()  # the picture cannot be written
        gate.set()
        with pytest.raises(OSError, match="000003"):
            writer.flush()
        assert folder.state_steps() == folder.generator_steps() == []

    def test_weights_that_are_not_finite_leave_no_file_and_the_checkpoint_before_stays(
        self, folder, tiny, saving, writer
    ):
        checkpoints = saving()
        checkpoints.save(3)
        writer.flush()
        before = sorted(path.name for path in folder.checkpoints.iterdir())
        generator = tiny.models.networks["generator"]
        generator.set_weights([np.full_like(array, np.nan) for array in generator.get_weights()])
        with pytest.raises(DivergedError, match="is not finite at step 6"):
            checkpoints.save(6)
        writer.flush()
        assert sorted(path.name for path in folder.checkpoints.iterdir()) == before


class TestStop:
    def test_a_signal_saves_the_step_and_stops(self, folder, saving):
        with pytest.raises(StoppedError) as caught:
            Stop(lambda: "SIGTERM", saving(), 10).on_chunk(chunk(5))
        message = "stopped by SIGTERM after saving step 5; the same command goes on from there"
        assert str(caught.value) == message
        assert folder.state_steps() == folder.generator_steps() == [5]  # in their places when it says so

    def test_without_one_nothing_happens(self, folder, saving, writer):
        Stop(lambda: None, saving(), 10).on_chunk(chunk(5))
        writer.flush()
        assert folder.state_steps() == []

    def test_a_run_that_has_just_ended_is_not_stopped(self, saving):
        Stop(lambda: "SIGINT", saving(), 10).on_chunk(chunk(10))

    def test_a_step_that_could_not_be_saved_is_not_said_to_be(self, folder, saving):
        checkpoints = saving()
        folder.generator_weights(5).mkdir()
        with pytest.raises(OSError, match="generator-000005"):
            Stop(lambda: "SIGTERM", checkpoints, 10).on_chunk(chunk(5))
