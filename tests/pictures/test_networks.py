import numpy as np
import pytest
from PIL import Image

from ganlab.config.network import Network
from ganlab.errors import GanlabError
from ganlab.models.compiler import compile_network
from ganlab.pictures import networks
from ganlab.pictures.networks import LayerRow, arrange, rows_of, write_drawing

GENERATOR = {
    "generator": [
        LayerRow("latents", "Input", (100,), 0),
        LayerRow("dense", "Dense", (6272,), 633472, ("latents",)),
        LayerRow("reshape", "Reshape", (7, 7, 128), 0, ("dense",)),
        LayerRow("conv", "Conv2D", (None, None, 1), 2049, ("reshape",)),
    ]
}
DISCRIMINATOR = {
    "discriminator": [
        LayerRow("flatten", "Flatten", (784,), 0),
        LayerRow("dense_1", "Dense", (1,), 785, ("flatten",)),
    ]
}


def graph(**inputs: str) -> list[LayerRow]:
    """Layers by the names of their inputs: `c="a b"`."""
    return [LayerRow(name, "Add", (1,), 0, tuple(names.split())) for name, names in inputs.items()]


def places(rows: list[LayerRow]) -> dict[str, tuple[int, int]]:
    """(row, column) of each layer."""
    depth, columns, _ = arrange(rows)
    return {name: (row, columns[name, row]) for name, row in depth.items()}


class TestArrange:
    def test_a_chain_stands_in_one_column(self):
        rows = graph(a="", b="a", c="b", d="c")
        assert places(rows) == {"a": (0, 0), "b": (1, 0), "c": (2, 0), "d": (3, 0)}
        assert arrange(rows)[2] == [(("a", 0), ("b", 1)), (("b", 1), ("c", 2)), (("c", 2), ("d", 3))]

    def test_branches_stand_side_by_side_and_meet_below_the_longer_one(self):
        rows = graph(a="", long1="a", long2="long1", short="a", add="long2 short")
        assert places(rows) == {"a": (0, 0), "long1": (1, 0), "long2": (2, 0), "short": (1, 1), "add": (3, 0)}
        columns, lines = arrange(rows)[1:]
        assert (
            columns["short", 2] == 1 and (("short", 1), ("short", 2)) in lines and (("short", 2), ("add", 3)) in lines
        )

    def test_an_output_that_skips_layers_passes_beside_them(self):
        rows = graph(a="", b="a", c="b", add="c a", d="add")
        assert places(rows) == {"a": (0, 0), "b": (1, 0), "c": (2, 0), "add": (3, 0), "d": (4, 0)}
        columns, lines = arrange(rows)[1:]
        assert columns["a", 1] == columns["a", 2] == 1
        assert {(("a", 0), ("a", 1)), (("a", 1), ("a", 2)), (("a", 2), ("add", 3))} < set(lines)

    def test_an_output_that_several_layers_take_passes_once(self):
        rows = graph(labels="", a="", b="a labels", c="b", d="c labels")
        _, columns, lines = arrange(rows)
        assert [node for node in columns if node[0] == "labels"] == [("labels", level) for level in range(3)]
        assert sum(start[0] == "labels" for start, _ in lines) == 4

    def test_in_any_graph_no_two_stand_in_one_place_and_lines_lead_to_the_next_row(self):
        random = np.random.default_rng(0)
        for _ in range(50):
            inputs = [random.choice(n, random.integers(0, min(n, 3) + 1), replace=False) for n in range(30)]
            rows = graph(**{f"l{n}": " ".join(f"l{i}" for i in chosen) for n, chosen in enumerate(inputs)})
            depth, columns, lines = arrange(rows)
            assert len({(row, column) for (_, row), column in columns.items()}) == len(columns)
            assert all(end[1] == start[1] + 1 and {start, end} <= columns.keys() for start, end in lines)
            arrived = {end for _, end in lines}
            assert {node for node in columns if node not in arrived} == {(r.name, 0) for r in rows if not r.inputs}
            for row in rows:  # each input's line comes from the layer itself, through every row between
                for name in row.inputs:
                    passed = [((name, k), (name, k + 1)) for k in range(depth[name], depth[row.name] - 1)]
                    last = ((name, depth[row.name] - 1), (row.name, depth[row.name]))
                    assert {*passed, last} <= set(lines)


@pytest.fixture
def texts(monkeypatch) -> list[str]:
    """The words in the picture, in order."""
    from matplotlib.axes import Axes

    seen, write = [], Axes.text

    def text(self, x, y, s, *args, **more):
        seen.append(s)
        return write(self, x, y, s, *args, **more)

    monkeypatch.setattr(Axes, "text", text)
    return seen


def test_every_layer_is_named_with_its_shape_and_parameters(tmp_path, texts):
    write_drawing(tmp_path / "gan.png", GENERATOR | DISCRIMINATOR)
    written = [text for text in texts if text]
    assert written[:2] == ["generator", "635,521 parameters"]
    assert written[2:5] == ["Input", "100", "latents"]
    assert written[5:9] == ["Dense", "6,272", "dense", "633,472 parameters"]
    assert written[9:12] == ["Reshape", "7 × 7 × 128", "reshape"]
    assert written[12:16] == ["Conv2D", "any × any × 1", "conv", "2,049 parameters"]
    assert written[16:] == [
        "discriminator",
        "785 parameters",
        *("Flatten", "784", "flatten"),
        *("Dense", "1", "dense_1", "785 parameters"),
    ]


def read(path) -> np.ndarray:
    with Image.open(path) as picture:
        return np.asarray(picture.convert("L"))


def test_the_picture_grows_with_the_networks_and_nothing_touches_its_edge(tmp_path, recwarn):
    name = "a_very_long_layer_name_$that_{needs$ room_猫" * 2
    deep = [LayerRow(f"{name}{n}", "Dense", (1,) * 8, 10**9, (f"{name}{n - 1}",) if n else ()) for n in range(30)]
    drawn = [GENERATOR, GENERATOR | DISCRIMINATOR, {"a": deep} | DISCRIMINATOR]
    sizes = []
    for number, shown in enumerate(drawn):
        pixels = read(write_drawing(tmp_path / f"{number}.png", shown, chained=True))
        sizes.append(pixels.shape)
        edges = [pixels[:20].ravel(), pixels[-20:].ravel(), pixels[:, :20].ravel(), pixels[:, -20:].ravel()]
        assert (np.concatenate(edges) == 255).all() and (pixels < 255).any()
    assert sizes[0][0] == sizes[1][0] < sizes[2][0] and sizes[0][1] < sizes[1][1] < sizes[2][1]
    assert not recwarn.list


def test_sixty_layers_are_drawn_as_large_as_six(tmp_path):
    def chain(count):
        rows = [LayerRow(f"l{n}", "ReLU", (8,), 0, (f"l{n - 1}",) if n else ()) for n in range(count)]
        return read(write_drawing(tmp_path / "chain.png", {"a": rows}))

    few, many = chain(6), chain(60)
    assert few.shape[1] == many.shape[1] and np.array_equal(few[:400], many[:400])


def test_a_network_beyond_the_limits_is_drawn_smaller(tmp_path, monkeypatch):
    def shape():
        return read(write_drawing(tmp_path / "a.png", GENERATOR)).shape

    monkeypatch.setattr(networks, "_MOST_SIDE", 300)
    assert max(shape()) == 300
    monkeypatch.setattr(networks, "_MOST_PIXELS", 20_000)
    assert 15_000 < np.prod(shape()) <= 20_000


def test_an_arrow_joins_networks_that_are_chained_and_no_others(tmp_path):
    def ink_between(shown, chained):
        # A column of pixels that is dark nearly from top to bottom is the arrow's way up.
        return (read(write_drawing(tmp_path / "a.png", shown, chained)) < 128).mean(axis=0).max()

    assert ink_between(GENERATOR | DISCRIMINATOR, False) < 0.5 < ink_between(GENERATOR | DISCRIMINATOR, True)


def test_the_same_networks_give_the_same_bytes(tmp_path):
    first, second = (write_drawing(tmp_path / name, GENERATOR).read_bytes() for name in ("a.png", "b.png"))
    assert first == second


@pytest.mark.parametrize("shown", [{}, {"generator": []}])
def test_nothing_to_draw_is_an_error(tmp_path, shown):
    with pytest.raises(GanlabError, match="expected networks with at least one layer each"):
        write_drawing(tmp_path / "gan.png", shown)
    assert not list(tmp_path.iterdir())


def test_a_network_is_described_with_the_inputs_of_each_layer():
    layers = [
        {"Dense": {"units": 8, "name": "hidden"}},
        {"merge": "Concatenate", "branches": {"hidden": [], "class": ["Labels"]}},
        {
            "merge": "Add",
            "branches": {
                "gate": [{"Dense": {"units": 8, "name": "gate"}}],
                "skip": [{"Output": {"of": "hidden"}}],
            },
        },
    ]
    network = compile_network(
        Network(layers=layers, optimizer="SGD"), {"input": (4,), "labels": (3,)}, lambda keys, text: text, "generator"
    )
    rows = rows_of(network)
    assert {row.name: row.inputs for row in rows} == {
        "input": (),
        "labels": (),
        "hidden": ("input",),
        "labels_1": ("labels",),
        "concatenate": ("hidden", "labels_1"),
        "gate": ("concatenate",),
        "output_1": ("hidden",),
        "add": ("gate", "output_1"),
    }
    assert [row.parameters for row in rows if row.kind == "Dense"] == [40, 96]


def test_the_run_on_a_reference_batch_is_not_drawn():
    layers = [{"Dense": {"units": 8}}, {"VirtualBatchNormalization": {"reference_size": 5}}]
    spec = Network(layers=layers, optimizer="SGD")
    network = compile_network(spec, {"input": (4,)}, lambda keys, text: text, "generator")
    assert [row.name for row in rows_of(network)] == ["input", "dense", "virtual_batch_normalization"]
