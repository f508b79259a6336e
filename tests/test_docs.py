"""Documentation is executed: what it lists is complete, what it shows is true, where it points there is something."""

import re
import shlex
import shutil
from pathlib import Path
from typing import get_args, get_origin

import click
import pytest
import yaml
from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from docs import make_api
from docs.make_cli import PAGE, page
from ganlab.cli.main import COMMANDS, cli, main
from ganlab.config.descriptions import CONFIG
from ganlab.config.loading import build_config, load_config
from ganlab.config.merging import merge
from ganlab.config.reader import parse_yaml
from ganlab.metrics.names import NAMES
from ganlab.objectives import OBJECTIVES
from ganlab.objectives.loss_config import Choice, ClassLoss, Loss, Penalty
from tests.forks import runs_in_forks, survey_in_forks

ROOT = Path(__file__).parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("experiments/**/*.md")])
TEXTS = {page.relative_to(ROOT).as_posix(): page.read_text(encoding="utf-8") for page in PAGES}


def table_rows(text: str, heading: str) -> list[list[str]]:
    """The cells of the first table under a heading, head and rule left out."""
    section = text.partition(f"\n{heading}\n")[2]  # nothing where there is no such heading
    lines = [line for line in re.split(r"\n##+ ", section, maxsplit=1)[0].splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def blocks(language: str) -> list:
    """Fenced blocks of a language in all pages, as test parameters."""
    found = []
    for name, text in TEXTS.items():
        for match in re.finditer(rf"^```{language}\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
            line = text.count("\n", 0, match.start()) + 1
            found.append(pytest.param(match[1], id=f"{name}:{line}"))
    return found


def _context() -> click.Context:
    """That of `ganlab`: a command keeps the words for help of the first context that it is given."""
    return click.Context(cli, **cli.context_settings)


class TestCommands:
    def test_every_command_and_option_has_help(self):
        context = click.Context(cli)
        for name in COMMANDS:
            command = cli.get_command(context, name)
            assert command.help, name
            lacking = [p.name for p in command.params if isinstance(p, click.Option) and not p.help]
            assert set(lacking) <= {"results", "count", "format_name"}, (name, lacking)  # their names say it

    def test_the_reference_is_what_the_program_prints(self):
        assert PAGE.read_text(encoding="utf-8") == page(), "docs/cli.md is old; 'make docs' writes it"

    @pytest.mark.parametrize("name", COMMANDS)
    def test_the_readme_or_a_page_shows_each_command(self, name):
        assert any(f"ganlab {name}" in text for page, text in TEXTS.items() if page != "docs/cli.md")


def schema_keys(model: type[BaseModel], prefix: str = "") -> dict[str, object]:
    """Dotted key -> default of every key of one objective's configs; sections and lists of sections are entered."""
    found = {}
    for name, field in model.model_fields.items():
        kind, default = field.annotation, field.get_default(call_default_factory=True)
        (inner,) = get_args(kind) if get_origin(kind) is list else (None,)
        if not prefix and name == "objective":
            found[name] = next(iter(OBJECTIVES))  # the language's default, whichever objective this is
            if _is_section(kind):
                found |= schema_keys(kind, "objective.")
        elif _is_section(kind) and not issubclass(kind, Choice):
            found |= schema_keys(kind, f"{prefix}{name}.")
        elif name != "penalty":
            found[f"{prefix}{name}"] = default.name if isinstance(default, Choice) else default
        if _is_section(inner):
            found |= schema_keys(inner, f"{prefix}{name}[].")
    return found


def _is_section(kind: object) -> bool:
    return isinstance(kind, type) and issubclass(kind, BaseModel)


KEYS = {name: schema_keys(kind.config) for name, kind in OBJECTIVES.items()}
SHARED = set.intersection(*map(set, KEYS.values()))
CHOICES = {"loss": Loss, "class_loss": ClassLoss}


def inherited(objective: str) -> set[str]:
    """The keys that stand in the table of the objective whose config this objective's config extends."""
    bases = OBJECTIVES[objective].config.__mro__[1:]
    extended = [name for name, kind in OBJECTIVES.items() if kind.config in bases]
    return {key for name in extended for key in TABLES[f"### Keys of {name}"]}


PARTS = [f"{key}.NAME.{name}" for key, kind in CHOICES.items() for name in kind.model_fields if name != "name"]
PARTS += [f"penalty.NAME.{name}" for name in Penalty.model_fields]
TABLES = {
    heading: {row[0].strip("`"): row for row in table_rows(TEXTS["docs/config.md"], heading)}
    for heading in ("## Every key", *(f"### Keys of {name}" for name in OBJECTIVES))
}
README_COMMANDS = re.findall(r"^    (ganlab .*)$", TEXTS["README.md"], re.MULTILINE)


class TestConfigPage:
    def test_lists_every_key_that_all_objectives_have_and_no_other(self):
        assert TABLES["## Every key"].keys() == {*SHARED, "extends"}

    @pytest.mark.parametrize("objective", OBJECTIVES)
    def test_lists_every_key_of_an_objective_and_no_other(self, objective):
        parts = PARTS if "loss" in KEYS[objective] else []
        assert TABLES[f"### Keys of {objective}"].keys() == {*KEYS[objective].keys() - SHARED, *parts} - inherited(
            objective
        )

    @pytest.mark.parametrize(("objective", "key"), [(name, key) for name, keys in KEYS.items() for key in keys])
    def test_says_the_default(self, objective, key):
        heading = "## Every key" if key in SHARED else f"### Keys of {objective}"
        if key in inherited(objective):
            heading = "### Keys of gan"
        shown, default = TABLES[heading][key][2], KEYS[objective][key]
        if key == "name":
            assert shown == "the file's name"
        elif key == "family":
            assert f"`{default}`" in shown
        elif default is PydanticUndefined:
            assert shown == "required"
        else:
            assert yaml.safe_load(shown.strip("`")) == default

    def test_says_what_editors_say_of_a_key(self):
        said = {key: row[3] for table in TABLES.values() for key, row in table.items()}
        plain = {key: re.sub(r"(: |, see )\[[^]]*\]\([^)]*\)", "", cell) for key, cell in said.items()}
        assert {key: CONFIG[key] for key in plain} == plain
        assert {
            key for key in CONFIG if key not in plain and not any(each.startswith(f"{key}.") for each in plain)
        } == set()

    def test_describes_every_loss_and_penalty_and_layer(self):
        from ganlab.models.layers import LAYERS
        from ganlab.training.class_losses import CLASS_LOSSES
        from ganlab.training.losses import LOSSES
        from ganlab.training.penalties import PENALTIES

        tables = (("## Losses", LOSSES), ("## Class losses", CLASS_LOSSES), ("## Penalties", PENALTIES))
        for heading, names in tables:
            assert {row[0].strip("`") for row in table_rows(TEXTS["docs/config.md"], heading)} == set(names)
        for name in LAYERS:
            assert f"| `{name}` |" in TEXTS["docs/config.md"]

    def test_says_the_weight_of_each_penalty(self):
        from ganlab.training.penalties import PENALTIES

        rows = table_rows(TEXTS["docs/config.md"], "## Penalties")
        weights = {name: penalty.weight for name, penalty in PENALTIES.items()}
        assert {row[0].strip("`"): float(row[1]) for row in rows} == weights

    def test_lists_every_data_set(self):
        from ganlab.data.registry import DATASETS

        assert {row[0].strip("`") for row in table_rows(TEXTS["docs/config.md"], "## Data")} == set(DATASETS)


class TestYaml:
    @pytest.mark.parametrize("text", blocks("yaml"))
    def test_a_block_is_a_config_or_fits_into_one(self, text, tmp_path):
        document = parse_yaml(text, "block.yaml")
        if {"generator", "discriminator", "loss", "train"} <= document.data.keys() or "objective" in document.data:
            build_config(document)
        elif "extends" in document.data:
            folder = shutil.copytree(ROOT / "configs", tmp_path / "configs")
            (folder / "block.yaml").write_text(text)
            load_config(folder / "block.yaml")
        else:
            base = parse_yaml((ROOT / "configs" / "quickstart.yaml").read_text(), "quickstart.yaml")
            build_config(type(document)(merge(base.root, document.root)))


class TestMetricsPage:
    def test_describes_every_metric(self):
        for name in NAMES:
            assert {f"`{name}`", f"`{name.removesuffix('_test')}`"} & {
                *re.findall("`[^`]*`", TEXTS["docs/metrics.md"])
            }, name


class TestRunFolderPage:
    def test_describes_every_file_of_a_run(self):
        from tests.cli.experiments import FILES

        text = TEXTS["docs/run-folder.md"]
        for file in FILES.split():
            assert re.sub(r"\d{6}", "NNNNNN", file).rsplit("/", 1)[-1] in text, file

    def test_describes_every_key_of_the_summary(self):
        from ganlab.runs.forms import Metric, Summary

        for key in [*Summary.model_fields, *Metric.model_fields]:
            assert f"`{key}`" in TEXTS["docs/run-folder.md"], key


class TestReadme:
    def test_has_commands(self):
        assert len(README_COMMANDS) >= 8

    @pytest.mark.parametrize("line", README_COMMANDS)
    def test_a_command_is_one_that_the_program_has(self, line):
        _, name, *words = shlex.split(line, comments=True)
        context = _context()
        command = cli.get_command(context, name)
        command.make_context(name, words, parent=context)  # raises for an option or a word that there is not

    @pytest.mark.slow
    def test_the_tour_runs_from_top_to_bottom(self, tmp_path, monkeypatch, capfd):
        """Each command as it stands, the trainings cut to 20 steps."""
        (tmp_path / "configs").symlink_to(ROOT / "configs")
        monkeypatch.chdir(tmp_path)
        monkeypatch.setenv("GANLAB_CACHE", str(tmp_path / "cache"))
        for line in README_COMMANDS:
            if "mnist" in line:
                continue  # needs data that not every machine has
            words = shlex.split(line, comments=True)[1:]
            short = ["-o", "train.steps=20", "-o", "output.checkpoint_every=10"] if words[0] == "run" else []
            with pytest.raises(SystemExit) as caught:
                main([*words, *short])
            assert caught.value.code == 0, (line, capfd.readouterr().err)


class TestPythonReference:
    def test_is_what_the_docstrings_say(self):
        assert make_api.PAGE.read_text(encoding="utf-8") == make_api.page(), "docs/api.md is old; 'make docs' writes it"

    def test_a_long_signature_has_a_parameter_a_line_and_items_are_a_list(self):
        text = make_api.page()
        assert "\n    results: str | PathLike[str] = 'results',\n" in text and "\n) -> list[Run]\n" in text
        assert "\n- `jobs`: runs at a time.\n" in text and "\n### Run.sample\n" in text


class TestSite:
    def test_builds_without_a_warning_and_has_every_page(self, tmp_path, caplog):
        pytest.importorskip("material", reason="the extra 'docs' is not installed")
        from mkdocs.commands.build import build
        from mkdocs.config import load_config as load_site

        config = load_site(str(ROOT / "mkdocs.yml"), site_dir=str(tmp_path / "site"))
        config.plugins.on_startup(command="build", dirty=False)
        build(config)
        assert [record.getMessage() for record in caplog.records if record.levelname in ("WARNING", "ERROR")] == []
        built = {str(path.parent.relative_to(tmp_path / "site")) for path in (tmp_path / "site").rglob("index.html")}
        assert built >= {name.removesuffix("README.md").removesuffix(".md").rstrip("/") or "." for name in TEXTS}

    def test_its_menu_has_every_page(self):
        menu = re.findall(r"^ +- .*: (\S+\.md)$", (ROOT / "mkdocs.yml").read_text(encoding="utf-8"), re.MULTILINE)
        assert sorted(menu) == sorted(TEXTS)


class TestPythonPage:
    @pytest.mark.slow
    def test_its_blocks_run_one_after_another(self, tmp_path, monkeypatch, capsys):
        monkeypatch.chdir(tmp_path)
        monkeypatch.setenv("GANLAB_CACHE", str(tmp_path / "cache"))
        survey_in_forks(monkeypatch)
        runs_in_forks(monkeypatch)
        text = TEXTS["docs/python.md"]
        program = "\n".join(re.findall(r"^```python\n(.*?)^```", text, re.MULTILINE | re.DOTALL))
        names: dict = {}
        exec(compile(program, "docs/python.md", "exec"), names)
        assert names["images"].shape == (16, 8, 8, 1) and len(names["runs"]) == 2
        assert list(names["table"]["n"]) == [2]
        (said,) = re.findall(r"^\n```\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
        assert capsys.readouterr().out.endswith(said)


class TestDockerfile:
    def test_copies_files_of_the_repository_and_installs_an_extra_that_there_is(self):
        text = (ROOT / "Dockerfile").read_text(encoding="utf-8")
        copied = [word for line in re.findall(r"^COPY (.*)$", text, re.MULTILINE) for word in line.split()[:-1]]
        assert "setup.cfg" in copied and all((ROOT / word).exists() for word in copied)
        extras = set(re.findall(r"EXTRAS=(\w+)", text + TEXTS["README.md"] + TEXTS["docs/cluster.md"]))
        setup = (ROOT / "setup.cfg").read_text(encoding="utf-8")
        assert extras == {"cuda", "ray"} and all(f"\n{extra} = " in setup for extra in extras)


class TestKubernetes:
    CLAIM, JOB = yaml.safe_load_all((ROOT / "docs" / "kuberay.yaml").read_text(encoding="utf-8"))

    def pods(self) -> list[dict]:
        cluster = self.JOB["spec"]["rayClusterSpec"]
        return [group["template"]["spec"] for group in (cluster["headGroupSpec"], *cluster["workerGroupSpecs"])]

    def test_the_sweep_is_a_command_of_the_program_whose_folders_every_pod_sees(self):
        _, name, *words = shlex.split(self.JOB["spec"]["entrypoint"])
        context = _context()
        given = cli.get_command(context, name).make_context(name, words, parent=context).params
        assert given["on"] == "ray" and self.CLAIM["spec"]["accessModes"] == ["ReadWriteMany"]
        for pod in self.pods():
            (volume,), (container,) = pod["volumes"], pod["containers"]
            (mount,) = container["volumeMounts"]
            assert volume["persistentVolumeClaim"]["claimName"] == self.CLAIM["metadata"]["name"]
            assert mount["name"] == volume["name"]
            places = [given["results"], *given["paths"], *(Path(each["value"]) for each in container["env"])]
            assert all(place.is_relative_to(mount["mountPath"]) for place in places)

    def test_every_pod_has_the_image_that_the_page_builds(self):
        (image,) = {container["image"] for pod in self.pods() for container in pod["containers"]}
        assert f"docker build -t {image} " in TEXTS["docs/cluster.md"]
        assert f"BASE=rayproject/ray:{self.JOB['spec']['rayClusterSpec']['rayVersion']}-py" in TEXTS["docs/cluster.md"]


class TestLinks:
    @pytest.mark.parametrize("name", TEXTS)
    def test_what_a_page_points_to_is_there(self, name):
        folder = (ROOT / name).parent
        for target in re.findall(r"\]\(([^)\s]+)\)", TEXTS[name]):
            if "://" in target:
                continue
            path, _, anchor = target.partition("#")
            page = (folder / path).resolve() if path else ROOT / name
            assert page.exists() and page.is_relative_to(ROOT), f"{name}: {target}"
            if anchor:
                headings = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
                assert anchor in {_anchor(heading) for heading in headings}, f"{name}: {target}"

    @pytest.mark.parametrize("name", TEXTS)
    def test_a_page_names_only_files_of_the_repository(self, name):
        for path in re.findall(r"`((?:ganlab|tests|configs|docs|benchmarks|experiments)/[\w./-]+)`", TEXTS[name]):
            assert (ROOT / path).exists(), f"{name}: {path}"
        assert not re.search(r"(?<![\w.])(/work|/tmp|/home|/root)/|\.\./shared(?!/data)", TEXTS[name])


def _anchor(heading: str) -> str:
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
