import numpy as np
from PIL import Image

from ganlab.pictures.ridges import write_ridges


def histogram_files(folder, steps, layer="discriminator.hidden"):
    """Files whose values move to the right from step to step."""
    for place, step in enumerate(steps):
        counts, edges = np.array([1, 4, 1]), np.arange(4.0) + 10 * place
        np.savez(folder / f"{step:06d}.npz", **{f"{layer}.counts": counts, f"{layer}.edges": edges})
    return {step: folder / f"{step:06d}.npz" for step in steps}


def inked(path):
    with Image.open(path) as picture:
        pixels = np.asarray(picture.convert("RGB")).astype(int)
    return pixels, np.ptp(pixels, axis=2) > 40  # coloured, neither text nor paper


def test_ridges_stand_in_order_from_early_above_to_late_below(tmp_path):
    path = write_ridges(tmp_path / "a.png", histogram_files(tmp_path, (1, 200)), [("discriminator", "hidden")])
    pixels, ink = inked(path)
    rows, columns = np.nonzero(ink)
    blue = pixels[rows, columns, 2] > pixels[rows, columns, 0]
    assert blue.any() and (~blue).any()
    assert columns[blue].max() < columns[~blue].min()  # the later values are larger
    assert rows[blue].mean() < rows[~blue].mean()


def test_a_layer_has_a_plot_of_its_own_and_may_lack_a_phase(tmp_path):
    files = histogram_files(tmp_path, (1,), "generator.early")
    (tmp_path / "late").mkdir()
    files[2] = histogram_files(tmp_path / "late", (2,), "generator.late")[2]
    path = write_ridges(tmp_path / "a.png", files, [("generator", "early"), ("generator", "late")])
    _, ink = inked(path)
    half = ink.shape[1] // 2
    assert ink[:, :half].any() and ink[:, half:].any()


def test_of_many_steps_24_are_drawn(tmp_path):
    layers = [("discriminator", "hidden")]
    sizes = []
    for count in (24, 60):
        path = write_ridges(tmp_path / f"{count}.png", histogram_files(tmp_path, range(1, count + 1)), layers)
        with Image.open(path) as picture:
            sizes.append(picture.size)
    assert sizes[0] == sizes[1]
