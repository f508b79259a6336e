"""The studies of experiments/: every published experiment has a config whose networks fit the data, and the other way round."""

import csv
from pathlib import Path

import pytest

from ganlab.config.loading import configs_at, load_config
from ganlab.data.registry import published_form
from ganlab.reports.published import read_publications

keras = pytest.importorskip("keras")

EXPERIMENTS = Path(__file__).parents[2] / "experiments"
STUDIES = ("imperial2019", "perry2023", "winkler2018")
CONFIGS = [path for study in (*STUDIES, "akel2022_widths") for path in configs_at(EXPERIMENTS / study)]


@pytest.fixture(scope="module")
def forgotten():
    yield
    keras.utils.clear_session()  # Keras keeps a list of the weights that it would still draw


@pytest.mark.parametrize("study", STUDIES)
def test_every_published_experiment_has_a_config_and_every_config_a_row(study):
    rows = list(csv.DictReader((EXPERIMENTS / study / "published.csv").open(encoding="utf-8")))
    configs = {config.name: config.data.name for config in map(load_config, configs_at(EXPERIMENTS / study))}
    assert configs == {row["name"]: row["dataset"] for row in rows} and len(configs) == len(rows)


@pytest.mark.parametrize("path", CONFIGS, ids=[path.stem for path in CONFIGS])
def test_the_networks_of_a_config_fit_its_data(path, forgotten):
    from ganlab.models.building import build_network

    config = load_config(path)
    with keras.StatelessScope(initialize_variables=False):  # weights with shapes and without numbers
        for network in config.networks:
            build_network(config, network, published_form(config.data))


def test_their_tables_are_read_without_a_mistake():
    found = {publication.name: publication for publication in read_publications(EXPERIMENTS)}
    assert all(found[study].layout.tables for study in STUDIES)
