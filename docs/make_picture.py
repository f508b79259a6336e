"""Writes results/reference/quickstart.png from a finished run folder: its last grid beside its losses.

python docs/make_picture.py results/digits/quickstart-seed0-3f15ff83
"""

import sys
from pathlib import Path

from PIL import Image

from ganlab.runs.folder import RunFolder

TARGET = Path(__file__).parents[1] / "results" / "reference" / "quickstart.png"
HEIGHT = 300
COLOURS = 256


def main(folder: Path) -> None:
    run = RunFolder(folder)
    with Image.open(run.sample(run.sample_steps()[-1])) as grid, Image.open(run.losses) as losses:
        parts = [_to_height(grid, Image.Resampling.NEAREST), _to_height(losses, Image.Resampling.LANCZOS)]
    picture = Image.new("RGB", (sum(part.width for part in parts) + 16, HEIGHT), "white")
    picture.paste(parts[0], (0, 0))
    picture.paste(parts[1], (parts[0].width + 16, 0))
    TARGET.parent.mkdir(parents=True, exist_ok=True)
    picture.quantize(COLOURS).save(TARGET, optimize=True)
    print(TARGET)


def _to_height(image: Image.Image, resampling: Image.Resampling) -> Image.Image:
    return image.convert("RGB").resize((round(image.width * HEIGHT / image.height), HEIGHT), resampling)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
