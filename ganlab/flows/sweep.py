"""A sweep, from the paths of configs to runs that are finished. A search has several turns; any other sweep has one."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ganlab.config.document import shown
from ganlab.errors import ConfigError, raise_first
from ganlab.sweeps.board import Board
from ganlab.sweeps.configs import configs_of
from ganlab.sweeps.executor import Executor
from ganlab.sweeps.jobs import Job, count_runs, is_due, state_of
from ganlab.sweeps.search import search_at
from ganlab.sweeps.survey import survey


@dataclass(frozen=True)
class Turn:
    """The jobs of one turn with their states before it, and those that it trains."""

    states: dict[Job, str]
    due: list[Job]


class Sweep:
    """Gives its turns one after another; each is trained by `train` before the next is asked for.

    Args:
        paths: studies, configs, or folders of them.
        overrides: `KEY=VALUE` each, for every config.
        seeds: every config is trained once with each.
        results: the folder of all runs.
        rerun: `failed` or `all` trains these runs again.
        say: is told what is checked, and which configs describe one run.

    Raises:
        ConfigError: a mistake in a config or study; `others` has the further ones.
    """

    def __init__(
        self,
        paths: Sequence[Path],
        overrides: Sequence[str] = (),
        seeds: Sequence[int] | None = None,
        results: Path = Path("results"),
        rerun: str | None = None,
        say: Callable[[str], object] = lambda line: None,
    ):
        if rerun not in (None, "failed", "all"):
            raise ConfigError(f"rerun: expected failed or all, received {shown(rerun)}")
        self.results, self.rerun, self.say = results, rerun, say
        self.title, self.boards = ", ".join(map(str, paths)), list[Board]()
        self.search = search_at(paths, overrides, seeds)
        found = [] if self.search else [configs_of(path, overrides, seeds) for path in paths]
        raise_first(problem for _, problems in found for problem in problems)
        self.configs = [config for configs, _ in found for config in configs]

    def turns(self, may_download: bool = True) -> Iterator[Turn]:
        """Plans and validates each turn before it is trained.

        Raises:
            ConfigError, MissingDataError: as for the class; no run of the turn was started.
        """
        configs = self.search.ask() if self.search else self.configs
        while configs:
            self.say(f"{self.search or self.title}: checking {count_runs(len(configs))}")
            jobs, problems = survey(configs, self.results, self.rerun == "all", may_download)
            raise_first(problems)
            for job in jobs:
                for label in job.also_named:
                    self.say(f"{label}: the same run as {job.label}; trained once")
            if self.search:
                self.search.plan(jobs)
            states = {job: self._state(job) for job in jobs}
            yield Turn(states, [job for job, state in states.items() if is_due(state, self.rerun)])
            if not self.search:
                return
            self.search.tell()
            configs = self.search.ask()

    def train(self, turn: Turn, executor: Executor, board: Board) -> None:
        """Trains the jobs of a turn that are due, and tells the board.

        Raises: StoppedError, KeyboardInterrupt: as `Executor.execute`.
        """
        self.boards.append(board)
        board.leave({job: state for job, state in turn.states.items() if job not in turn.due})
        if self.search:
            executor.pruned = self.search.pruned
        executor.execute(turn.due, board)

    def _state(self, job: Job) -> str:
        state = state_of(job, self.results)
        left = state in ("new", "resumable")
        return "pruned" if left and self.search and self.search.pruned(job) else state

    @property
    def jobs(self) -> list[Job]:
        """The jobs of all turns so far, in order."""
        return [job for board in self.boards for job in board.entries]

    def require_finished(self) -> None:
        """Raises: SweepFailedError, which names the runs of a turn that are not finished."""
        for board in self.boards:
            board.require_finished()

    def outcome(self) -> str:
        """A line about all runs, or about the best trial of a search."""
        return self.search.result() if self.search else self.boards[0].counts()

    def as_dict(self) -> dict[str, Any]:
        """All runs with their states, and the trials of a search, for JSON."""
        runs = [run for board in self.boards for run in board.as_dicts()]
        return {"format": 1, "runs": runs} | ({"trials": self.search.as_dicts()} if self.search else {})
