import pytest

from ganlab.errors import MissingDataError
from ganlab.flows.plan import plan_experiment
from ganlab.sweep.configs import configs_of
from ganlab.sweep.survey import survey
from tests.sweep.examples import write_config, write_study

# One survey with everything in it, for each loads a framework in its own process.
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
    configs, problems = configs_of(folder)
    assert problems == []
    jobs, problems = survey(configs, folder / "results")
    return path, configs, jobs, problems


def test_right_configs_become_jobs_in_their_order(surveyed):
    _, _, jobs, _ = surveyed
    assert [(job.config.latent.dim, job.config.seed) for job in jobs] == [(2, 0), (2, 1), (4, 0), (4, 1)]
    assert all(job.flops > 0 and job.steps == 60 for job in jobs)
    assert jobs[0].flops < jobs[2].flops


def test_seeds_share_a_cell_and_have_identities_of_their_own(surveyed):
    _, _, jobs, _ = surveyed
    assert jobs[0].cell == jobs[1].cell != jobs[2].cell
    assert len({job.identity for job in jobs}) == 4


def test_a_job_is_the_run_that_ganlab_run_plans(surveyed):
    path, _, jobs, _ = surveyed
    plan = plan_experiment(jobs[3].config, path.parent / "results")
    assert (plan.identity, plan.cell, plan.folder.path) == (jobs[3].identity, jobs[3].cell, jobs[3].folder)


def test_every_mistake_is_found_and_located_and_told_once_for_all_seeds(surveyed):
    path, _, _, problems = surveyed
    gone, optimizer, *shapes = map(str, problems)
    assert f"{path.parent}/gone" in gone and isinstance(problems[0], MissingDataError)
    unknown = "generator.optimizer.Adam.learning_rat: unknown key. Did you mean 'learning_rate'?"
    assert optimizer == f"{path.parent}/optimizer.yaml:8:22: {unknown}"
    for shape, dim in zip(shapes, (2, 4), strict=True):
        layer = (
            f"{path.parent}/base/tiny.yaml:7:7: generator.layers[1].Reshape: ends in the shape (4, 16, 1), expected "
        )
        assert shape.startswith(layer) and shape.endswith(f" (in tiny-dim_{dim}-target_shape_4_16_1)")


def test_a_survey_writes_nothing(surveyed):
    path, _, _, _ = surveyed
    assert not (path.parent / "results").exists()
