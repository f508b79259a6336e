"""The folder of a run: found by its identity, whatever the config was called."""

import json

import pytest

from ganlab.errors import GanlabError
from ganlab.flows.plan import plan_experiment
from tests.config.examples import changed, config_of


def began(plan, name):
    """Writes the status of a run in a folder of that name, as a run of the plan would have left it."""
    folder = plan.folder.path.parent / name
    folder.mkdir(parents=True)
    (folder / "status.json").write_text(json.dumps({"status": "stopped", "identity": plan.identity}))
    return folder


@pytest.fixture
def plan(tmp_path):
    return plan_experiment(config_of(), tmp_path / "results")


def again(plan, *, name="example", **options):
    config = config_of(changed("name: example", f"name: {name}"))
    return plan_experiment(config, plan.folder.path.parents[1], dataset=plan.dataset, **options)


def test_a_run_that_began_under_another_name_goes_on_in_its_folder(plan):
    folder = began(plan, plan.folder.path.name)
    assert again(plan, name="renamed").folder.path == folder
    assert again(plan, name="renamed", fresh=True).folder.path.name == f"{folder.name}-2"


def test_the_folder_of_its_own_name_comes_first(plan):
    began(plan, f"another{plan.folder.path.name.removeprefix('example')}")
    own = began(plan, plan.folder.path.name)
    assert again(plan).folder.path == own


def test_no_other_run_is_taken_for_it(plan):
    name = plan.folder.path.name
    began(plan, name.replace("seed0", "seed1"))
    began(plan, name[:-1] + ("0" if name[-1] != "0" else "1"))
    assert again(plan, name="renamed").folder.path.name == name.replace("example", "renamed")


def test_a_link_is_refused_as_under_the_own_name(plan, tmp_path):
    folder = began(plan, plan.folder.path.name)
    folder.rename(tmp_path / "elsewhere")
    folder.symlink_to(tmp_path / "elsewhere")
    for name in ("example", "renamed"):
        with pytest.raises(GanlabError, match="link"):
            again(plan, name=name)
