# ruff: noqa: E501 (tables with one case a line)
import pytest

from ganlab import objectives
from ganlab.config.loading import resolve_config
from ganlab.config.network import LayerSpec
from ganlab.config.reader import parse_yaml
from ganlab.errors import ConfigError
from ganlab.training import class_losses, losses
from tests.config.examples import EXAMPLE, changed, config_of

CLASS_LOSSES = ", ".join(class_losses.CLASS_LOSSES)
LOSSES, OBJECTIVES = ", ".join(losses.LOSSES), ", ".join(objectives.OBJECTIVES)
NAME = "a name of at most 80 letters, digits, '.', '_', '-', '=' and ',' that begins with a letter or digit"
LAYER = "a layer as Name, {Name: {arguments}}, {repeat: N, layers: [...]} or {merge: Name, branches: {...}}"

# What is replaced in the example, by what, and the whole message.
WRONG = [
    ("name: example", "nam: example", "c.yaml:1:1: nam: unknown key. Did you mean 'name'?"),
    ("name: example", "name: ../up", f"c.yaml:1:1: name: expected {NAME}, received '../up'"),
    ("name: example", f"name: {'x' * 81}", f"c.yaml:1:1: name: expected {NAME}, received '{'x' * 55}...'"),
    ("name: example", "name: example\nseed: -1", "c.yaml:2:1: seed: expected an integer >= 0, received -1"),
    ("name: example", "name: example\nseed: 1.0", "c.yaml:2:1: seed: expected an integer >= 0, received 1.0"),
    ("name: example", "name: example\noutput: {histograms: [dens]}", "c.yaml:2:23: output.histograms[0]: no layer of a network has the name 'dens'. Did you mean 'dense'?"),
    ("name: example", "name: example\noutput: {histograms: dense}", "c.yaml:2:10: output.histograms: expected a list, received 'dense'"),
    ("name: example", "extend: base.yaml", "c.yaml:1:1: extend: unknown key. Did you mean 'extends'?"),
    ("data: {name: digits}\n", "", "c.yaml:1:1: data: missing; expected a mapping with name"),
    ("latent: {dim: 64}\n", "", "c.yaml:1:1: latent: missing; expected a mapping with dim"),
    ("loss: non_saturating\n", "", f"c.yaml:1:1: loss: missing; expected one of {LOSSES}"),
    ("{name: digits}", "digits", "c.yaml:2:1: data: expected a mapping, received 'digits'. Write {name: digits}."),
    ("{name: digits}", "{nme: digits}", "c.yaml:2:8: data.nme: unknown key. Did you mean 'name'?"),
    ("{name: digits}", "{name: digits, classes: folders}", "c.yaml:2:22: data.classes: expected only with 'name: folder', received with 'name: digits'"),
    ("{name: digits}", "{name: folder, classes: folder}", "c.yaml:2:22: data.classes: expected folders or null, received 'folder'. Did you mean 'folders'?"),
    ("{name: digits}", "{name: digits, image_size: 0}", "c.yaml:2:22: data.image_size: expected an integer from 1 to 1024 or null, received 0"),
    ("{name: digits}", "{name: digits, limit: many}", "c.yaml:2:22: data.limit: expected an integer >= 1 or null, received 'many'"),
    ("{name: digits}", "{name: digits, range: tan}", "c.yaml:2:22: data.range: expected one of tanh, sigmoid, received 'tan'. Did you mean 'tanh'?"),
    ("{name: digits}", "{name: digits, grayscale: true}", "c.yaml:2:22: data.grayscale: expected luminosity or null, received true"),
    ("{name: digits}", "{name: folder, source: x, split: all}", "c.yaml:2:33: data.split: expected train with 'name: folder', which has no test part, received all"),
    ("{name: digits}", "{name: digits, source: x}", "c.yaml:2:22: data.source: expected only with 'name: folder', received with 'name: digits'"),
    ("dim: 64", "dim: many", "c.yaml:3:10: latent.dim: expected an integer >= 1, received 'many'"),
    ("dim: 64", "dim: '64'", "c.yaml:3:10: latent.dim: expected an integer >= 1, received '64'"),
    ("dim: 64", "dim: true", "c.yaml:3:10: latent.dim: expected an integer >= 1, received true"),
    ("dim: 64", "dim: [64]", "c.yaml:3:10: latent.dim: expected an integer >= 1, received [64]"),
    ("dim: 64", "distribution: normal", "c.yaml:3:1: latent.dim: missing; expected an integer >= 1"),
    ("dim: 64", "dim: 64, distribution: cauchy", "c.yaml:3:19: latent.distribution: expected one of normal, uniform, received 'cauchy'"),
    ("dim: 64", "dim: 64, categorical: 10", "c.yaml:3:19: latent.categorical: expected a list, received 10"),
    ("dim: 64", "dim: 64, categorical: [10, 1]", "c.yaml:3:37: latent.categorical[1]: expected an integer >= 2, received 1"),
    ("dim: 64", "dim: 64, continuous: -1", "c.yaml:3:19: latent.continuous: expected an integer >= 0, received -1"),
    ("", "code_loss: {categorical: 0}", "c.yaml:20:13: code_loss.categorical: expected a number > 0, received 0"),
    ("", "code_loss: 1", "c.yaml:20:1: code_loss: expected a mapping, received 1. Write {categorical: 1}."),
    ("- LeakyReLU", "- 3", f"c.yaml:10:11: generator.layers[1].layers[1]: expected {LAYER}, received 3"),
    ("- LeakyReLU", "-", f"c.yaml:10:10: generator.layers[1].layers[1]: expected {LAYER}, received null"),
    ("- LeakyReLU", "- LeakyReLU: 0.2", "c.yaml:10:11: generator.layers[1].layers[1].LeakyReLU: expected a mapping of arguments, received 0.2. Write LeakyReLU: {negative_slope: 0.2}."),
    ("- Flatten", "- Dense:\n      units: 3", "c.yaml:15:7: discriminator.layers[0]: expected one name, received 2: Dense, units; indent arguments below their name"),
    ("units: 1}", "units: .nan}", "c.yaml:16:15: discriminator.layers[1].Dense.units: expected a finite number, received nan"),
    ("target_shape: [8, 8, 1]", "target_shape: [8, .inf]", "c.yaml:11:35: generator.layers[2].Reshape.target_shape[1]: expected a finite number, received inf"),
    ("repeat: 2", "repeat: 0", "c.yaml:7:7: generator.layers[1].repeat: expected an integer from 1 to 1000, received 0"),
    ("repeat: 2", "repeat: true", "c.yaml:7:7: generator.layers[1].repeat: expected an integer from 1 to 1000, received true"),
    ("- repeat: 2\n     ", "-", "c.yaml:7:7: generator.layers[1].repeat: missing; expected an integer from 1 to 1000"),
    ("repeat: 2", "repeat: 2\n      layer: []", "c.yaml:8:7: generator.layers[1].layer: unknown key. Did you mean 'layers'?"),
    ("- Flatten", "- repeat: 2", "c.yaml:15:7: discriminator.layers[0].layers: missing; expected a list of layers"),
    ("- Flatten", "- {repeat: 2, layers: []}", "c.yaml:15:19: discriminator.layers[0].layers: expected a list of at least one layer, received an empty list"),
    ("- Flatten", "- {repeat: 2, layers: Dense}", "c.yaml:15:19: discriminator.layers[0].layers: expected a list of at least one layer, received 'Dense'"),
    ("- Flatten", "- {repeat: 1000, layers: [{repeat: 11, layers: [Flatten]}]}", "c.yaml:14:3: discriminator.layers: expected at most 10,000 layers after repeats, received 11,001"),
    ("optimizer: {Adam: {learning_rate: 1e-4}}", "optimizer: 3", "c.yaml:12:3: generator.optimizer: expected an optimizer as Name or {Name: {arguments}}, received 3"),
    ("  optimizer: {Adam: {learning_rate: 1e-4}}\n", "", "c.yaml:4:1: generator.optimizer: missing; expected an optimizer as Name or {Name: {arguments}}"),
    ("{Adam: {learning_rate: 1e-4}}", "{Adam: {}, SGD: {}}", "c.yaml:12:3: generator.optimizer: expected one name, received 2: Adam, SGD; indent arguments below their name"),
    ("{Adam: {learning_rate: 1e-4}}", "{'': {}}", "c.yaml:12:3: generator.optimizer: expected an optimizer as Name or {Name: {arguments}}, received a mapping"),
    ("optimizer:", "optimiser:", "c.yaml:12:3: generator.optimiser: unknown key. Did you mean 'optimizer'?"),
    ("non_saturating", "hing", f"c.yaml:18:1: loss: expected one of {LOSSES}, received 'hing'. Did you mean 'hinge'?"),
    ("non_saturating", "[hinge]", f"c.yaml:18:1: loss: expected one of {LOSSES}, received [hinge]".replace("[hinge]", "['hinge']")),
    ("non_saturating", "{hinge: {real_label: 0.9}}", "c.yaml:18:16: loss.hinge.real_label: the loss hinge has no labels; those with labels are minimax, non_saturating, least_squares, feature_matching"),
    ("non_saturating", "{minimax: {real_labl: 0.9}}", "c.yaml:18:18: loss.minimax.real_labl: unknown key. Did you mean 'real_label'?"),
    ("non_saturating", "{minimax: {real_label: [1, 0.9]}}", "c.yaml:18:18: loss.minimax.real_label: expected a number or [lowest, highest], received [1, 0.9]"),
    ("non_saturating", "{minimax: {flip_labels: 1.5}}", "c.yaml:18:18: loss.minimax.flip_labels: expected a number from 0 to 1, received 1.5"),
    ("", "class_loss: contrastiv", f"c.yaml:20:1: class_loss: expected one of {CLASS_LOSSES}, received 'contrastiv'. Did you mean 'contrastive'?"),
    ("", "class_loss: contrastive", "c.yaml:20:1: class_loss: expected only with 'labels: auxiliary', received with 'labels: none'"),
    ("", "labels: auxiliary\nclass_loss: {contrastive: {margin: 0.9}}", "c.yaml:21:28: class_loss.contrastive.margin: the class loss contrastive has no margin; those with it are data_to_data, twin_data_to_data, discriminative_data_to_data"),
    ("", "labels: auxiliary\nclass_loss: {contrastive: {temperature: 0}}", "c.yaml:21:28: class_loss.contrastive.temperature: expected a number > 0, received 0"),
    ("", "labels: auxiliary\nclass_loss: {cross_entropy: {fake_weight: -1}}", "c.yaml:21:30: class_loss.cross_entropy.fake_weight: expected a number >= 0, received -1"),
    ("", "labels: auxiliary\nclass_loss: {data_to_data: {margn: 1}}", "c.yaml:21:29: class_loss.data_to_data.margn: unknown key. Did you mean 'margin'?"),
    ("", "penalty: r1", "c.yaml:20:1: penalty: expected null or a mapping of wgan_gp, r1, r2, dragan, received 'r1'. Write {r1: {}}."),
    ("", "penalty: {gp: {}}", "c.yaml:20:11: penalty.gp: unknown key. Expected one of: dragan, r1, r2, wgan_gp."),
    ("", "penalty: {r1: 10}", "c.yaml:20:11: penalty.r1: expected a mapping, received 10. Write {weight: 10}."),
    ("", "penalty: {r1: {weigth: 10}}", "c.yaml:20:16: penalty.r1.weigth: unknown key. Did you mean 'weight'?"),
    ("", "penalty: {r1: {weight: 0}}", "c.yaml:20:16: penalty.r1.weight: expected a number > 0 or a schedule as {Name: {arguments}}, received 0"),
    ("", "penalty: {r1: {every: 16}, r2: {every: 8}}", "c.yaml:20:33: penalty.r2.every: expected 16, as for r1 (lazy penalties share it), received 8"),
    ("", "lecam: {weight: -1}", "c.yaml:20:9: lecam.weight: expected a number >= 0, received -1"),
    ("", "lecam: {decay: 1}", "c.yaml:20:9: lecam.decay: expected a number between 0 and 1 (both excluded), received 1"),
    ("", "lecam: {weigth: 1}", "c.yaml:20:9: lecam.weigth: unknown key. Did you mean 'weight'?"),
    ("", "consistency: {policy: [flipp]}", "c.yaml:20:24: consistency.policy[0]: expected one of flip, translation, color, cutout, received 'flipp'. Did you mean 'flip'?"),
    ("steps: 100, batch_size: 32}", "steps: 100, batch_size: 32, discriminator_batches: alternate}\nlecam: {weight: 0.3}", "c.yaml:19:37: train.discriminator_batches: expected separate or joint with lecam, received 'alternate'"),
    ("", "adaptive: {method: adda}", "c.yaml:20:12: adaptive.method: expected one of none, ada, apa, received 'adda'. Did you mean 'ada'?"),
    ("", "adaptive: {probability: 0.5}", "c.yaml:20:12: adaptive.probability: expected only with the method ada or apa"),
    ("", "adaptive: {method: ada, probability: 2}", "c.yaml:20:25: adaptive.probability: expected null, a number from 0 to 1 or a schedule as {Name: {arguments}}, received 2"),
    ("", "adaptive: {target: 2}", "c.yaml:20:12: adaptive.target: expected a number from -1 to 1, received 2"),
    ("", "clip_weights: 0", "c.yaml:20:1: clip_weights: expected a number > 0 or null, received 0"),
    ("", "clip_weights: -.inf", "c.yaml:20:1: clip_weights: expected a number > 0 or null, received -inf"),
    ("steps: 100", "steps: many", "c.yaml:19:9: train.steps: expected an integer >= 1, received 'many'"),
    ("steps: 100, ", "", "c.yaml:19:1: train: expected exactly one of steps and epochs, received neither"),
    ("steps: 100", "steps: 100, epochs: 2", "c.yaml:19:1: train: expected exactly one of steps and epochs, received both"),
    ("steps: 100", "epochs: 0", "c.yaml:19:9: train.epochs: expected a number > 0, received 0"),
    ("steps: 100", "steps: 100, ema: 1", "c.yaml:19:21: train.ema: expected null, a number between 0 and 1 (both excluded) or a schedule as {Name: {arguments}}, received 1"),
    ("steps: 100", "steps: 100, ema: {A: {}, B: {}}", "c.yaml:19:21: train.ema: expected null, a number between 0 and 1 (both excluded) or a schedule as {Name: {arguments}}, received a mapping"),
    ("steps: 100", "steps: 100, ema: {CosineDecay: 3}", "c.yaml:19:21: train.ema: expected null, a number between 0 and 1 (both excluded) or a schedule as {Name: {arguments}}, received a mapping"),
    ("steps: 100", "steps: 100, share_latents: yes", "c.yaml:19:21: train.share_latents: expected true or false, received 'yes'"),
    ("steps: 100", "steps: 100, stop_on: [divergd]", "c.yaml:19:31: train.stop_on[0]: expected one of diverged, collapsed, not_converged, received 'divergd'. Did you mean 'diverged'?"),
    ("steps: 100", "steps: 100, stop_on: diverged", "c.yaml:19:21: train.stop_on: expected a list, received 'diverged'"),
    ("steps: 100", "steps: 100, share_latents: true, generator_steps: 2", "c.yaml:19:42: train.generator_steps: expected 1 generator step with share_latents: true, received 2"),
    ("steps: 100", "steps: 100, share_latents: true, generator_batch_size: 8", "c.yaml:19:42: train.generator_batch_size: expected 32 (the batch_size) or null with share_latents: true, received 8"),
    ("steps: 100, batch_size: 32}", "steps: 100, batch_size: 32, discriminator_batches: alternate}\npenalty: {r1: }", "c.yaml:19:37: train.discriminator_batches: expected separate or joint with a penalty, received 'alternate'"),
    ("non_saturating\ntrain: {", "relativistic\ntrain: {discriminator_batches: alternate, ", "c.yaml:19:9: train.discriminator_batches: expected separate or joint with the loss relativistic, received 'alternate'"),
    ("", "output: {grid: [5]}", "c.yaml:20:10: output.grid: expected [rows, columns], each from 1 to 50, received [5]"),
    ("", "output: {grid: [5, 51]}", "c.yaml:20:10: output.grid: expected [rows, columns], each from 1 to 50, received [5, 51]"),
    ("", "output: {samples_at_epochs: [2, 0]}", "c.yaml:20:33: output.samples_at_epochs[1]: expected a number > 0, received 0"),
    ("", "output: {samples_at: [1, x]}", "c.yaml:20:26: output.samples_at[1]: expected an integer >= 0, received 'x'"),
    ("", "output: {keep_checkpoints: 0}", "c.yaml:20:10: output.keep_checkpoints: expected all or an integer >= 1, received 0"),
    ("", "output: {checkpoint_every: 0}", "c.yaml:20:10: output.checkpoint_every: expected an integer >= 1 or null, received 0"),
    ("", "metrics: fid5k", "c.yaml:20:1: metrics: expected auto or a list of metric names, received 'fid5k'"),
    ("", "metrics: [5]", "c.yaml:20:1: metrics: expected auto or a list of metric names, received [5]"),
    ("", "precision: float16", "c.yaml:20:1: precision: expected one of float32, mixed_bfloat16, received 'float16'. Did you mean 'float32'?"),
    ("", "backend: mxnet", "c.yaml:20:1: backend: expected one of tensorflow, jax, torch, received 'mxnet'"),
    ("", "labels: dogs", "c.yaml:20:1: labels: expected one of none, conditional, auxiliary, balanced, semi_supervised, received 'dogs'"),
    ("", "objective: vaee", f"c.yaml:20:1: objective: expected one of {OBJECTIVES}, received 'vaee'. Did you mean 'vae'?"),
    ("", "objective: 3", f"c.yaml:20:1: objective: expected one of {OBJECTIVES}, received 3"),
    ("", "objective: {vae: {}, gan: {}}", f"c.yaml:20:1: objective: expected one of {OBJECTIVES}, received a mapping"),
    ("non_saturating", "feature_matching", "c.yaml:18:1: loss.feature_matching.layer: missing; expected the name of a layer of the discriminator"),
    ("non_saturating", "{feature_matching: {layer: 3}}", "c.yaml:18:27: loss.feature_matching.layer: expected the name of a layer of the discriminator, received 3"),
    ("non_saturating", "{hinge: {layer: last}}", "c.yaml:18:16: loss.hinge.layer: the loss hinge has no layer; those with it are feature_matching"),
    ("steps: 100", "steps: 100, simultaneous: true, generator_batch_size: 8", "c.yaml:19:41: train.generator_batch_size: expected 32 (the batch_size) or null with simultaneous: true, received 8"),
    ("steps: 100", "steps: 100, simultaneous: true, generator_steps: 2", "c.yaml:19:41: train.generator_steps: expected 1 with simultaneous: true, received 2"),
    ("steps: 100", "steps: 100, simultaneous: true, discriminator_steps: 5", "c.yaml:19:41: train.discriminator_steps: expected 1 with simultaneous: true, received 5"),
    ("steps: 100", "steps: 100, simultaneous: true, discriminator_batches: alternate", "c.yaml:19:41: train.discriminator_batches: expected separate or joint with simultaneous: true, received 'alternate'"),
    ("", "phases: [{steps: 10}]", "c.yaml:19:9: train.steps: expected none beside phases, which say their own steps"),
    ("train: {steps: 100, ", "phases: [{steps: 10, fade: 11}]\ntrain: {", "c.yaml:19:22: phases[0].fade: expected at most 10 (the phase's steps), received 11"),
    ("", "devices: 3\nbackend: jax", "c.yaml:19:21: train.batch_size: expected a multiple of devices, 3, received 32"),
    ("", "jit: 1", "c.yaml:20:1: jit: expected auto, true or false, received 1"),
    ("", "devices: 0", "c.yaml:20:1: devices: expected an integer from 1 to 1024, received 0"),
    ("", "device: tpu", "c.yaml:20:1: device: expected one of auto, cpu, gpu, received 'tpu'. Did you mean 'gpu'?"),
    ("", '"two\\nlines": 1', "c.yaml:20:1: ['two\\nlines']: unknown key."),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "message"), WRONG, ids=[message[:70] for _, _, message in WRONG])
def test_a_wrong_config_gives_this_line(old, new, message):
    with pytest.raises(ConfigError) as caught:
        config_of(changed(old, new))
    assert str(caught.value) == message


def test_the_order_of_the_document_counts_and_not_that_of_the_schema():
    text = "loss: hing\n" + changed("loss: non_saturating\n", "").replace("dim: 64", "dim: x")
    with pytest.raises(ConfigError, match=r"^c.yaml:1:1: loss: "):
        config_of(text)


def test_the_first_mistake_of_the_document_is_the_one_reported():
    text = changed("dim: 64", "dim: x").replace("batch_size: 32", "batch_size: x").replace("name: digits", "name: 3")
    with pytest.raises(ConfigError, match=r"c.yaml:2:8: data.name"):
        config_of(text)


@pytest.mark.parametrize("text", ["[1]", "word", "3"])
def test_a_document_that_is_no_mapping_is_refused(text):
    with pytest.raises(ConfigError, match=r"^c.yaml:1:1: expected a mapping of keys, received "):
        config_of(text)


def test_the_short_forms_mean_the_long_forms():
    pairs = [
        ("- LeakyReLU", "- LeakyReLU: "),
        ("- LeakyReLU", "- LeakyReLU: {}"),
        ("non_saturating", "{non_saturating: }"),
        ("non_saturating", "{non_saturating: {real_label: [1, 1], fake_label: 0, flip_labels: 0}}"),
        ("", "penalty: null"),
        ("", "penalty: {}"),
    ]
    for old, new in pairs:
        assert config_of(changed(old, new)) == config_of(), new
    assert config_of(changed("", "penalty: {wgan_gp: , r1: {}}")).penalty.keys() == {"wgan_gp", "r1"}


def test_an_integer_is_accepted_where_a_number_is_wanted():
    assert config_of(changed("", "clip_weights: 1")).clip_weights == 1.0


def test_penalties_have_the_weights_of_their_papers_by_default():
    config = config_of(changed("", "penalty: {wgan_gp: {}, r1: {every: 16}, r2: {}, dragan: {weight: 3}}"))
    assert {name: (p.weight, p.every) for name, p in config.penalty.items()} == {
        "wgan_gp": (10.0, 1),
        "r1": (1.0, 16),
        "r2": (1.0, 1),
        "dragan": (3.0, 1),
    }


def test_a_label_becomes_a_range():
    loss = config_of(changed("non_saturating", "{minimax: {real_label: [0.7, 1.2], fake_label: 0.1}}")).loss
    assert (loss.name, loss.real_label, loss.fake_label, loss.flip_labels) == (
        "minimax",
        (0.7, 1.2),
        (0.1, 0.1),
        0,
    )


def test_repeats_unroll_and_keep_the_way_to_the_document():
    config = config_of()
    inside = ("generator", "layers", 1, "layers")
    specs = config.generator.expanded()
    assert [spec.kind for spec in specs] == ["Dense", "Dense", "LeakyReLU", "Dense", "LeakyReLU", "Reshape"]
    assert [spec.path for spec in specs[1:5]] == [(*inside, 0), (*inside, 1)] * 2
    assert specs[0] == LayerSpec("Dense", {"units": 128, "activation": "relu"}, ("generator", "layers", 0), "dense")
    assert config.discriminator.expanded()[1].path == ("discriminator", "layers", 1)


def test_changing_the_arguments_of_a_layer_leaves_the_config_alone():
    config = config_of()
    config.generator.expanded()[-1].arguments["target_shape"].append(3)
    assert config.generator.expanded()[-1].arguments == {"target_shape": [8, 8, 1]}


def test_later_stages_give_their_errors_the_same_form():
    error = config_of().error_at(("generator", "layers", 0, "Dense", "filtres"), "unknown key.")
    assert str(error) == "c.yaml:6:7: generator.layers[0].Dense.filtres: unknown key."
    assert str(config_of().error_at((), "two\nlines")) == "c.yaml:1:1: two lines"


def test_a_config_without_a_document_still_says_its_name():
    config = type(config_of()).model_validate(config_of().model_dump())
    assert str(config.error_at(("seed",), "is wrong")) == "example: seed: is wrong"


def test_a_config_cannot_be_changed():
    with pytest.raises(ValueError, match=r"frozen"):
        config_of().seed = 3


@pytest.mark.parametrize("seed", [2**63, 2**64, 10**30])
def test_a_seed_of_more_than_64_bits_says_its_limit(seed):
    with pytest.raises(ConfigError) as caught:
        resolve_config(parse_yaml(EXAMPLE, "c.yaml").root, seed=seed)
    message = f"--seed {seed}: seed: expected an integer >= 0 and <= 9223372036854775807, received {seed}"
    assert str(caught.value) == message
