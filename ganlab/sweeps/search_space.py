"""The space of a search: for each key its choices or its range, as Optuna takes them and as configs do."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from ganlab.config.document import Node

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution

_DIGITS = 4  # of numbers from a range


def ends(node: Node) -> Iterator[Node]:
    """The choices, or the two ends of a range."""
    yield from node.value if isinstance(node.value, list) else _range(node)[1]


def distribution(node: Node) -> "BaseDistribution":
    """The range of a key; of choices, the range of their index, because a choice may be a mapping."""
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    if isinstance(node.value, list):
        return CategoricalDistribution(range(len(node.value)))
    kind, limits = _range(node)
    low, high = (end.value for end in limits)
    are_whole = type(low) is int and type(high) is int
    return (IntDistribution if are_whole else FloatDistribution)(low, high, log=kind == "log_range")


def drawn_value(node: Node, drawn: int | float) -> Node:
    """The value of a key that Optuna has drawn. Numbers are rounded to four digits, but not past the ends of the range."""
    if isinstance(node.value, list):
        return node.value[drawn]
    low, high = (end.value for end in _range(node)[1])
    rounded = drawn if isinstance(drawn, int) else min(max(float(f"{drawn:.{_DIGITS}g}"), low), high)
    return Node(rounded, node.place)


def _range(node: Node) -> tuple[str, list[Node]]:
    ((kind, ends),) = node.value.items()
    return kind, ends.value
