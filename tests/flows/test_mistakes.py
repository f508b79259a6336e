"""All mistakes of a config at once, in the order of the file."""

import pytest
from PIL import Image

from ganlab.errors import ConfigError, MissingDataError
from ganlab.flows.check import check_config
from tests.config.examples import EXAMPLE

# Keys, layers, arguments, optimizers, data and metrics: a mistake in one hides none in another.
WRONG = """\
name: wrong
data: {name: digitz, limt: 4}
latnt: {dim: 0}
generator:
  layers:
    - Dense: {units: 64, activatio: tanh, use_bias: no}
    - Reshap: {target_shape: [8, 8, 1]}
    - {Dense: 3}
    - {repeat: x, layers: [Flatten]}
  optimizer: {Adm: {learning_rate: 1e-3}}
discriminator:
  layers:
    - repeat: 2
      layers: [{Dense: {unitz: 1, activation: rleu}}]
  optimizer: {Adam: {learning_rat: 1e-3}}
loss: hing
train: {steps: 60, batch_size: -16}
metrics: [fid5]
"""
FOUND = """\
:2:8: data.name: unknown data set 'digitz'. Did you mean 'digits'?
:2:22: data.limt: unknown key. Did you mean 'limit'?
:3:1: latnt: unknown key. Did you mean 'latent'?
:6:26: generator.layers[0].Dense.activatio: unknown key. Did you mean 'activation'?
:6:43: generator.layers[0].Dense.use_bias: expected true or false, received 'no'
:7:7: generator.layers[1].Reshap: unknown layer. Did you mean 'Reshape'?
:8:8: generator.layers[2].Dense: expected a mapping of arguments, received 3. Write Dense: {units: 3}.
:9:8: generator.layers[3].repeat: expected an integer from 1 to 1000, received 'x'
:10:15: generator.optimizer.Adm: unknown optimizer. Did you mean 'Adam'?
:14:25: discriminator.layers[0].layers[0].Dense.unitz: unknown key. Did you mean 'units'?
:14:35: discriminator.layers[0].layers[0].Dense.activation: unknown activation 'rleu'. Did you mean 'relu'?
:15:22: discriminator.optimizer.Adam.learning_rat: unknown key. Did you mean 'learning_rate'?
:16:1: loss: expected one of minimax, non_saturating, least_squares, wasserstein, hinge, relativistic, feature_matching, received 'hing'. Did you mean 'hinge'?
:17:20: train.batch_size: expected an integer >= 1, received -16
:18:11: metrics[0]: unknown metric 'fid5'. Did you mean 'fid5k'?
"""  # noqa: E501


def mistakes_of(path, text):
    path.write_text(text)
    with pytest.raises(ConfigError) as caught:
        check_config(path)
    return [caught.value, *caught.value.others]


def test_no_option_of_a_loss_or_a_penalty_hides_another(tmp_path):
    loss = "loss: {non_saturating: {real_labl: 1.0, fake_label: x, layer: hidden, flip_labels: 2}}"
    text = WRONG.replace("loss: hing", f"{loss}\npenalty: {{r3: {{}}, drgan: {{}}}}")
    found = [str(each).partition("c.yaml:")[2] for each in mistakes_of(tmp_path / "c.yaml", text)]
    assert [line for line in found if line.startswith(("16:", "17:"))] == [
        "16:25: loss.non_saturating.real_labl: unknown key. Did you mean 'real_label'?",
        "16:41: loss.non_saturating.fake_label: expected a number or [lowest, highest], received 'x'",
        "16:56: loss.non_saturating.layer: the loss non_saturating has no layer; those with it are feature_matching",
        "16:71: loss.non_saturating.flip_labels: expected a number from 0 to 1, received 2",
        "17:11: penalty.r3: unknown key. Expected one of: dragan, r1, r2, wgan_gp.",
        "17:19: penalty.drgan: unknown key. Did you mean 'dragan'?",
    ]


def test_no_mistake_hides_another(tmp_path):
    path = tmp_path / "c.yaml"
    found = mistakes_of(path, WRONG)
    assert [str(each) for each in found] == [f"{path}{line}" for line in FOUND.splitlines()]
    first = {"file": str(path), "line": 2, "column": 8, "key": "data.name"}
    assert found[0].details == first | {"message": "unknown data set 'digitz'. Did you mean 'digits'?"}


def test_shapes_and_metrics_of_right_keys_are_told_together(tmp_path):
    text = (
        EXAMPLE.replace("[8, 8, 1]", "[4, 16, 1]").replace("units: 1}", "units: 2}") + "metrics: [fid5, fd5k_random]\n"
    )
    keys = ("generator.layers[2].Reshape", "discriminator.layers[1].Dense", "metrics[0]", "metrics[1]")
    assert [each.details["key"] for each in mistakes_of(tmp_path / "c.yaml", text)] == list(keys)


@pytest.mark.parametrize(("text", "line"), [("objective: [gan]", ":1:1: objective: "), ("a: [", ":2:1: syntax error")])
def test_what_cannot_be_read_further_is_one_mistake(tmp_path, text, line):
    (found,) = mistakes_of(tmp_path / "c.yaml", text)
    assert str(found).startswith(f"{tmp_path / 'c.yaml'}{line}")


@pytest.mark.parametrize("backend", ["jax", "torch", "tensorflow"])
def test_a_backend_that_is_not_loaded_hides_no_mistake(tmp_path, backend):
    text = EXAMPLE.replace("dim: 64", "dim: 0").replace("LeakyReLU", "Leaky") + f"backend: {backend}\nmetrics: [fid5]\n"
    keys = [each.details["key"] for each in mistakes_of(tmp_path / "c.yaml", text)]
    assert keys == ["latent.dim", "generator.layers[1].layers[1].Leaky", "metrics[0]"]


@pytest.mark.parametrize("layers", ["[]", "3", "[{repeat: 1000, layers: [{repeat: 1000, layers: [Flatten]}]}]"])
def test_a_network_that_cannot_be_read_hides_no_other(tmp_path, layers):
    head, _, tail = EXAMPLE.replace("LeakyReLU", "Leaky").rpartition(
        "  layers:\n    - Flatten\n    - Dense: {units: 1}\n"
    )
    found = mistakes_of(tmp_path / "c.yaml", f"{head}  layers: {layers}\n{tail}")
    assert [each.details["key"] for each in found] == ["generator.layers[1].layers[1].Leaky", "discriminator.layers"]


def test_missing_data_hide_no_mistake(tmp_path):
    path = tmp_path / "c.yaml"
    path.write_text(EXAMPLE.replace("name: digits", "name: folder, source: gone").replace("LeakyReLU", "Leaky"))
    with pytest.raises(MissingDataError) as caught:
        check_config(path)
    assert [each.details["key"] for each in caught.value.others] == ["generator.layers[1].layers[1].Leaky"]


def test_a_mistake_in_made_data_has_its_place_and_hides_no_other(tmp_path):
    text = EXAMPLE.replace("name: digits", "name: tiny_digits, limit: 50") + "metrics: [fid5]\n"
    found = mistakes_of(tmp_path / "c.yaml", text)
    assert [each.details["key"] for each in found] == ["data.limit", "metrics[0]"]


def test_a_study_is_no_config(tmp_path):
    (found,) = mistakes_of(tmp_path / "study.yaml", "base: a.yaml\nmatrix: {loss: [hinge]}\n")
    assert str(found).endswith(
        "received a study; 'ganlab sweep " + str(tmp_path / "study.yaml") + " --dry-run' checks its cells"
    )


@pytest.mark.parametrize(
    "wrong", ["limit: 90%", "classes: true", "grayscale: true", "range: [-1, 1]", "image_size: 0", "lmit: 3"]
)
def test_one_wrong_key_of_data_is_one_mistake(tmp_path, wrong):
    key = wrong.partition(":")[0]
    text = EXAMPLE.replace("name: digits", f"name: folder, source: photos, {wrong}")
    assert [each.details["key"] for each in mistakes_of(tmp_path / "c.yaml", text)] == [f"data.{key}"]


def test_pictures_beside_the_config_are_found_in_spite_of_a_mistake(tmp_path, monkeypatch):
    for folder, count in (("photos", 4), ("elsewhere/photos", 1)):
        (tmp_path / folder).mkdir(parents=True)
        for index in range(count):
            Image.new("L", (8, 8), index).save(tmp_path / folder / f"{index}.png")
    monkeypatch.chdir(tmp_path / "elsewhere")
    text = EXAMPLE.replace("name: digits", "name: folder, source: photos, limit: 3").replace("dim: 64", "dim: 0")
    found = mistakes_of(tmp_path / "c.yaml", text)
    assert [each.details["key"] for each in found] == ["latent.dim"]
