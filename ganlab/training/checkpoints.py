"""Training states on disk: all variables that training changes. Reading checks names, shapes and sha256.

A state is written to a temporary folder, the manifest last. Then the folder is flushed, renamed and read back, so a folder named
state-NNNNNN is complete. A state includes optimizers and seeds, which Keras' own weight files leave out.
"""

import contextlib
import os
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ganlab.errors import CheckpointError, DivergedError, GanlabError
from ganlab.runs.folder import RunFolder, remove, remove_at_once
from ganlab.storage.arrays import DAMAGE, read_stored_npz
from ganlab.storage.unpacking import sha256_of
from ganlab.storage.weights import check_weights, write_weights
from ganlab.storage.writing import flush, forget_cached, move, naming, read_json, replacing, write_json

FORMAT = 1
_ARRAYS = "variables.npz"
_SEED = "seed_generator_state"  # the name of the variable of each Keras seed generator


def snapshot(variables: Mapping[str, list]) -> dict[str, np.ndarray]:
    """Copies variables to the host: "owner/index/name" -> array."""
    taken = {}
    for name, variable in _named(variables):
        array = np.array(variable)
        taken[name] = array.astype(_kept_type(array.dtype), copy=False)
    return taken


def _named(variables: Mapping[str, list]) -> Iterator[tuple[str, Any]]:
    for owner, owned in variables.items():
        for index, variable in enumerate(owned):
            yield f"{owner}/{index:04d}/{variable.name}", variable


def _kept_type(dtype: Any) -> np.dtype:
    """The type in a state. Backends count in integers of different sizes, and all of them read one state."""
    dtype = np.dtype(dtype)
    return np.dtype(np.int64) if dtype.kind in "iu" else dtype


def restore(variables: Mapping[str, list], arrays: Mapping[str, np.ndarray], source: str) -> None:
    """Puts a snapshot back.

    Raises: CheckpointError if a name, a shape or a type differs. Then no variable is assigned.
    """
    pairs = []
    for name, variable in _named(variables):
        if name not in arrays:
            raise CheckpointError(f"{source}: has no value for {name}")
        array = arrays[name]
        if array.shape != tuple(variable.shape):
            raise CheckpointError(f"{source}: {name} has shape {array.shape}, expected {tuple(variable.shape)}")
        if array.dtype != (expected := _kept_type(variable.dtype)):
            raise CheckpointError(f"{source}: {name} has type {array.dtype}, expected {expected}")
        pairs.append((variable, array))
    for variable, array in pairs:
        variable.assign(array)


def paths_of(variables: Mapping[str, list]) -> dict[str, str]:
    """name in a snapshot -> path that Keras gave to the variable."""
    return {name: variable.path for name, variable in _named(variables)}


def carry_over(variables: Mapping[str, list], arrays: Mapping[str, np.ndarray], paths: Any) -> None:
    """Restores the variables that smaller networks of a snapshot share with these: the path and the shape are equal.

    Optimizers and seeds of random layers start anew. Keras numbers the paths of seeds over the whole process, so a resumed run
    would find other ones than a run that was not stopped.

    Raises: ValueError if `paths` is not a mapping from `paths_of` of this snapshot.
    """
    texts = paths.values() if isinstance(paths, dict) else [None]
    if not all(isinstance(path, str) for path in texts) or not paths.keys() <= arrays.keys():
        raise ValueError("paths: expected the path of each variable")
    known = {(name.rsplit("/", 2)[0], path): arrays[name] for name, path in paths.items()}
    for owner, owned in variables.items():
        for variable in owned if not owner.startswith("optimizers/") else ():
            array = known.get((owner, variable.path))
            if array is not None and variable.name != _SEED and array.shape == tuple(variable.shape):
                variable.assign(array)


def require_finite(folder: RunFolder, step: int, arrays: Mapping[str, np.ndarray]) -> None:
    """Raises DivergedError if a value is NaN or infinite, before the step writes a file beside the good ones."""
    for name, array in arrays.items():
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            raise DivergedError(f"{folder.path}: {name} is not finite at step {step}")


def write_state(folder: RunFolder, step: int, arrays: Mapping[str, np.ndarray], facts: Mapping[str, Any]) -> None:
    """Writes one state and reads it back. `facts` go into its manifest.

    A whole state of the same step stays: the same steps end in the same numbers.

    Raises:
        DivergedError: if a value is not finite.
        CheckpointError: if the disk gives back other bytes.
    """
    require_finite(folder, step, arrays)
    final = folder.state(step)
    if final.exists():
        try:
            with _damage_of(final):
                _checked_manifest(final)
            return
        except CheckpointError:
            folder.set_aside(final)
    with naming(final):
        for covered in (folder.history, folder.metrics):  # readers of a state rely on them up to its step
            if covered.exists():
                flush(covered)
        _write_whole(final, arrays, {"format": FORMAT, "step": step, **facts})
    with _damage_of(final):
        _checked_manifest(final)


def _write_whole(final: Path, arrays: Mapping[str, np.ndarray], facts: Mapping[str, Any]) -> None:
    temporary = final.with_name(f".{os.getpid()}-{final.name}")
    remove(temporary)
    temporary.mkdir(parents=True)
    try:
        np.savez(temporary / _ARRAYS, **arrays)
        flush(temporary / _ARRAYS)
        write_json(temporary / "MANIFEST.json", {**facts, "sha256": {_ARRAYS: sha256_of(temporary / _ARRAYS)}})
        flush(temporary)
        move(temporary, final)
    finally:
        remove(temporary)
    forget_cached(final / _ARRAYS)


def read_state(path: Path) -> tuple[dict[str, np.ndarray], dict]:
    """Reads and checks a state folder: (arrays, manifest).

    Raises: CheckpointError for damage.
    """
    with _damage_of(path):
        manifest = _checked_manifest(path)
        return read_stored_npz(path / _ARRAYS), manifest


def _checked_manifest(path: Path) -> dict:
    manifest = read_json(path / "MANIFEST.json")
    if manifest["format"] != FORMAT or manifest["sha256"][_ARRAYS] != sha256_of(path / _ARRAYS):
        raise CheckpointError(f"{path}: damaged: its files are not those of its manifest")
    return manifest


@contextlib.contextmanager
def _damage_of(path: Path) -> Iterator[None]:
    try:
        yield
    except CheckpointError:
        raise
    except (*DAMAGE, TypeError, GanlabError) as error:
        raise CheckpointError(f"{path}: damaged: {error}") from error


def newest_state(folder: RunFolder, last: int | None = None) -> tuple[int, dict[str, np.ndarray], dict] | None:
    """The newest whole state, of step `last` at most, as (step, arrays, manifest); None if the run has never had a state.

    Damaged states are set aside, with one line on standard error and in status.json, and so are states after the end of
    history.csv.

    Raises: CheckpointError if no state of several is whole: a run never starts from zero in silence.
    """
    steps, rows = folder.state_steps(), folder.history_steps()
    for step in reversed([step for step in steps if last is None or step <= last]):
        try:
            arrays, manifest = read_state(folder.state(step))
            if step > rows:
                raise CheckpointError(f"{folder.state(step)}: {folder.history.name} ends at step {rows}, before it")
            return step, arrays, manifest
        except CheckpointError as error:
            _set_aside(folder, folder.state(step), error)
    if last is None and (steps or folder.aside() or folder.status().get("checkpoint")):
        raise CheckpointError(f"{folder.path}: no valid checkpoint is left; --fresh starts again beside it")
    return None


def _set_aside(folder: RunFolder, path: Path, error: CheckpointError) -> None:
    aside = folder.set_aside(path)
    line = f"{error}; set aside as {aside.name}"
    folder.set_status("running", set_aside=[*folder.status().get("set_aside", []), line])
    print(line, file=sys.stderr)


def write_generator(folder: RunFolder, step: int, generator: Any) -> None:
    """Writes the generator's weights as a Keras .weights.h5 file, and reads them back.

    Raises: CheckpointError if the disk gives back other bytes.
    """
    path = folder.generator_weights(step)
    with replacing(path) as temporary:
        write_weights(temporary, generator)
    forget_cached(path)
    check_weights(path)


def mend_generator(folder: RunFolder, step: int, generator: Any) -> None:
    """Rewrites a damaged or missing generator file; `generator` has the weights of the state of this step."""
    path = folder.generator_weights(step)
    if path.exists():
        try:
            check_weights(path)
            return
        except CheckpointError as error:
            _set_aside(folder, path, error)
    write_generator(folder, step, generator)


def prune(folder: RunFolder, best: int | None, keep: int | str) -> None:
    """Keeps the newest two states and the best state, the newest `keep` generator files ("all": all) and the best one."""
    for step in folder.state_steps()[:-2]:
        if step != best:
            remove_at_once(folder.state(step))
    if keep != "all":
        for step in folder.generator_steps()[: -int(keep)]:
            if step != best:
                remove_at_once(folder.generator_weights(step))


def state_at(folder: RunFolder, step: int | None) -> tuple[dict[str, np.ndarray], str]:
    """The variables of one state, the newest by default, and their sha256, to start another run.

    Raises: CheckpointError, with the steps that have a state, if this step has none.
    """
    steps = folder.state_steps()
    if not steps or (step is not None and step not in steps):
        there = ", ".join(map(str, steps)) or "none"
        raise CheckpointError(f"{folder.path}: no training state of step {step or 'any'}; there are: {there}")
    arrays, manifest = read_state(folder.state(steps[-1] if step is None else step))
    return arrays, manifest["sha256"][_ARRAYS]
