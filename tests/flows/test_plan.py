"""The folder of a run: found by its identity, whatever the config was called."""

import json

import pytest

from ganlab.flows.plan import plan_experiment
from tests.config.examples import changed, config_of


def began(plan, name, **status):
    """Writes the status of a run in a folder of that name, as a run of the plan would have left it."""
    folder = plan.folder.path.parent / name
    folder.mkdir(parents=True)
    (folder / "status.json").write_text(json.dumps({"status": "stopped", "identity": plan.identity} | status))
    return folder


@pytest.fixture
def plan(tmp_path):
    return plan_experiment(config_of(), tmp_path / "results")


def again(plan, *, name="example", **options):
    config = config_of(changed("name: example", f"name: {name}"))
    return plan_experiment(config, plan.folder.results, dataset=plan.dataset, **options)


def test_a_run_that_began_under_another_name_goes_on_in_its_folder(plan):
    folder = began(plan, plan.folder.path.name)
    assert again(plan, name="renamed").folder.path == folder
    assert again(plan, name="renamed", fresh=True).folder.path.name == f"{folder.name}-2"


def test_the_folder_of_its_own_name_comes_first(plan):
    began(plan, f"another{plan.folder.path.name.removeprefix('example')}")
    own = began(plan, plan.folder.path.name)
    assert again(plan).folder.path == own


@pytest.mark.parametrize("damage", ["other identity", "no status", "damaged", "link"])
def test_no_other_folder_is_taken_for_the_run(plan, damage, tmp_path):
    folder = began(plan, plan.folder.path.name, **({"identity": "0" * 64} if damage == "other identity" else {}))
    if damage == "no status":
        (folder / "status.json").unlink()
    if damage == "damaged":
        (folder / "status.json").write_text("{")
    if damage == "link":
        folder.rename(tmp_path / "elsewhere")
        folder.symlink_to(tmp_path / "elsewhere")
    assert again(plan, name="renamed").folder.path.name.startswith("renamed-seed0-")
