"""Texts of a drawn figure: do they overlap, or leave the figure?"""

import itertools


def overlapping(figure, texts) -> list:
    """The texts that reach over the figure's border, and the pairs that overlap. The figure was drawn before."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    boxes = {text.get_text(): text.get_window_extent(canvas.get_renderer()) for text in texts}
    width, height = canvas.get_width_height()
    out = [word for word, box in boxes.items() if min(box.x0, box.y0) < 0 or box.x1 > width or box.y1 > height]
    return out + [(a, b) for (a, one), (b, other) in itertools.combinations(boxes.items(), 2) if one.overlaps(other)]
