"""The wheel: what it holds, and that it works outside a clone."""

import configparser
import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
import yaml

import ganlab

ROOT = Path(__file__).parents[1]
SOURCES = ("ganlab", "configs", "experiments", "setup.cfg", "pyproject.toml", "README.md", "LICENSE")
SETUP = configparser.ConfigParser()
SETUP.read(ROOT / "setup.cfg")


def test_lists_every_package():
    found = {".".join(file.parent.relative_to(ROOT).parts) for file in (ROOT / "ganlab").rglob("__init__.py")}
    assert {*SETUP["options"]["packages"].split()} == found | {"ganlab.configs", "ganlab.experiments"}


def test_every_extra_is_used():
    """An extra is a backend, a device, or a package that some module or test imports."""
    texts = "".join(file.read_text() for folder in ("ganlab", "tests") for file in (ROOT / folder).rglob("*.py"))
    for name, packages in SETUP["options.extras_require"].items():
        if name not in ("cuda", "docs", "dev"):
            imported = re.split("[>[]", packages.split()[0])[0].replace("-", "_")
            assert f"import {imported}" in texts or f"from {imported}" in texts, name


def test_continuous_integration_uses_the_least_python_version_and_commands_of_the_makefile():
    jobs = yaml.safe_load((ROOT / ".github" / "workflows" / "test.yml").read_text())["jobs"]
    least = SETUP["options"]["python_requires"].removeprefix(">=")
    assert jobs["test"]["strategy"]["matrix"]["python"][0] == least
    commands = [step["run"] for step in jobs["test"]["steps"] if "run" in step]
    targets = re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert commands and all(command.removeprefix("make ") in targets for command in commands)


def test_the_citation_has_the_version_and_the_licence():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert citation["version"] == ganlab.__version__
    assert citation["license"] == SETUP["metadata"]["license"] == (ROOT / "LICENSE").read_text().split()[0]


@pytest.mark.slow
class TestWheel:
    @pytest.fixture(scope="class")
    def installed(self, tmp_path_factory):
        """The folder of an unpacked wheel, built from the sdist as pip does."""
        folder = tmp_path_factory.mktemp("wheel")
        (folder / "clone").mkdir()
        for name in SOURCES:
            copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
            copy(ROOT / name, folder / "clone" / name)
        built = _build("sdist", folder / "clone", folder)
        shutil.unpack_archive(built, folder / "sdist", filter="data")
        (source,) = (folder / "sdist").iterdir()
        with zipfile.ZipFile(_build("wheel", source, folder)) as wheel:
            wheel.extractall(folder / "site")
        return folder / "site"

    def test_holds_configs_studies_and_data(self, installed):
        for name, patterns in (("configs", ["*.yaml"]), ("experiments", ["*.yaml", "*.csv", "*.md"])):
            there = {file.relative_to(ROOT / name) for pattern in patterns for file in (ROOT / name).rglob(pattern)}
            inside = installed / "ganlab" / name
            assert there == {file.relative_to(inside) for file in inside.rglob("*") if file.is_file()}
        assert (installed / "ganlab" / "py.typed").exists()
        (licence,) = installed.glob("ganlab-*.dist-info/**/LICENSE")  # in licenses/ by newer setuptools
        assert licence.read_text() == (ROOT / "LICENSE").read_text()
        assert list((installed / "ganlab" / "metrics" / "weights").glob("*.h5"))

    def test_works_outside_a_clone(self, installed, tmp_path):
        def python(*words):
            # The unpacked wheel comes before the clone; the other packages are those of this environment.
            variables = os.environ | {"PYTHONPATH": str(installed), "GANLAB_CACHE": str(tmp_path / "cache")}
            command = [sys.executable, *words]
            done = subprocess.run(command, cwd=tmp_path, env=variables, capture_output=True, text=True, check=False)
            assert done.returncode == 0, done.stderr
            return done.stdout

        where = python("-c", "import ganlab; print(ganlab.__file__)")
        assert Path(where.strip()).is_relative_to(installed)
        python("-m", "ganlab", "run", "quickstart", "-q", "-o", "train.steps=20", "-o", "metrics=[]")
        assert "quickstart" in python("-m", "ganlab", "ls")
        shipped = "from ganlab.config.shipped import studies_folder; print(*(each.name for each in studies_folder().iterdir()))"
        assert {"akel2022", "winkler2018"} <= {*python("-c", shipped).split()}


def _build(kind: str, source: Path, out: Path) -> Path:
    program = f"from setuptools import build_meta; print(build_meta.build_{kind}({str(out)!r}))"
    done = subprocess.run([sys.executable, "-c", program], cwd=source, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return out / done.stdout.split()[-1]
