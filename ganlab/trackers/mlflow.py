"""Sends runs to MLflow: a data set is an experiment, a run folder is a run."""

import contextlib
import logging
import os
import re
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ganlab.errors import ConfigError
from ganlab.storage.cache import one_at_a_time
from ganlab.trackers.content import Content, Point

# MLflow reads these when it is imported. By its own settings it waits several minutes for a server that does not answer.
for _name, _value in {
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "10",  # seconds
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
}.items():
    os.environ.setdefault(_name, _value)

import mlflow  # noqa: E402
from mlflow.entities import Metric, Param, RunTag  # noqa: E402

_KEY = "ganlab.key"  # the tag that tells whether a run is there already
_MOST = 1000, 100  # metrics and params of one request
_STATES = {"created": "SCHEDULED", "running": "RUNNING", "finished": "FINISHED", "stopped": "KILLED"}


class MlflowTracker:
    """Sends each value, grid and parameter once: it asks the store for what is there.

    Args:
        address: of a server, as http://localhost:5000, or of a database, as sqlite:///runs.db; by default the database
            `mlflow.db` in the folder of all runs, with the files in `.mlflow` beside it.
        results: the folder of all runs.
    """

    def __init__(self, address: str | None, results: Path):
        results = results.resolve()
        self.address = address or f"sqlite:///{results / 'mlflow.db'}"
        self.files = None if address else (results / ".mlflow").as_uri()
        is_server = self.address.startswith("http")
        self.viewer = self.address if is_server else f"mlflow ui --backend-store-uri {shlex.quote(self.address)}"
        self._known: dict[str, _Known] = {}
        for name in ("mlflow", "alembic"):  # these tell how they make the tables of a database
            logging.getLogger(name).setLevel(logging.ERROR)

    def send(self, content: Content) -> None:
        """Sends what the store does not have yet.

        Raises: ConfigError, one line with the address: nobody answers there, or the answer is an error.
        """
        try:
            # One process at a time makes and changes a database in a file.
            is_file = self.address.startswith("sqlite:///")
            path = Path(self.address.removeprefix("sqlite:///")).absolute()
            with one_at_a_time(path) if is_file else contextlib.nullcontext():
                self._send(content)
        except Exception as error:  # MLflow raises errors of requests, SQLAlchemy and its own
            said = re.sub(r".*Caused by \w+\((.*)\)\)$", r"\1", " ".join(str(error).split()))
            raise ConfigError(f"mlflow at {self.address}: {said[:300]}") from error

    def _send(self, content: Content) -> None:
        self.client = mlflow.MlflowClient(self.address)
        if content.key not in self._known:
            self._known[content.key] = self._found(content)
        known = self._known[content.key]
        points = {_name(name): values for name, values in (content.history | content.metrics).items()}
        self._send_points(known, points)
        params = {_name(name): str(value) for name, value in content.params.items()}
        new = [Param(name, value) for name, value in params.items() if name not in known.params]
        tags = [RunTag(f"ganlab.{name}", value) for name, value in content.tags.items()]
        for part in _parts(new, _MOST[1]) or [[]]:
            self.client.log_batch(known.run, params=part, tags=tags)
        known.params |= params.keys()
        for step in content.grids.keys() - known.grids:
            self.client.log_artifact(known.run, str(content.grids[step]), "samples")
            known.grids.add(step)
        for path, folder in content.files:
            self.client.log_artifact(known.run, str(path), folder or None)
        state = _STATES.get(content.state, "FAILED")
        if content.ended is None:
            self.client.update_run(known.run, state)
        else:
            self.client.set_terminated(known.run, state, round(content.ended * 1000))

    def _send_points(self, known: "_Known", points: Mapping[str, Sequence[Point]]) -> None:
        for name in points.keys() - known.steps.keys():
            known.steps[name] = {each.step for each in self.client.get_metric_history(known.run, name)}
        new = [
            Metric(name, point.value, round(point.time * 1000), point.step)
            for name, values in points.items()
            for point in values
            if point.step not in known.steps[name]
        ]
        for part in _parts(new, _MOST[0]):
            self.client.log_batch(known.run, metrics=part)
            for metric in part:
                known.steps[metric.key].add(metric.step)

    def _found(self, content: Content) -> "_Known":
        """The run of a run folder, which is created if there is none, and what the store has of it."""
        experiment = self._experiment(f"ganlab/{content.dataset}")
        runs = self.client.search_runs([experiment], f"tags.`{_KEY}` = '{content.key}'", max_results=1)
        if not runs:
            tags, began = {_KEY: content.key}, round(content.began * 1000)
            return _Known(self.client.create_run(experiment, began, tags, content.name).info.run_id)
        (run,) = runs
        known = _Known(run.info.run_id)
        known.params |= run.data.params.keys()
        paths = [Path(file.path) for file in self.client.list_artifacts(known.run, "samples")]
        known.grids |= {int(path.stem) for path in paths if path.stem.isdecimal()}
        return known

    def _experiment(self, name: str) -> str:
        if found := self.client.get_experiment_by_name(name):
            return found.experiment_id
        return self.client.create_experiment(name, self.files and f"{self.files}/{name.rpartition('/')[2]}")


class _Known:
    """What the store has of a run: its id, the names of parameters, the steps of grids and of each value."""

    def __init__(self, run: str):
        self.run = run
        self.params: set[str] = set()
        self.grids: set[int] = set()
        self.steps: dict[str, set[int]] = {}


def _name(name: str) -> str:
    """A name of the characters that MLflow allows."""
    return re.sub(r"[^\w\-. :/]", "_", name, flags=re.ASCII)


def _parts(items: Sequence[Any], most: int) -> list[Sequence[Any]]:
    return [items[start : start + most] for start in range(0, len(items), most)]
