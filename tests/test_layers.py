"""The layers of docs/architecture.md: who may import whom, and what, read from the source."""

import ast
import sys
from pathlib import Path

PACKAGE = Path(__file__).parents[1] / "ganlab"
# The longest matching name decides. `""` is the package's own __init__.
LAYERS = {
    "": 0,
    "config": 0,
    "errors": 0,
    "objectives": 0,
    "paths": 0,
    "runs": 0,
    "storage": 0,
    "working_folder": 0,
    "training.class_heads": 0,
    "training.class_losses": 0,
    "training.code_losses": 0,
    "training.losses": 0,
    "training.ops": 0,
    "training.penalties": 0,
    "training.regularizers": 0,
    "training.stages": 0,
    "backends.select": 1,
    "models": 1,
    "training.draws": 1,
    "backends": 2,
    "data": 3,
    "metrics": 3,
    "pictures": 3,
    "storage.arrays": 3,
    "storage.weights": 3,
    "runs.logs": 3,
    "runs.summary": 4,
    "training.sampling": 3,
    "doctor": 4,
    "experiment": 4,
    "flows": 4,
    "reports": 4,
    "sweeps": 4,
    "trackers": 4,
    "training": 4,
    "__main__": 5,
    "api": 5,
    "cli": 5,
}
PLAIN = {"filelock", "platformdirs", "pydantic", "pydantic_core", "yaml"}
BACKENDS = {"tensorflow", "jax", "torch"}
FACES = "data.faces"  # MTCNN is a TensorFlow program, whichever backend trains
THIRD_PARTY = {
    0: PLAIN,
    1: PLAIN | {"keras", "numpy", "threadpoolctl"},
    2: PLAIN | {"keras", "numpy", *BACKENDS},
}
# Tables of losses and objectives are read by commands that load no framework.
LAZY = {"training.ops": {"keras"}}
# Inception's published weights are read once, each file by the program that wrote it.
CONVERTERS = {"metrics.inception_files"}
WRITERS = ("runs.folder", "training.callbacks", "training.checkpoints")
HEAVY = {"keras", "pandas", "matplotlib", *BACKENDS}
FILE_NAMES = {
    "config.yaml",
    "environment.json",
    "status.json",
    "history.csv",
    "losses.png",
    "outputs.png",
    "real_and_generated.png",
    "samples.gif",
    "samples.mp4",
    "histograms.png",
    "metrics.jsonl",
    "summary.json",
    "gan.png",
    "MANIFEST.json",
}


def modules() -> dict[str, Path]:
    """Every module of the package by its dotted name without `ganlab.`."""
    names = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE).with_suffix("").parts
        names[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return names


def layer_of(module: str) -> int | None:
    parts = module.split(".")
    prefixes = [".".join(parts[:length]) for length in range(len(parts), 0, -1)]
    return next((LAYERS[prefix] for prefix in prefixes if prefix in LAYERS), None)


def imports(source: str, *, at_module_level: bool = False) -> set[str]:
    """The dotted names a source imports; `from a import b` counts as a.b, for b may be a module.

    Imports under `if TYPE_CHECKING` are never executed and do not count.
    """
    found = set()
    waiting: list[ast.AST] = [ast.parse(source)]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            continue
        if at_module_level and isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            continue
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "relative imports hide the layer"
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
        waiting += ast.iter_child_nodes(node)
    return found


def own(names: set[str], known: dict[str, Path]) -> set[str]:
    """The modules of the package among imported names."""
    inside = {name.removeprefix("ganlab").removeprefix(".") for name in names if name.split(".")[0] == "ganlab"}
    return {name if name in known else name.rpartition(".")[0] for name in inside}


def third_party(names: set[str]) -> set[str]:
    return {name.split(".")[0] for name in names} - set(sys.stdlib_module_names) - {"ganlab"}


def reached_at_import(module: str, known: dict[str, Path]) -> dict[str, str]:
    """Third-party packages that importing a module loads through the package's own modules, and by which."""
    loaded, seen, waiting = {}, set(), [module]
    while waiting:
        name = waiting.pop()
        if name in seen:
            continue
        seen.add(name)
        names = imports(known[name].read_text(encoding="utf-8"), at_module_level=True)
        loaded |= {package: name for package in third_party(names) if package not in loaded}
        parents = {parent for part in own(names, known) for parent in (part, part.rpartition(".")[0])}
        waiting += parents
    return loaded


def texts(source: str) -> list[str]:
    """The string literals of a source, docstrings left out."""
    tree = ast.parse(source)
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    docstrings = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, documented) and node.body and isinstance(node.body[0], ast.Expr)
    }
    nodes = [node for node in ast.walk(tree) if isinstance(node, ast.Constant) and id(node) not in docstrings]
    return [node.value for node in nodes if isinstance(node.value, str)]


MODULES = modules()
SOURCES = {module: path.read_text(encoding="utf-8") for module, path in MODULES.items()}
PACKAGES = {module: third_party(imports(source)) for module, source in SOURCES.items()}


def without_empty(offenders: dict[str, set]) -> dict[str, set]:
    return {module: what for module, what in offenders.items() if what}


def test_every_module_has_a_layer():
    assert [module for module in MODULES if layer_of(module) is None] == []


def test_a_module_imports_only_from_its_own_layer_or_below():
    parts = {module: own(imports(source), MODULES) for module, source in SOURCES.items()}
    placed = {m: layer for m in MODULES if (layer := layer_of(m)) is not None}
    above = {m: {part for part in parts[m] if placed.get(part, 0) > placed[m]} for m in placed}
    assert without_empty(above) == {}


def test_a_module_imports_only_the_packages_of_its_layer():
    allowed = {m: THIRD_PARTY.get(layer_of(m), PACKAGES[m]) | LAZY.get(m, set()) for m in MODULES}
    more = {m: PACKAGES[m] - allowed[m] for m in MODULES}
    assert without_empty(more) == {}


def test_a_backend_is_named_only_among_the_steps():
    others = [m for m in MODULES if not m.startswith("backends.") and m not in (*CONVERTERS, FACES)]
    elsewhere = {m: PACKAGES[m] & BACKENDS for m in others}
    assert without_empty(elsewhere) == {}
    assert PACKAGES[FACES] & BACKENDS == {"tensorflow"}


def test_only_one_module_knows_the_face_detector():
    assert [module for module in MODULES if "mtcnn" in PACKAGES[module]] == [FACES]


def test_a_converter_loads_a_backend_only_when_it_converts():
    loaded = {m: third_party(imports(SOURCES[m], at_module_level=True)) & BACKENDS for m in CONVERTERS}
    assert without_empty(loaded) == {}


def test_the_operations_of_losses_load_keras_when_the_first_one_is_used():
    for module, packages in LAZY.items():
        assert PACKAGES[module] == packages and not third_party(imports(SOURCES[module], at_module_level=True))


def test_cli_plain_layer_and_reports_load_nothing_heavy_when_imported():
    light = [module for module in MODULES if layer_of(module) in (0, 5) or module.startswith("reports")]
    loaded = {module: reached_at_import(module, MODULES) for module in light}
    assert without_empty({m: {p: by for p, by in loaded[m].items() if p in HEAVY} for m in light}) == {}


def test_only_writers_know_the_file_names_of_a_run():
    others = [module for module in MODULES if not module.startswith(WRITERS)]
    parts = {module: {part for text in texts(SOURCES[module]) for part in text.split("/")} for module in others}
    assert without_empty({module: parts[module] & FILE_NAMES for module in others}) == {}


class TestTheWalker:
    """It must see what it is there to find."""

    def test_sees_every_form_of_import(self):
        source = "import keras.ops as k\nfrom numpy import array\ndef f():\n    import tensorflow.experimental\n"
        assert third_party(imports(source)) == {"keras", "numpy", "tensorflow"}
        assert third_party(imports(source, at_module_level=True)) == {"keras", "numpy"}

    def test_sees_imports_in_conditions_and_classes_but_not_for_types_alone(self):
        source = "try:\n    import jax\nexcept ImportError:\n    pass\nclass A:\n    import torch\n"
        assert third_party(imports(source, at_module_level=True)) == {"jax", "torch"}
        assert imports("if TYPE_CHECKING:\n    import keras\n") == set()

    def test_resolves_names_to_modules(self):
        names = {"ganlab.errors.ConfigError", "ganlab.runs.records", "ganlab.__version__", "yaml"}
        assert own(names, {"": None, "errors": None, "runs": None}) == {"errors", "runs", ""}

    def test_follows_imports_through_the_package(self, tmp_path):
        (tmp_path / "a.py").write_text("from ganlab.b import x\n")
        (tmp_path / "b.py").write_text("def f():\n    import ganlab.c\nfrom ganlab import d\n")
        (tmp_path / "c.py").write_text("import keras\n")
        (tmp_path / "d.py").write_text("import pandas\n")
        known = {"": tmp_path / "d.py", **{name: tmp_path / f"{name}.py" for name in "abcd"}}
        assert reached_at_import("a", known) == {"pandas": "d"} or reached_at_import("a", known) == {"pandas": ""}

    def test_sees_file_names_but_not_in_docstrings(self):
        assert texts('"""status.json"""\nx = f"{a}/summary.json"\n') == ["/summary.json"]

    def test_the_longest_name_decides_the_layer(self):
        assert [layer_of(name) for name in ("training.losses", "training.trainer", "nowhere")] == [0, 4, None]
