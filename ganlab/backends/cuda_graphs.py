"""Training steps as CUDA graphs: the GPU gets a step in one launch, where PyTorch alone launches hundreds of operations.

A graph repeats the same operations on the same memory. So everything that changes from step to step stands in memory that the
graph reads: the random numbers of a chunk, the position in the chunk, the number of the step and the seeds of layers.
"""

import contextlib
import math
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any

import keras
import numpy as np
import torch
from keras.src.backend.torch import random as keras_random
from torch.overrides import TorchFunctionMode

Tensor = torch.Tensor
# (random numbers of one step, the step as a float tensor, the step for choices of the host) -> the step's row
Step = Callable[[dict[str, Tensor], Tensor, int], Tensor]
Seed = keras.random.SeedGenerator | int | None  # as Keras' random operations take it
_WARM = 2  # steps that run before the recording: in them, libraries choose their algorithms and take their memory


class GraphSteps:
    """Performs steps by recorded graphs.

    Args:
        step: performs one step.
        variant: step -> what is different in this step, such as a term that is due every few steps. Each variant has a graph.
        columns: how many numbers a row has.
        room: most steps of a chunk.

    Attributes:
        note: why a step could not be recorded; such steps run operation by operation. None if all could be.
    """

    def __init__(self, step: Step, variant: Callable[[int], tuple], columns: int, room: int):
        self.step, self.variant, self.note = step, variant, None
        self.device = keras.ops.zeros(()).device
        self.stream = torch.cuda.Stream() if self.device.type == "cuda" else None
        self.index = torch.zeros(1, dtype=torch.int64, device=self.device)
        self.number = torch.zeros((), device=self.device)
        self.rows = torch.zeros(room, columns, device=self.device)
        self.chunks: list[_Chunk] | None = None
        self.seeds, self.constants = LayerSeeds(), _Constants()
        self.performed: Counter[tuple] = Counter()
        self.recorded: dict[tuple, Callable[[], None]] = {}

    def pack(self, draws: Mapping[str, np.ndarray]) -> "Packed":
        """Brings draws, at most `room` steps, into the form that `run` copies fastest. Any thread may call it."""
        return Packed(draws, pinned=self.device.type == "cuda")

    def run(self, draws: "Packed", rates: Mapping[str, np.ndarray], first: int) -> Tensor:
        """Performs the steps first, first + 1, ...: as many as there are draws.

        Args:
            draws: the steps' random numbers.
            rates: name -> (steps, ...), further numbers for each step.
            first: index of the first step.

        Returns: float32 (steps, columns).
        """
        both = draws, self.pack(rates)
        if self.chunks is None:
            self.chunks = [_Chunk(packed, len(self.rows), self.device) for packed in both]
        for chunk, packed in zip(self.chunks, both, strict=True):
            chunk.load(packed)
        steps = draws.steps
        self.index.zero_()
        self.number.fill_(first)
        self.seeds.read()
        for number in range(first, first + steps):
            self._perform(number)
        self.seeds.write()
        return self.rows[:steps].clone()

    def record(self, number: int) -> Callable[[], None]:
        """Records a step like `number` without performing it. Returns a function that performs it."""
        if self.device.type != "cuda":
            raise RuntimeError(f"the device is {self.device}")
        variant = self.variant(number)
        graph = torch.cuda.CUDAGraph()
        for generator in self.seeds.generators(variant, self.device):
            graph.register_generator_state(generator)
        # Files are written beside the training, by threads that may use the device.
        recording = torch.cuda.graph(graph, stream=self.stream, capture_error_mode="thread_local")
        with self.seeds.from_generators(variant), recording:
            self._compute(number)
        return graph.replay

    def _perform(self, number: int) -> None:
        variant = self.variant(number)
        if variant not in self.recorded:
            if self.performed[variant] < _WARM:
                self.seeds.write()
                with self.constants, self.seeds.heard(variant), self._aside():
                    self._compute(number)
                self.seeds.read()
                self.performed[variant] += 1
                return
            self.recorded[variant] = self._try_to_record(number)
        replay = self.recorded[variant]
        if replay is None:
            self.seeds.write()
            self._compute(number)
            self.seeds.read()
        else:
            self.seeds.set(variant)
            replay()

    @contextlib.contextmanager
    def _aside(self) -> Iterator[None]:
        """Runs the block on the stream of recordings: PyTorch keeps nodes of a gradient, which belong to a stream."""
        if self.stream is None:
            yield
            return
        present = torch.cuda.current_stream()
        self.stream.wait_stream(present)
        with torch.cuda.stream(self.stream):
            yield
        present.wait_stream(self.stream)

    def _try_to_record(self, number: int) -> Callable[[], None] | None:
        try:
            with self.constants:
                return self.record(number)
        except RuntimeError as error:
            self.note = f"no CUDA graph: {str(error).splitlines()[0]}"
            return None

    def _compute(self, number: int) -> None:
        draws, rates = (chunk.numbers(self.index) for chunk in self.chunks)
        row = self.step(draws | rates, self.number, number)
        self.rows.index_copy_(0, self.index, row[None])
        self.index.add_(1)
        self.number.add_(1)


class Packed:
    """The numbers of the steps of a chunk: one array (steps, numbers) for each data type."""

    def __init__(self, draws: Mapping[str, np.ndarray], pinned: bool):
        """Packs name -> (steps, ...). `pinned` memory is copied to the device without another copy before."""
        self.names: dict[np.dtype, list[str]] = {}
        for name, array in draws.items():
            self.names.setdefault(array.dtype, []).append(name)
        self.shapes = {name: array.shape[1:] for name, array in draws.items()}
        self.steps = len(next(iter(draws.values()))) if draws else 0
        self.arrays = {}
        for kind, names in self.names.items():
            flat = np.concatenate([draws[name].reshape(self.steps, -1) for name in names], axis=1)
            self.arrays[kind] = torch.from_numpy(flat).pin_memory() if pinned else torch.from_numpy(flat)


class _Chunk:
    """The numbers of a chunk, in memory of the device that keeps its place. One operation reads all of a step and a type."""

    def __init__(self, packed: Packed, room: int, device: torch.device):
        self.names, self.shapes = packed.names, packed.shapes
        self.memory = {
            kind: torch.zeros(room, array.shape[1], dtype=array.dtype, device=device)
            for kind, array in packed.arrays.items()
        }

    def load(self, packed: Packed) -> None:
        for kind, array in packed.arrays.items():
            self.memory[kind][: len(array)].copy_(array, non_blocking=True)

    def numbers(self, index: Tensor) -> dict[str, Tensor]:
        """The numbers of one step; `index` (1,) is its position in the chunk."""
        found = {}
        for kind, names in self.names.items():
            row = self.memory[kind].index_select(0, index)[0]
            parts = row.split([math.prod(self.shapes[name]) for name in names])
            found |= {name: part.view(self.shapes[name]) for name, part in zip(names, parts, strict=True)}
        return found


class LayerSeeds:
    """The seeds of layers that draw their own random numbers, such as dropout.

    Keras makes a generator for each draw, and reads the seed from the device for it. A graph cannot wait for the device, so it
    gets a generator for each draw of a step, and the host sets their seeds before each replay to what Keras would have read.
    """

    def __init__(self) -> None:
        self._draws: dict[tuple, list[Any]] = {}  # variant -> the seed generators that the step asks, in order
        self._generators: dict[tuple, list[torch.Generator]] = {}
        self._next: dict[int, int] = {}  # identity of a seed generator -> its next seed
        self._drawn: Counter = Counter()  # seed generator -> draws that its state does not count yet

    def read(self) -> None:
        """Reads the next seeds from the device."""
        asked = {id(seed): seed for seeds in self._draws.values() for seed in seeds}
        if asked:
            sums = torch.stack([seed.state.value.sum() for seed in asked.values()])
            self._next = dict(zip(asked, sums.tolist(), strict=True))

    def write(self) -> None:
        """Counts the draws of replays in the states on the device, as Keras would have done at each draw."""
        for seed, draws in self._drawn.items():
            seed.state.assign(seed.state + np.array([0, draws], "uint32"))
        self._drawn.clear()

    def set(self, variant: tuple) -> None:
        """Sets the seeds of the generators of one step."""
        for seed, generator in zip(self._draws[variant], self._generators[variant], strict=True):
            generator.manual_seed(self._next[id(seed)] & 0xFFFFFFFF)
            self._next[id(seed)] += 1
            self._drawn[seed] += 1

    def generators(self, variant: tuple, device: torch.device) -> list[torch.Generator]:
        """Makes the generators of a step."""
        self._generators[variant] = [torch.Generator(device) for _ in self._draws[variant]]
        return self._generators[variant]

    def heard(self, variant: tuple) -> contextlib.AbstractContextManager:
        """Notes which seed generators a step asks in the block."""
        asked = self._draws[variant] = []
        make = keras_random.torch_seed_generator

        def hear(seed: Seed) -> torch.Generator:
            asked.append(seed)
            return make(seed)

        return _replaced(hear)

    @contextlib.contextmanager
    def from_generators(self, variant: tuple) -> Iterator[None]:
        """In the block, Keras gets the step's own generators."""
        ready = iter(zip(self._draws[variant], self._generators[variant], strict=True))

        def take(seed: Seed) -> torch.Generator:
            expected, generator = next(ready, (None, None))
            if seed is not expected or not isinstance(seed, keras.random.SeedGenerator):
                raise RuntimeError("the step draws other random numbers than the step before")
            return generator

        with _replaced(take):
            yield


@contextlib.contextmanager
def _replaced(make: Callable) -> Iterator[None]:
    kept = keras_random.torch_seed_generator
    keras_random.torch_seed_generator = make
    try:
        yield
    finally:
        keras_random.torch_seed_generator = kept


class _Constants(TorchFunctionMode):
    """Keeps the tensors that a step makes of numbers on the host: no graph can copy them from there."""

    def __init__(self) -> None:
        super().__init__()
        self._kept: dict[tuple, Tensor] = {}

    def __torch_function__(
        self, func: Callable, types: Collection[type], args: tuple = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        if func not in (torch.as_tensor, torch.tensor) or isinstance(args[0], Tensor):
            return func(*args, **kwargs)
        array = np.asarray(args[0])
        key = (func, array.dtype.str, array.shape, array.tobytes(), args[1:], *sorted(kwargs.items()))
        if key not in self._kept:
            self._kept[key] = func(*args, **kwargs)
        return self._kept[key]
