"""Event files, read by TensorBoard's own reader."""

import pytest

pytest.importorskip("tensorboard", reason="the extra 'tensorboard' is not installed")

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.plugins.hparams import metadata, plugin_data_pb2

from ganlab.trackers import open_tracker
from ganlab.trackers.content import read_content
from tests.trackers.runs import BEGAN, write_run


def read(folder):
    """TensorBoard's view of the one run below a folder."""
    (file,) = folder.rglob("events.out.tfevents.*")
    return EventAccumulator(str(file.parent), size_guidance={"scalars": 0, "images": 0, "tensors": 0}).Reload()


def scalars(run, tag):
    return [(event.step, event.value) for event in run.Scalars(tag)]


def test_has_scalars_grids_and_times(tmp_path):
    folder = write_run(tmp_path, 8)
    open_tracker("tensorboard", tmp_path).send(read_content(folder))
    run = read(tmp_path / ".tensorboard" / "digits" / folder.name)
    assert set(run.Tags()["scalars"]) == {"history/d_loss", "history/diversity", "metrics/fd1k_random"}
    assert scalars(run, "history/d_loss") == [(step, step) for step in range(1, 9)]
    assert scalars(run, "metrics/fd1k_random") == [(4, 2.5), (8, 1.5)]
    images = run.Images("samples")
    assert [(image.step, image.width, image.height) for image in images] == [(1, 60, 60), (4, 60, 60)]
    assert images[1].encoded_image_string == (folder / "samples" / "000004.png").read_bytes()
    assert run.Scalars("history/d_loss")[2].wall_time == BEGAN + 1.5


def test_has_hyperparameters_and_the_end_of_the_run(tmp_path):
    open_tracker("tensorboard", tmp_path).send(read_content(write_run(tmp_path, 8, state="diverged")))
    about = read(tmp_path).summary_metadata

    def content(tag):
        return plugin_data_pb2.HParamsPluginData.FromString(about[tag].plugin_data.content)

    start = content(metadata.SESSION_START_INFO_TAG).session_start_info
    assert start.hparams["loss"].string_value == "non_saturating" and start.hparams["latent_dim"].number_value == 4
    assert start.group_name == "cd" * 32 and "seed" not in start.hparams, "seeds of one cell are one group"
    end = content(metadata.SESSION_END_INFO_TAG).session_end_info
    assert (end.status, end.end_time_secs) == (2, BEGAN + 100)  # STATUS_FAILURE


def test_a_tracker_adds_what_is_new_while_the_run_trains(tmp_path):
    tracker = open_tracker(f"tensorboard:{tmp_path}/board", tmp_path)
    tracker.send(read_content(write_run(tmp_path / "early", 4, total=8, state="running")))
    tracker.send(read_content(write_run(tmp_path / "late", 8)))
    assert scalars(read(tmp_path / "board"), "history/d_loss") == [(step, step) for step in range(1, 9)]
    assert [image.step for image in read(tmp_path / "board").Images("samples")] == [1, 4]


def test_a_run_that_is_exported_while_it_trains_goes_on_to_its_end(tmp_path):
    """The export of another process writes a new file and removes that of the training."""
    board = f"tensorboard:{tmp_path}/board"
    training = open_tracker(board, tmp_path)
    early = read_content(write_run(tmp_path / "early", 4, total=8, state="running"))
    training.send(early)
    open_tracker(board, tmp_path).send(early)
    training.send(read_content(write_run(tmp_path / "late", 8)))
    assert scalars(read(tmp_path / "board"), "history/d_loss") == [(step, step) for step in range(1, 9)]


def test_a_second_export_makes_no_duplicates(tmp_path):
    content = read_content(write_run(tmp_path, 8))
    for _ in range(2):
        open_tracker("tensorboard", tmp_path).send(content)
    assert scalars(read(tmp_path), "metrics/fd1k_random") == [(4, 2.5), (8, 1.5)]
