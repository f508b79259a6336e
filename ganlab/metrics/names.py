"""The names of all metrics and what each one measures: the only list of them."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """What a name stands for.

    Attributes:
        kind: a key of `measures.MEASURES`.
        extractor: a key of `extractors.EXTRACTORS`.
        count: number of generated images and, but for `_full`, of real ones.
    """

    kind: str
    extractor: str
    count: int


# (name with a place for thousands, kind, extractor, thousands)
_FAMILIES = [
    ("fd{}k_classifier", "fd", "classifier", (1, 5, 10, 50)),
    ("is{}k_classifier", "is", "classifier", (1, 5, 10, 50)),
    ("pr{}k_classifier", "pr", "classifier", (1, 5, 10, 50)),
    ("fd{}k_random", "fd", "random", (1, 5, 10, 50)),
    ("fid{}k", "fd", "inception", (5, 10, 50)),
    ("fid{}k_full", "fd_whole", "inception", (5, 10, 50)),
    ("kid{}k", "kd", "inception", (5,)),
    ("is{}k", "is", "inception", (5,)),
    ("fid{}k_keras", "fd", "keras", (5,)),
    ("fid{}k_akel2022", "fd", "akel2022", (5,)),
]
ROWS = {
    name.format(thousands): Row(kind, extractor, thousands * 1000)
    for name, kind, extractor, all_thousands in _FAMILIES
    for thousands in all_thousands
}


def kinds_of(extractor: str, count: int) -> list[str]:
    """The kinds of metrics that measure `count` images by an extractor."""
    return [row.kind for row in ROWS.values() if (row.extractor, row.count) == (extractor, count)]
