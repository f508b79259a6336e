"""The folder of a run: found by its identity, whatever the config was called."""

import dataclasses
import json

import pytest

from ganlab.data.dataset import Split
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


def identity_for(plan, labels, **changes):
    """The identity of a run that reads labels or not, on the plan's images with other facts and labels."""
    dataset = dataclasses.replace(plan.dataset, **changes)
    return plan_experiment(config_of(changed("", f"labels: {labels}")), plan.folder.results, dataset=dataset).identity


OWN = {"note": "not known to be the published digits"}


def relabelled(plan):
    return {"train": Split(plan.dataset.train.images, (plan.dataset.train.labels + 3) % 10)}


@pytest.mark.parametrize("own", [OWN, {"name": "folder"}], ids=["noted", "folder"])
def test_other_labels_of_ones_own_make_another_run_if_the_training_reads_labels(plan, own):
    assert identity_for(plan, "conditional", **own) != identity_for(plan, "conditional", **own, **relabelled(plan))
    assert identity_for(plan, "none", **own) == identity_for(plan, "none", **own, **relabelled(plan))


def test_published_labels_change_no_identity(plan):
    """Runs on disk are found by it."""
    assert identity_for(plan, "none") == plan.identity
    assert identity_for(plan, "conditional")[:8] == "44a6dbf8"
    assert identity_for(plan, "conditional", **OWN) != identity_for(plan, "conditional")
