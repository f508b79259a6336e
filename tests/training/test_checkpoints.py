import errno
import hashlib
import json
import os
import shutil
from types import SimpleNamespace

import keras
import numpy as np
import pytest

from ganlab.errors import CheckpointError, DivergedError
from ganlab.runs.folder import RunFolder
from ganlab.storage.weights import check_weights
from ganlab.training import checkpoints
from ganlab.training.checkpoints import (
    carry_over,
    mend_generator,
    newest_state,
    paths_of,
    prune,
    read_state,
    restore,
    snapshot,
    state_at,
    write_generator,
    write_state,
)

ARRAYS = {
    "networks/generator/0000/kernel": np.arange(6, dtype=np.float32).reshape(2, 3),
    "networks/generator/0001/seed_generator_state": np.array([7, 9], np.uint32),
    "optimizers/generator/0000/iteration": np.array(12, np.int64),
}


@pytest.fixture
def folder(tmp_path):
    return RunFolder(tmp_path / "run")


def write(folder, *steps):
    """States of these steps, and the history that belongs to them."""
    folder.path.mkdir(parents=True, exist_ok=True)
    folder.history.write_text("step,seconds\n" + "".join(f"{n},0.1\n" for n in range(1, max(steps, default=0) + 1)))
    for step in steps:
        write_state(folder, step, ARRAYS | {"step": np.array(step)}, {"compiled": {"jit": False}})


def variables() -> dict[str, list]:
    return {
        "networks/g": [
            keras.Variable(np.ones((2, 3), "float32"), name="kernel"),
            keras.Variable(5, trainable=False, name="count"),
        ]
    }


def flip_a_byte(path, at):
    content = bytearray(path.read_bytes())
    content[at] ^= 1
    path.write_bytes(content)


class TestStates:
    def test_a_state_comes_back_bit_for_bit_with_its_facts(self, folder):
        write(folder, 10)
        arrays, manifest = read_state(folder.state(10))
        assert arrays.keys() == ARRAYS.keys() | {"step"}
        for name, array in ARRAYS.items():
            np.testing.assert_array_equal(arrays[name], array)
            assert arrays[name].dtype == array.dtype
        assert manifest["step"] == 10 and manifest["compiled"] == {"jit": False}

    def test_writing_leaves_nothing_else_and_replaces_a_state_of_the_same_step(self, folder):
        write(folder, 10, 10)
        assert [path.name for path in folder.checkpoints.iterdir()] == ["state-000010"]
        assert sorted(path.name for path in folder.state(10).iterdir()) == ["MANIFEST.json", "variables.npz"]

    @pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
    def test_values_that_are_not_finite_are_refused_and_the_state_before_stays(self, folder, value):
        write(folder, 10)
        bad = ARRAYS | {"networks/generator/0000/kernel": np.array([1.0, value], np.float32)}
        with pytest.raises(DivergedError) as caught:
            write_state(folder, 20, bad, {})
        assert str(caught.value) == f"{folder.path}: networks/generator/0000/kernel is not finite at step 20"
        assert [path.name for path in folder.checkpoints.iterdir()] == ["state-000010"]
        assert newest_state(folder)[0] == 10


def truncate(path):
    path.write_bytes(path.read_bytes()[:-20])


DAMAGE = {
    "a flipped byte in the arrays": lambda state: flip_a_byte(state / "variables.npz", 300),
    "a flipped byte at the end": lambda state: flip_a_byte(state / "variables.npz", -1),
    "truncated arrays": lambda state: truncate(state / "variables.npz"),
    "empty arrays": lambda state: (state / "variables.npz").write_bytes(b""),
    "no arrays": lambda state: (state / "variables.npz").unlink(),
    "no manifest": lambda state: (state / "MANIFEST.json").unlink(),
    "a torn manifest": lambda state: truncate(state / "MANIFEST.json"),
    "a manifest of something else": lambda state: (state / "MANIFEST.json").write_text("[1, 2]"),
    "a manifest of another format": lambda state: (state / "MANIFEST.json").write_text('{"format": 99}'),
    "a manifest without checksums": lambda state: (state / "MANIFEST.json").write_text('{"format": 1}'),
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
class TestDamage:
    def test_is_a_checkpoint_error_that_names_the_folder(self, folder, damage):
        write(folder, 10)
        damage(folder.state(10))
        with pytest.raises(CheckpointError) as caught:
            read_state(folder.state(10))
        assert str(caught.value).startswith(f"{folder.state(10)}: damaged: ")
        assert "\n" not in str(caught.value)

    def test_of_the_newest_state_sets_it_aside_and_the_one_before_is_used(self, folder, damage):
        write(folder, 10, 20)
        damage(folder.state(20))
        step, arrays, _ = newest_state(folder)
        assert step == 10 and arrays["step"] == 10
        assert folder.state_steps() == [10]
        assert (folder.checkpoints / "damaged-state-000020").is_dir()

    def test_of_all_states_is_an_error_now_and_at_the_next_start(self, folder, damage):
        write(folder, 10, 20)
        for step in (10, 20):
            damage(folder.state(step))
        for _ in range(2):  # never from zero in silence
            with pytest.raises(CheckpointError) as caught:
                newest_state(folder)
            assert str(caught.value) == f"{folder.path}: no valid checkpoint is left; --fresh starts again beside it"
        assert len(folder.status()["set_aside"]) == 2


def test_a_manifest_that_fits_arrays_of_another_kind_is_damage(folder):
    write(folder, 10)
    arrays = folder.state(10) / "variables.npz"
    np.savez(arrays, thing=np.array([{"a": 1}], dtype=object))  # a pickle must not be loaded
    write(folder, 20)
    shutil.copy(arrays, folder.state(20) / "variables.npz")
    manifest = json.loads((folder.state(20) / "MANIFEST.json").read_text())
    manifest["sha256"]["variables.npz"] = hashlib.sha256(arrays.read_bytes()).hexdigest()
    (folder.state(20) / "MANIFEST.json").write_text(json.dumps(manifest))
    with pytest.raises(CheckpointError, match="damaged: Object arrays cannot be loaded"):
        read_state(folder.state(20))


def test_a_run_without_any_state_starts_at_zero(folder):
    assert newest_state(folder) is None


def test_a_run_whose_states_were_all_removed_does_not(folder):
    write(folder, 10)
    folder.set_status("running", checkpoint=10)
    shutil.rmtree(folder.checkpoints)
    with pytest.raises(CheckpointError, match="no valid checkpoint is left"):
        newest_state(folder)


def test_a_damaged_state_is_named_on_standard_error_and_in_the_status(folder, capsys):
    write(folder, 10, 20)
    flip_a_byte(folder.state(20) / "variables.npz", 300)
    newest_state(folder)
    line = f"{folder.state(20)}: damaged: its files are not those of its manifest; set aside as damaged-state-000020"
    assert capsys.readouterr().err == f"{line}\n" and folder.status()["set_aside"] == [line]


@pytest.mark.parametrize(
    "rows", ["", "step,seconds\n", "step,seconds\n1,0.1\n3,0.1\n", "step,seconds\n" + "1,0.1\n" * 30]
)
def test_a_state_that_the_history_does_not_reach_is_not_gone_on_from(folder, rows):
    write(folder, 10)
    folder.history.write_text(rows)
    with pytest.raises(CheckpointError, match="no valid checkpoint is left"):
        newest_state(folder)
    assert folder.status()["set_aside"][0].startswith(f"{folder.state(10)}: history.csv ends at step ")


@pytest.mark.parametrize(("last", "expected"), [(19, 10), (20, 20), (21, 20)])
def test_a_state_one_step_beyond_the_history_is_not_gone_on_from_and_one_of_its_last_step_is(folder, last, expected):
    write(folder, 10, 20)
    folder.history.write_text("step,seconds\n" + "".join(f"{n},0.1\n" for n in range(1, last + 1)))
    assert newest_state(folder)[0] == expected
    assert folder.state(20).exists() is (expected == 20)


@pytest.mark.parametrize(("last", "expected"), [(9, None), (10, 10), (19, 10), (20, 20), (25, 20)])
def test_the_newest_state_up_to_a_step(folder, last, expected):
    write(folder, 10, 20)
    newest = newest_state(folder, last)
    assert newest is None if expected is None else newest[0] == expected
    assert folder.state_steps() == [10, 20]


class TestWriting:
    def test_what_a_state_relies_on_is_on_the_disk_before_it_has_its_name(self, folder, monkeypatch):
        calls, move = [], checkpoints.move

        def named(old, new):
            calls.append(new.name)
            move(old, new)

        monkeypatch.setattr(checkpoints, "flush", lambda path: calls.append(path.name))
        monkeypatch.setattr(checkpoints, "move", named)
        folder.path.mkdir()
        folder.metrics.touch()
        write(folder, 10)
        temporary = f".{os.getpid()}-state-000010"
        assert calls == ["history.csv", "metrics.jsonl", "variables.npz", temporary, "state-000010"]

    def test_what_an_earlier_try_of_the_process_left_does_not_get_into_a_state(self, folder):
        left = folder.checkpoints / f".{os.getpid()}-state-000010"
        left.mkdir(parents=True)
        (left / "half.npz").touch()
        write(folder, 10)
        assert sorted(path.name for path in folder.state(10).iterdir()) == ["MANIFEST.json", "variables.npz"]

    def test_a_state_that_cannot_be_written_leaves_nothing(self, folder, monkeypatch):
        def fail(path, **arrays):
            raise OSError(errno.ENOSPC, "No space left on device")

        monkeypatch.setattr(np, "savez", fail)
        with pytest.raises(OSError, match="No space left on device"):
            write(folder, 10)
        assert list(folder.checkpoints.iterdir()) == []


class TestReadingBack:
    @pytest.fixture
    def rotten(self, monkeypatch):
        """A disk that changes a byte of what was flushed."""
        monkeypatch.setattr(checkpoints, "forget_cached", lambda path: flip_a_byte(path, path.stat().st_size // 2))

    def test_a_state_that_comes_back_otherwise_is_an_error(self, folder, rotten):
        with pytest.raises(CheckpointError, match="damaged: its files are not those of its manifest"):
            write(folder, 10)

    def test_a_generator_that_comes_back_otherwise_is_an_error(self, folder, rotten):
        model = keras.Sequential([keras.Input((64,)), keras.layers.Dense(64)])
        with pytest.raises(CheckpointError, match="damaged: the weights do not match their checksum"):
            write_generator(folder, 10, model)

    def test_a_whole_state_of_the_step_stays_and_a_damaged_one_is_written_again(self, folder):
        write(folder, 10)
        inode = folder.state(10).stat().st_ino
        write(folder, 10)
        assert folder.state(10).stat().st_ino == inode
        flip_a_byte(folder.state(10) / "variables.npz", 300)
        write(folder, 10)
        assert read_state(folder.state(10))[0]["step"] == 10


class TestTheGeneratorOfAResumedStep:
    @pytest.fixture
    def model(self):
        return keras.Sequential([keras.Input((2,)), keras.layers.Dense(3)])

    def test_stays_if_it_is_whole(self, folder, model):
        write_generator(folder, 10, model)
        before = folder.generator_weights(10).stat().st_ino
        mend_generator(folder, 10, model)
        assert folder.generator_weights(10).stat().st_ino == before

    @pytest.mark.parametrize("is_there", [True, False])
    def test_is_written_again_if_it_is_damaged_or_missing(self, folder, model, is_there):
        folder.checkpoints.mkdir(parents=True)
        if is_there:
            folder.generator_weights(10).write_bytes(b"half")
        mend_generator(folder, 10, model)
        assert check_weights(folder.generator_weights(10))
        aside = folder.checkpoints / "damaged-generator-000010.weights.h5"
        assert aside.exists() == is_there and bool(folder.status().get("set_aside")) == is_there


def test_a_half_written_state_is_none(folder):
    write(folder, 10)
    shutil.copytree(folder.state(10), folder.checkpoints / ".4711-state-000020")
    assert newest_state(folder)[0] == 10


class TestStateOfAStep:
    def test_the_newest_or_the_one_asked_for(self, folder):
        write(folder, 10, 20, 30)
        assert state_at(folder, None)[0]["step"] == 30
        arrays, digest = state_at(folder, 10)
        assert arrays["step"] == 10 and len(digest) == 64

    @pytest.mark.parametrize(
        ("written", "asked", "message"),
        [
            ([10, 20], 15, "no training state of step 15; there are: 10, 20"),
            ([], None, "no training state of step any; there are: none"),
        ],
    )
    def test_one_that_is_not_there_names_those_that_are(self, folder, written, asked, message):
        write(folder, *written)
        with pytest.raises(CheckpointError) as caught:
            state_at(folder, asked)
        assert str(caught.value) == f"{folder.path}: {message}"


class TestSnapshotAndRestore:
    def test_a_snapshot_is_a_copy_under_names_of_its_own(self):
        owned = variables()
        taken = snapshot(owned)
        owned["networks/g"][0].assign(np.zeros((2, 3)))
        assert list(taken) == ["networks/g/0000/kernel", "networks/g/0001/count"]
        assert taken["networks/g/0000/kernel"].sum() == 6
        restore(owned, taken, "here")
        assert np.array(owned["networks/g"][0]).sum() == 6

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            ({"networks/g/0001/count": None}, "here: has no value for networks/g/0001/count"),
            (
                {"networks/g/0001/count": np.zeros((2, 2))},
                "here: networks/g/0001/count has shape (2, 2), expected ()",
            ),
            (
                {"networks/g/0001/count": np.array(1.5, np.float64)},
                "here: networks/g/0001/count has type float64, expected int64",
            ),
        ],
    )
    def test_what_does_not_fit_is_an_error_and_assigns_nothing(self, change, message):
        owned = variables()
        arrays = {name: array + 1 for name, array in snapshot(owned).items()} | change
        arrays = {name: array for name, array in arrays.items() if array is not None}
        with pytest.raises(CheckpointError) as caught:
            restore(owned, arrays, "here")
        assert str(caught.value) == message
        assert np.array(owned["networks/g"][0]).sum() == 6

    def test_the_same_layer_under_another_name_is_an_error(self):
        renamed = {
            "networks/g": [
                keras.Variable(np.ones((2, 3)), name="weights"),
                keras.Variable(5, trainable=False, name="count"),
            ]
        }
        with pytest.raises(CheckpointError, match="has no value for networks/g/0000/weights"):
            restore(renamed, snapshot(variables()), "here")


@pytest.mark.parametrize(
    "paths",
    [
        None,
        [],
        {"networks/a/0000/kernel": 3},
        {"networks/a/0000/kernel": 3, "networks/g/0000/kernel": "g/kernel"},
        {"of another snapshot": "a/kernel"},
    ],
)
def test_paths_that_are_not_those_of_the_snapshot_are_an_error(paths):
    with pytest.raises(ValueError, match=r"^paths: expected the path of each variable$"):
        carry_over(variables(), snapshot(variables()) | {"networks/a/0000/kernel": np.zeros(1)}, paths)


class TestPruning:
    STEPS = (10, 20, 30, 40, 50)

    @pytest.fixture
    def full(self, folder):
        folder.checkpoints.mkdir(parents=True)
        for step in self.STEPS:
            folder.state(step).mkdir()
            folder.generator_weights(step).touch()
        return folder

    @pytest.mark.parametrize(("best", "states"), [(None, [40, 50]), (20, [20, 40, 50]), (50, [40, 50])])
    def test_the_newest_two_states_and_the_best_stay(self, full, best, states):
        prune(full, best, "all")
        assert full.state_steps() == states
        assert full.generator_steps() == list(self.STEPS)

    @pytest.mark.parametrize(
        ("keep", "best", "left"), [(2, None, [40, 50]), (1, 20, [20, 50]), (3, 40, [30, 40, 50]), (9, 10, None)]
    )
    def test_the_newest_generators_and_the_best_stay(self, full, keep, best, left):
        prune(full, best, keep)
        assert full.generator_steps() == (left or list(self.STEPS))


def test_the_generators_weights_are_written_whole_or_not_at_all(folder):
    folder.checkpoints.mkdir(parents=True)

    def fail(path):
        path.write_bytes(b"half")
        raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(OSError, match="No space left on device"):
        write_generator(folder, 10, SimpleNamespace(save_weights=fail))
    assert list(folder.checkpoints.iterdir()) == []


def owned(kernel: float, width: int = 3) -> dict[str, list]:
    """A network that grows in width, its average and its optimizer, all of one value."""

    def named(name: str, shape: tuple[int, ...]) -> keras.Variable:
        return keras.Variable(np.full(shape, kernel, np.float32), name=name)

    return {
        owner: [named("kernel", (2, width)), named("bias", (2,))]
        for owner in ("networks/g", "averages/g", "optimizers/g")
    }


def test_a_larger_network_takes_over_what_has_its_path_and_shape_from_the_same_owner_and_optimizers_start_anew():
    small = owned(1.0)
    small["averages/g"][1].assign([2.0, 3.0])
    large = owned(9.0, width=4)
    carry_over(large, snapshot(small), paths_of(small))
    found = {owner: [np.array(variable).ravel().tolist() for variable in pair] for owner, pair in large.items()}
    new = [9.0] * 8
    assert found == {"networks/g": [new, [1.0] * 2], "averages/g": [new, [2.0, 3.0]], "optimizers/g": [new, [9.0] * 2]}
