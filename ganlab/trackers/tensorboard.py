"""Writes runs for TensorBoard: scalars, grids of samples, hyperparameters. TensorFlow is not needed."""

import os
import shlex
import time
from pathlib import Path
from typing import BinaryIO

from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.plugins.hparams import metadata
from tensorboard.plugins.hparams.api_pb2 import Status
from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData, SessionEndInfo, SessionStartInfo
from tensorboard.summary.writer.record_writer import RecordWriter

from ganlab.paths import user_path
from ganlab.pictures.images import read_png
from ganlab.trackers.content import Content

_STATES = {"finished": Status.STATUS_SUCCESS, "stopped": Status.STATUS_UNKNOWN}


class TensorboardTracker:
    """Writes one file of events for each run folder. The first `send` of a run, and the first after its end, replaces the file.

    Args:
        address: the folder that `tensorboard --logdir` opens; by default `.tensorboard` in the folder of all runs.
        results: the folder of all runs.
    """

    def __init__(self, address: str | None, results: Path):
        self.folder = user_path(address) if address else results / ".tensorboard"
        self.viewer = f"tensorboard --logdir {shlex.quote(str(self.folder))}"
        self._files: dict[str, _EventFile] = {}

    def send(self, content: Content) -> None:
        """Appends what the file of events does not have yet. Raises: OSError; GanlabError for a damaged grid."""
        known = self._files.get(content.key)
        if known is None or not os.path.exists(known.file.name):  # another process has exported the run
            self._files[content.key] = _EventFile(self.folder / content.dataset / content.name, content)
        self._files[content.key].append(content)
        if content.ended is not None:  # an export of many runs must not keep their files open
            self._files.pop(content.key).writer.close()


class _EventFile:
    """The events of one run; each is written once."""

    def __init__(self, folder: Path, content: Content):
        folder.mkdir(parents=True, exist_ok=True)
        for earlier in folder.glob("events.out.tfevents.*"):
            earlier.unlink()
        # Each event is flushed. The file stays open as long as its run trains.
        self.file: BinaryIO = (folder / f"events.out.tfevents.{time.time_ns()}").open("wb", buffering=0)
        self.writer, self.written = RecordWriter(self.file), set[tuple[str, int]]()
        self._write(Event(wall_time=content.began, file_version="brain.Event:2"))

    def append(self, content: Content) -> None:
        start = SessionStartInfo(group_name=content.tags.get("cell", content.key), start_time_secs=content.began)
        for name, value in content.params.items():
            if name == "seed":  # the runs of a group differ in it
                continue
            if isinstance(value, int | float) and not isinstance(value, bool):
                start.hparams[name].number_value = value
            else:
                start.hparams[name].string_value = str(value)
        started = HParamsPluginData(session_start_info=start)
        self._add(_about(metadata.SESSION_START_INFO_TAG, started), 0, content.began)
        for prefix, columns in (("history", content.history), ("metrics", content.metrics)):
            for name, points in columns.items():
                for point in points:
                    self._add(Summary.Value(tag=f"{prefix}/{name}", simple_value=point.value), point.step, point.time)
        times = {point.step: point.time for points in content.history.values() for point in points}
        for step, path in content.grids.items():
            if ("samples", step) in self.written:
                continue
            width, height = read_png(path, lambda picture: picture.size)
            image = Summary.Image(width=width, height=height, encoded_image_string=path.read_bytes())
            self._add(Summary.Value(tag="samples", image=image), step, times.get(step, content.began))
        if content.ended is not None:
            end = SessionEndInfo(status=_STATES.get(content.state, Status.STATUS_FAILURE), end_time_secs=content.ended)
            ended = HParamsPluginData(session_end_info=end)
            self._add(_about(metadata.SESSION_END_INFO_TAG, ended), 0, content.ended)

    def _add(self, value: Summary.Value, step: int, at: float) -> None:
        if (value.tag, step) not in self.written:
            self._write(Event(wall_time=at, step=step, summary=Summary(value=[value])))
            self.written.add((value.tag, step))

    def _write(self, event: Event) -> None:
        self.writer.write(event.SerializeToString())


def _about(tag: str, content: HParamsPluginData) -> Summary.Value:
    """A value of the plugin for hyperparameters, whose content stands in its metadata."""
    return Summary.Value(tag=tag, metadata=metadata.create_summary_metadata(content), tensor=metadata.NULL_TENSOR)
