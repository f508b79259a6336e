"""How an Inception Score falls with the number of splits, for 6,000 and for 60,000 images, beside Table 4 of the coursework.

    python experiments/imperial2019/splits.py RUN

RUN is the folder of any run on MNIST. Each curve is divided by its score for one split, so that generators of different quality can
be compared. The script writes splits.csv and splits.png to results/reference/imperial2019.
"""

import csv
import sys
from pathlib import Path

import numpy as np

from ganlab.flows.load import load_checkpoint, load_training_data
from ganlab.metrics.extractors import EXTRACTORS
from ganlab.metrics.scores import inception_score
from ganlab.pictures.canvas import drawing
from ganlab.pictures.images import to_uint8
from ganlab.runs.folder import RunFolder
from ganlab.storage.writing import write_text

FOLDER = Path(__file__).parent
TARGET = FOLDER.parents[1] / "results" / "reference" / "imperial2019"
COUNTS = (6_000, 60_000)


def published() -> list[tuple[int, float, float]]:
    """The rows of Table 4: number of splits, mean and deviation of the score."""
    with (FOLDER / "table4.csv").open(encoding="utf-8") as file:
        return [(int(row["splits"]), float(row["mean"]), float(row["sd"])) for row in csv.DictReader(file)]


def probabilities_of(run: Path, count: int) -> np.ndarray:
    """The classifier's class probabilities for `count` images of a run's newest checkpoint: (count, classes)."""
    loaded = load_checkpoint(RunFolder(run))
    extractor = EXTRACTORS["classifier"].load(load_training_data(loaded))
    images = to_uint8(loaded.sampler.draw(count, "metrics"), loaded.config.data.range)
    return extractor.extract(images).probabilities


def curves(probabilities: np.ndarray, splits: list[int]) -> dict[int, list[tuple[float, float]]]:
    """Number of images -> (mean, deviation) for each number of splits."""
    return {count: [inception_score(probabilities[:count], n) for n in splits] for count in COUNTS}


def write_table(path: Path, splits: list[int], found: dict[int, list], printed: list) -> None:
    heads = ["splits", *(f"{part}_{count}" for count in found for part in ("mean", "sd")), "mean_printed", "sd_printed"]
    rows = [
        [n, *(f"{number:.4f}" for count in found for number in found[count][index]), *printed[index][1:]]
        for index, n in enumerate(splits)
    ]
    write_text(path, "".join(",".join(map(str, row)) + "\n" for row in [heads, *rows]))


def draw(path: Path, splits: list[int], found: dict[int, list], printed: list) -> None:
    lines = {f"{count:,} images": [mean for mean, _ in scores] for count, scores in found.items()}
    lines["printed in Table 4"] = [mean for _, mean, _ in printed]
    with drawing(path, 7, 4.5, dpi=110, layout="constrained") as figure:
        axes = figure.add_subplot(xscale="log", xlabel="splits", ylabel="score / score with one split")
        for (label, means), style in zip(lines.items(), ("o-", "o-", "k--"), strict=True):
            axes.plot(splits, np.array(means) / means[0], style, label=label)
        axes.set_xticks(splits, [str(n) for n in splits])
        axes.grid(color="#e5e7eb")
        axes.legend(frameon=False)


def main(run: Path) -> None:
    printed = published()
    splits = [n for n, _, _ in printed]
    found = curves(probabilities_of(run, max(COUNTS)), splits)
    write_table(TARGET / "splits.csv", splits, found, printed)
    draw(TARGET / "splits.png", splits, found, printed)
    print((TARGET / "splits.csv").read_text(encoding="utf-8"))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
