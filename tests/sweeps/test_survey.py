import json
from dataclasses import replace

import pytest

from ganlab.config.loading import load_config
from ganlab.errors import ConfigError, MissingDataError
from ganlab.flows.plan import plan_experiment
from ganlab.sweeps.configs import configs_of
from ganlab.sweeps.jobs import Job
from ganlab.sweeps.survey import _look_at, _once_each, _told_once, survey
from tests.forks import survey_in_forks
from tests.sweeps.examples import CONFIG, write_config, write_study

# One survey with everything in it, for each has a process of its own.
STUDY = """\
matrix:
  latent.dim: [2, 4]
  generator.layers[1].Reshape.target_shape:
    - [8, 8, 1]
    - [4, 16, 1]
seeds: [0, 1]
"""


@pytest.fixture(scope="module")
def surveyed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("survey")
    path = write_study(folder, STUDY)
    write_config(folder, "gone.yaml", "{name: digits}", f"{{name: folder, source: {folder}/gone}}")
    write_config(folder, "optimizer.yaml", "{Adam: {learning_rate: 1e-3}}", "{Adam: {learning_rat: 1e-3}}")
    rename = (folder / "optimizer.yaml").read_text().replace("name: tiny", "name: optimizer")
    (folder / "optimizer.yaml").write_text(rename)
    # The same run as the cell of dim 2 with seed 1: neither name, family nor output changes a training.
    text = (folder / "base" / "tiny.yaml").read_text().replace("dim: 4", "dim: 2").replace("checkpoint_every: 20, ", "")
    (folder / "other.yaml").write_text(text.replace("name: tiny", "name: other\nseed: 1\nfamily: GAN"))
    configs, problems = configs_of(folder)
    assert problems == []
    with pytest.MonkeyPatch.context() as monkeypatch:
        survey_in_forks(monkeypatch)
        jobs, problems = survey(configs, folder / "results")
    return path, configs, jobs, problems


def test_right_configs_become_jobs_in_their_order(surveyed):
    _, _, jobs, _ = surveyed
    assert sorted((job.config.latent.dim, job.config.seed) for job in jobs) == [(2, 0), (2, 1), (4, 0), (4, 1)]
    assert all(job.flops > 0 and job.steps == 60 for job in jobs)
    flops = {job.config.latent.dim: job.flops for job in jobs}
    assert flops[2] < flops[4]


def test_seeds_share_a_cell_and_have_identities_of_their_own(surveyed):
    _, _, jobs, _ = surveyed
    assert len({(job.cell, job.config.latent.dim) for job in jobs}) == len({job.cell for job in jobs}) == 2
    assert len({job.identity for job in jobs}) == 4


def test_one_run_under_two_names_is_one_job(surveyed):
    _, configs, jobs, _ = surveyed
    assert [config.name for config in configs].count("other") == 1
    assert [(job.label, job.also_named) for job in jobs if job.also_named] == [
        ("other-seed1", ("tiny-dim=2,target_shape=8_8_1-seed1",))
    ]


@pytest.mark.parametrize(("states", "kept"), [({}, 0), ({2: "stopped"}, 2), ({1: "failed", 2: "finished"}, 2)])
def test_of_several_names_the_one_that_has_a_run_is_kept(tmp_path, states, kept):
    jobs = []
    for index, name in enumerate("abc"):
        config = load_config(write_config(tmp_path, f"{name}.yaml", "name: tiny", f"name: {name}"))
        jobs.append(Job(config, "c" * 64, "d" * 64, 60, tmp_path / "results" / "digits" / name))
        if index in states:
            jobs[-1].folder.mkdir(parents=True)
            (jobs[-1].folder / "status.json").write_text(json.dumps({"status": states[index]}))
    other_seed = replace(jobs[0], identity="e" * 64)
    job, other = _once_each([*jobs, other_seed], tmp_path / "results")
    assert job.label == jobs[kept].label
    assert job.also_named == tuple(other.label for other in jobs if other is not jobs[kept])
    assert other.identity == other_seed.identity and other.also_named == ()


def test_a_job_is_the_run_that_ganlab_run_plans(surveyed):
    path, _, jobs, _ = surveyed
    plan = plan_experiment(jobs[3].config, path.parent / "results")
    assert (plan.identity, plan.cell, plan.folder.path) == (jobs[3].identity, jobs[3].cell, jobs[3].folder)


def test_every_mistake_is_found_and_located_and_told_once_for_all_seeds(surveyed):
    path, _, _, problems = surveyed
    gone, optimizer, *shapes = map(str, problems)
    assert f"{path.parent}/gone" in gone and gone.endswith("found nothing. (in tiny)")
    assert isinstance(problems[0], MissingDataError)
    unknown = "generator.optimizer.Adam.learning_rat: unknown key. Did you mean 'learning_rate'?"
    assert optimizer == f"{path.parent}/optimizer.yaml:8:22: {unknown}"
    for shape, dim in zip(shapes, (2, 4), strict=True):
        layer = (
            f"{path.parent}/base/tiny.yaml:7:7: generator.layers[1].Reshape: ends in the shape (4, 16, 1), expected "
        )
        assert shape.startswith(layer) and shape.endswith(f" (in tiny-dim={dim},target_shape=4_16_1)")


def test_missing_data_are_told_with_the_configs_that_need_them():
    gone = MissingDataError("mnist: not here")
    mistakes = [(name, gone) for name in ("a", "a", "b", "c", "d", "e", "f", "g")]
    wrong = ConfigError("x/h.yaml:1:1: loss: unknown")
    found = _told_once([*mistakes, ("h", wrong)])
    assert [str(error) for error in found] == ["mnist: not here (in a, b, c, d, e and 2 more)", str(wrong)]
    assert isinstance(found[0], MissingDataError)


@pytest.mark.parametrize("wrong", [False, True])
def test_without_downloads_missing_data_are_a_mistake_of_a_checked_config(tmp_path, monkeypatch, wrong):
    monkeypatch.setenv("GANLAB_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("GANLAB_DATA", raising=False)
    text = CONFIG.replace("name: digits", "name: mnist").replace("[8, 8, 1]", "[8, 8, 1]" if wrong else "[28, 28, 1]")
    (tmp_path / "c.yaml").write_text(text.replace("units: 64", f"units: {64 if wrong else 784}"))
    found = _look_at(load_config(tmp_path / "c.yaml"), tmp_path / "results", False, False, {})
    if wrong:
        assert "generator.layers[1].Reshape: ends in the shape (8, 8, 1), expected (28, 28, 1)" in str(found)
    else:
        assert str(found) == "mnist is not on this machine; a sweep without --dry-run downloads it"
    assert not (tmp_path / "cache").exists()


def test_a_growing_run_is_planned_as_ganlab_run_plans_it(tmp_path):
    path = write_config(tmp_path, old="train: {steps: 60, batch_size: 16}", new="train: {batch_size: 16}")
    networks = path.read_text().replace("[8, 8, 1]", "[4, 4, 1]").replace("units: 64", "units: 16")
    path.write_text(f"{networks}phases: [{{image_size: 8, steps: 5}}, {{image_size: 4, steps: 5}}]\n")
    config = load_config(path)
    job = _look_at(config, tmp_path / "results", False, True, {})
    assert (job.identity, job.steps) == (plan_experiment(config, tmp_path / "results").identity, 10)


def test_a_survey_writes_nothing(surveyed):
    path, _, _, _ = surveyed
    assert not (path.parent / "results").exists()
