"""Reverse-mode differentiation of float64 arrays. Gradients consist of the same operations: they have gradients, too."""

from collections.abc import Callable, Sequence

import numpy as np


class Tensor:
    """An array, and how the gradient with respect to it goes on to the tensors that it was computed from.

    Attributes:
        value: float64.
        parents: pairs of a tensor and a function: the gradient at this tensor -> that tensor's share.
    """

    def __init__(self, value, parents: Sequence[tuple["Tensor", Callable]] = ()):
        self.value, self.parents = np.asarray(value, np.float64), tuple(parents)

    @property
    def shape(self) -> tuple[int, ...]:
        return self.value.shape

    def __add__(self, other):
        other = tensor(other)
        parents = ((self, lambda g: _summed(g, self.shape)), (other, lambda g: _summed(g, other.shape)))
        return Tensor(self.value + other.value, parents)

    def __mul__(self, other):
        other = tensor(other)
        parents = ((self, lambda g: _summed(g * other, self.shape)), (other, lambda g: _summed(g * self, other.shape)))
        return Tensor(self.value * other.value, parents)

    def __pow__(self, exponent: float):
        return Tensor(self.value**exponent, [(self, lambda g: g * exponent * self ** (exponent - 1))])

    def __matmul__(self, other):
        parents = ((self, lambda g: g @ other.T), (other, lambda g: self.T @ g))
        return Tensor(self.value @ other.value, parents)

    def __getitem__(self, place):
        def placed(gradient):
            whole = np.zeros(self.shape)
            whole[place] = gradient.value
            return Tensor(whole, [(gradient, lambda g: g[place])])

        return Tensor(self.value[place], [(self, placed)])

    @property
    def T(self):
        return Tensor(self.value.T, [(self, lambda g: g.T)])

    __radd__, __rmul__ = __add__, __mul__

    def __neg__(self):
        return self * -1.0

    def __sub__(self, other):
        return self + -tensor(other)

    def __rsub__(self, other):
        return -self + other

    def __truediv__(self, other):
        return self * tensor(other) ** -1.0


def tensor(value) -> Tensor:
    return value if isinstance(value, Tensor) else Tensor(value)


def _summed(gradient: Tensor, shape: tuple[int, ...]) -> Tensor:
    """The gradient of an array that was broadcast."""
    if gradient.shape == shape:
        return gradient
    added = tuple(range(len(gradient.shape) - len(shape)))
    kept = tuple(len(added) + axis for axis, size in enumerate(shape) if size == 1)
    return reshape(total(gradient, added + kept), shape)


def total(x: Tensor, axis=None) -> Tensor:
    """The sum over one axis, several or all."""
    kept = np.sum(x.value, axis=axis, keepdims=True).shape
    back = lambda g: reshape(g, kept) * Tensor(np.ones(x.shape))  # noqa: E731
    return Tensor(np.sum(x.value, axis=axis), [(x, back)])


def mean(x: Tensor, axis=None) -> Tensor:
    result = total(x, axis)
    return result * (max(result.value.size, 1) / x.value.size)


def reshape(x: Tensor, shape: tuple[int, ...]) -> Tensor:
    return Tensor(x.value.reshape(shape), [(x, lambda g: reshape(g, x.shape))])


def concatenate(parts: Sequence[Tensor], axis: int) -> Tensor:
    ends = np.cumsum([part.shape[axis] for part in parts])

    def part_of(number: int) -> Callable:
        place = (slice(None),) * axis + (slice(ends[number] - parts[number].shape[axis], ends[number]),)
        return lambda g: g[place]

    value = np.concatenate([part.value for part in parts], axis)
    return Tensor(value, [(part, part_of(number)) for number, part in enumerate(parts)])


def exp(x: Tensor) -> Tensor:
    result = Tensor(np.exp(x.value))
    result.parents = ((x, lambda g: g * result),)
    return result


def log(x: Tensor) -> Tensor:
    return Tensor(np.log(x.value), [(x, lambda g: g / x)])


def log_sum_exp(x: Tensor) -> Tensor:
    """log of the sum of exp over axis 1: (batch, n) becomes (batch, 1)."""
    most = x.value.max(axis=1, keepdims=True)
    return log(reshape(total(exp(x - most), 1), most.shape)) + most


def tanh(x: Tensor) -> Tensor:
    result = Tensor(np.tanh(x.value))
    result.parents = ((x, lambda g: g * (1.0 - result * result)),)
    return result


def sigmoid(x: Tensor) -> Tensor:
    result = Tensor(0.5 * (1.0 + np.tanh(0.5 * x.value)))
    result.parents = ((x, lambda g: g * result * (1.0 - result)),)
    return result


def softplus(x: Tensor) -> Tensor:
    return Tensor(np.logaddexp(0.0, x.value), [(x, lambda g: g * sigmoid(x))])


def relu(x: Tensor, slope: float = 0.0) -> Tensor:
    """x where it is positive, else `slope` times x."""
    return x * np.where(x.value > 0, 1.0, slope)


def gradients(output: Tensor, inputs: Sequence[Tensor]) -> list[Tensor]:
    """Of the sum of `output` with respect to each input; zeros for one that it does not depend on."""
    order, seen = [], set()

    def visit(node: Tensor) -> None:
        if id(node) not in seen:
            seen.add(id(node))
            for parent, _ in node.parents:
                visit(parent)
            order.append(node)

    visit(output)
    found = {id(output): Tensor(np.ones(output.shape))}
    for node in reversed(order):
        if id(node) in found:
            for parent, share in node.parents:
                part = share(found[id(node)])
                found[id(parent)] = found[id(parent)] + part if id(parent) in found else part
    return [found.get(id(one), Tensor(np.zeros(one.shape))) for one in inputs]
