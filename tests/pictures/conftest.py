import pytest


class Drawn:
    """The figure that was written last; its attributes are the figure's."""

    figure = None

    def __getattr__(self, name):
        return getattr(self.figure, name)


@pytest.fixture
def drawn(monkeypatch) -> Drawn:
    from matplotlib.figure import Figure

    kept, save = Drawn(), Figure.savefig

    def keep(self, *arguments, **options):
        kept.figure = self
        return save(self, *arguments, **options)

    monkeypatch.setattr(Figure, "savefig", keep)
    return kept
