"""Nothing in the source unpickles, evaluates text, or asks a library to make objects of what a file names."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SOURCES = sorted(
    path for folder in ("ganlab", "experiments", "benchmarks", "docs") for path in (ROOT / folder).rglob("*.py")
)
MODULES = {"pickle", "_pickle", "cPickle", "cloudpickle", "dill", "joblib", "shelve", "marshal", "jsonpickle", "code"}
CALLS = {"eval", "exec", "compile", "__import__"}
METHODS = {
    "torch.load", "yaml.load", "yaml.full_load", "yaml.unsafe_load", "pandas.read_pickle", "keras.models.load_model",
    "keras.saving.load_model", "keras.layers.deserialize", "keras.saving.deserialize_keras_object", "os.system", "os.popen",
    "keras.models.model_from_json", "keras.config.enable_unsafe_deserialization",
}  # fmt: skip


def offences(source: str) -> list[str]:
    """What a source does of all this, by line."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found += [f"{node.lineno}: {alias.name}" for alias in node.names if alias.name.split(".")[0] in MODULES]
        elif isinstance(node, ast.ImportFrom):
            names = [f"{node.module}.{alias.name}" for alias in node.names]
            found += [
                f"{node.lineno}: {name}" for name in names if node.module.split(".")[0] in MODULES or name in METHODS
            ]
        elif isinstance(node, ast.Call):
            found += _of_call(node)
    return found


def _of_call(node: ast.Call) -> list[str]:
    called = ast.unparse(node.func)
    keywords = {keyword.arg: ast.unparse(keyword.value) for keyword in node.keywords}
    allowed = called == "torch.load" and keywords.get("weights_only") == "True"  # makes nothing but tensors
    found = [called] if (called in METHODS or called in CALLS) and not allowed else []
    if called in ("np.load", "numpy.load", "np.lib.format.read_array") and "allow_pickle" not in keywords:
        found.append(f"{called} without allow_pickle=False")
    if keywords.get("allow_pickle", "False") != "False":
        found.append("allow_pickle")
    if keywords.get("shell", "False") != "False":
        found.append("shell")
    if keywords.get("safe_mode", "True") != "True":
        found.append("safe_mode")
    return [f"{node.lineno}: {word}" for word in found]


def test_there_is_source_to_look_at():
    assert len(SOURCES) > 100


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_no_file_does(path):
    assert offences(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    "source",
    [
        "import pickle",
        "import numpy, joblib.memory",
        "def f():\n    from pickle import Unpickler",
        "from torch import load",
        "torch.load('a')",
        "torch.load('a', weights_only=chosen)",
        "yaml.load(text, Loader=yaml.Loader)",
        "np.load(path)",
        "np.load(path, allow_pickle=True)",
        "np.load(path, allow_pickle=chosen)",
        "read(allow_pickle=True)",
        "keras.models.load_model(path)",
        "model.load(path, safe_mode=False)",
        "eval(text)",
        "x = [exec(line) for line in lines]",
        "subprocess.run(command, shell=True)",
        "os.system('ls')",
    ],
)
def test_each_of_these_would_be_found(source):
    assert len(offences(source)) == 1


def test_what_is_safe_is_not_found():
    safe = [
        "np.load(path, allow_pickle=False)",
        "torch.load(path, weights_only=True)",
        "yaml.safe_load(text)",
        "re.compile('x')",
        "import pickletools",
        "model.compile()",
    ]
    assert offences("\n".join(safe)) == []
