"""The configs of the thesis, field by field against what it published."""

import math
from pathlib import Path

import pytest

from ganlab.config.loading import configs_at, load_config
from ganlab.config.schema import Form
from ganlab.reports.facts import Fact, facts_of, same
from ganlab.reports.published import read_publications

ROOT = Path(__file__).parents[2]
(STUDY,) = [study for study in read_publications(ROOT / "experiments") if study.name == "akel2022"]
NAMES = [f"exp{number:02d}" for number in range(1, 21)]
SHAPES = {"mnist": (28, 28, 1), "celeba": (40, 40, 3)}


def config_of(name):
    return load_config(ROOT / "configs" / f"{name}.yaml")


def published(name):
    (row,) = [rows[name] for rows in STUDY.experiments.values() if name in rows]
    return row


def test_every_experiment_has_a_row_and_a_config():
    assert [name for rows in STUDY.experiments.values() for name in rows] == NAMES
    assert sorted(path.stem for path in (ROOT / "configs").glob("exp*.yaml")) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_a_config_says_what_was_published(name):
    row, facts = published(name), facts_of(config_of(name), STUDY.layout.compare)
    assert set(facts) == set(row) - {"name", "experiment", "published_verdict", STUDY.layout.score}
    differing = {column: (text, row[column]) for column, text in facts.items() if not same(text, row[column])}
    assert differing == {}
    # The thesis has no columns for these, and its networks none of them.
    others = ("generator.layers.Dropout", "generator.layers.Conv2D.strides", "discriminator.layers.UpSampling2D")
    assert set(facts_of(config_of(name), {path: Fact(has=path) for path in others}).values()) == {"no"}


@pytest.mark.parametrize("path", configs_at(ROOT / "experiments" / "akel2022_widths"), ids=lambda path: path.stem)
def test_other_widths_change_nothing_that_was_published(path):
    config = load_config(path)
    row, facts = published(config.name.partition("_")[0]), facts_of(config, STUDY.layout.compare)
    assert config.name == path.stem and [c for c, text in facts.items() if not same(text, row[c])] == []


@pytest.mark.parametrize("name", NAMES)
def test_a_config_is_named_after_its_file_and_tells_its_published_score(name):
    assert config_of(name).name == name
    comment = (ROOT / "configs" / f"{name}.yaml").read_text().partition("\nname:")[0].replace("\n# ", " ")
    assert comment.startswith(f"# Experiment {int(name[3:])} of akel2022: ")
    assert f"Published FID {published(name)['fid']}" in comment


@pytest.mark.parametrize("name", NAMES)
def test_the_discriminator_is_updated_on_real_then_on_generated_images(name):
    train = config_of(name).train
    assert train.discriminator_batches == "alternate"
    assert train.share_latents == (name not in ("exp01", "exp11"))


@pytest.mark.parametrize("name", NAMES)
def test_only_a_critic_is_updated_five_times_and_clipped(name):
    config = config_of(name)
    critic = published(name)["derived_from"] == "WGAN"
    assert (config.train.discriminator_steps, config.clip_weights) == ((5, 0.01) if critic else (1, None))


@pytest.mark.parametrize("name", NAMES)
def test_files_are_saved_as_often_as_the_thesis_says(name):
    output = config_of(name).output
    every = 500 if published(name)["derived_from"] in ("GAN", "LSGAN") else 200
    assert (output.samples_every, output.checkpoint_every, output.keep_checkpoints) == (every, every, "all")


@pytest.mark.parametrize("strip", STUDY.layout.strips, ids=lambda strip: strip.title)
def test_the_steps_of_the_figures_have_samples(strip):
    config = config_of(strip.name)
    output = config.output
    assert strip.steps[-1] == config.train.steps
    assert STUDY.layout.strip_of(strip.name) is strip
    assert [step for step in strip.steps if step % output.samples_every and step not in output.samples_at] == []


def test_faces_are_those_of_the_thesis():
    for name in NAMES[10:]:
        data = config_of(name).data
        assert (data.name, data.image_size, data.limit) == ("celeba", 40, 50_000)


# Kinds of network; the others differ from one of these in numbers that no shape depends on.
@pytest.mark.parametrize(
    ("name", "generator", "discriminator"),
    [
        # Figures 4.4 and 4.5 print these two.
        ("exp01", 1_493_520, 533_505),
        ("exp09", None, None),
        ("exp12", None, None),
        ("exp14", None, None),
        ("exp18", None, None),
        # The discriminator of Figure 4.4 on 40 * 40 * 3 numbers.
        ("exp20", None, 4800 * 512 + 512 + 512 * 256 + 256 + 257),
    ],
)
def test_networks_fit_their_data(name, generator, discriminator):
    pytest.importorskip("keras")
    from ganlab.models.building import build_models

    config = config_of(name)
    networks = build_models(config, Form(SHAPES[config.data.name])).networks
    expected = {"generator": generator, "discriminator": discriminator}
    for network, count in expected.items():
        assert count is None or networks[network].model.count_params() == count
    side = SHAPES[config.data.name][0]
    convolutions = [layer for layer in networks["discriminator"].layers if type(layer).__name__ == "Conv2D"]
    strides = [layer.strides[0] for layer in convolutions]
    normalized = published(name)["discriminator_batch_norm_momentum"]
    assert strides == ([2, 2, 2, 1] if normalized else [2, 2, 2, 2])[: len(strides)]
    if convolutions:
        assert convolutions[-1].output.shape[1] == math.ceil(side / math.prod(strides))


def test_a_sigmoid_under_least_squares_is_a_layer_and_under_cross_entropy_is_none():
    for name in NAMES:
        last = config_of(name).discriminator.expanded()[-1]
        assert last.kind == "Dense" and last.arguments.get("activation") == ("sigmoid" if name == "exp09" else None)
