"""The data of a run are refused if they are not those of its training."""

import json

import pytest
from PIL import Image

from ganlab.data.dataset import fingerprint_of
from ganlab.data.registry import load_dataset
from ganlab.errors import GanlabError
from ganlab.flows.load import Checkpointed, load_training_data
from ganlab.runs.folder import RunFolder
from tests.config.examples import changed, config_of
from tests.data.samples import noise


def classified(folder, classes):
    """Two pictures, each in the sub-folder of its class; equal pixels whatever the classes are."""
    for number, name in enumerate(classes):
        (folder / name).mkdir(parents=True, exist_ok=True)
        Image.fromarray(noise(8, 8, seed=number)).save(folder / name / f"{number}.png")


@pytest.fixture
def trained(tmp_path):
    """A run on pictures of two classes."""
    classified(tmp_path / "photos", "ab")
    data = f"name: folder, source: {tmp_path / 'photos'}, classes: folders"
    config = config_of(changed("name: digits", data))
    dataset = load_dataset(config.data)
    folder = RunFolder(tmp_path / "results" / "folder" / "run")
    folder.path.mkdir(parents=True)
    loaded = Checkpointed(folder, config, 1, None, [])

    def write(**facts):
        folder.status_file.write_text(
            json.dumps({"status": "finished", "data_fingerprint": dataset.fingerprint} | facts)
        )

    return loaded, dataset, write


def test_labels_that_were_read_are_compared(trained, tmp_path):
    loaded, dataset, write = trained
    write(label_fingerprint=fingerprint_of(dataset.train.labels))
    assert load_training_data(loaded).train.labels.tolist() == [0, 1]
    write(label_fingerprint="0" * 64)
    with pytest.raises(
        GanlabError, match=r"the data of folder here \(.*photos\) have other labels than its training data$"
    ):
        load_training_data(loaded)


def test_a_run_that_names_no_labels_may_be_measured_with_any(trained):
    loaded, _, write = trained
    write()
    assert load_training_data(loaded).count == 2
