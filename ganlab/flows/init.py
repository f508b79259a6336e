"""A first config for a data set, with comments: `ganlab init`."""

import math

from ganlab.config.document import to_json
from ganlab.config.schema import Data, Form
from ganlab.data.folder import possible_classes
from ganlab.data.registry import load_dataset, published_form

_BATCH = 64
_HEAD = """\
# A first GAN for {data}, {shape}. docs/config.md has every key.
# Try it with `ganlab check FILE` and `ganlab run FILE -o train.steps=100`.
family: {family}  # a word for tables
seed: 0  # `ganlab sweep FILE --seeds 0,1,2` trains three seeds, for a mean
data: {options}
latent: {{dim: 64}}  # the random numbers that the generator starts from
generator:  # from latents to {shape}
  layers:
{generator}
  optimizer: {{Adam: {{learning_rate: 2.0e-4, beta_1: 0.5}}}}
discriminator:  # from {shape} to one number
  layers:
{discriminator}
    - Dense: {{units: 1}}  # no sigmoid: the loss has it
  optimizer: {{Adam: {{learning_rate: 2.0e-4, beta_1: 0.5}}}}
loss: non_saturating  # or hinge, wasserstein, least_squares, ...
penalty: {{r1: {{weight: 0.1}}}}  # keeps the discriminator smooth
train: {{steps: 4000, batch_size: {batch}}}  # a step is one update of the generator; `epochs: 20` may stand in place of steps
output: {{samples_every: 200, checkpoint_every: 500, grid: [5, 5]}}
metrics: auto  # what can be measured on these data without a download; docs/metrics.md
"""
_LEAKY = "LeakyReLU: {negative_slope: 0.2}"


def first_config(data: Data) -> str:
    """A config that `ganlab check` accepts: convolutions for images, dense layers for other samples.

    Published data sets need not be on this machine.

    Raises: as `load_dataset`.
    """
    form, count = published_form(data), _BATCH
    if form.shape is None:
        dataset = load_dataset(data)
        form, count = dataset.form, dataset.count
    generator, discriminator = _convolutions(form) if form.is_image else _dense(form)
    chosen = {key: value for key in ("name", "image_size", "source") if (value := getattr(data, key)) is not None}
    classes = possible_classes(data) if data.name == "folder" else ()
    hint = f"  # classes: folders makes {len(classes)} classes of its sub-folders, for labels" if classes else ""
    return _HEAD.format(
        data=data.name,
        shape="x".join(map(str, form.shape)),
        family="DCGAN" if form.is_image else "GAN",
        options="{" + ", ".join(f"{key}: {_written(value)}" for key, value in chosen.items()) + "}" + hint,
        generator="\n".join(f"    - {layer}" for layer in generator),
        discriminator="\n".join(f"    - {layer}" for layer in discriminator),
        batch=min(_BATCH, count),
    )


def _convolutions(form: Form) -> tuple[list[str], list[str]]:
    height, width, channels = form.shape
    rows, columns = math.ceil(height / 4), math.ceil(width / 4)
    generator = [f"Dense: {{units: {rows * columns * 64}}}", f"Reshape: {{target_shape: [{rows}, {columns}, 64]}}"]
    generator.append(_LEAKY)
    for filters, factor in ((64, 2), (32, 4)):
        generator.append(f"UpSampling2D  # {rows * factor}x{columns * factor}")
        generator += [f"Conv2D: {{filters: {filters}, kernel_size: 3, padding: same}}", _LEAKY]
    if (4 * rows, 4 * columns) != (height, width):
        over = [4 * rows - height, 4 * columns - width]
        generator.append(f"Cropping2D: {{cropping: [[0, {over[0]}], [0, {over[1]}]]}}  # {height}x{width}")
    last = f"Conv2D: {{filters: {channels}, kernel_size: 3, padding: same, activation: tanh}}"
    generator.append(f"{last}  # pixels from -1 to 1")
    discriminator = []
    for filters in (32, 64):
        discriminator += [f"Conv2D: {{filters: {filters}, kernel_size: 4, strides: 2, padding: same}}", _LEAKY]
    return generator, [*discriminator, "Flatten"]


def _dense(form: Form) -> tuple[list[str], list[str]]:
    hidden = ["Dense: {units: 128}", _LEAKY, "Dense: {units: 128}", _LEAKY]
    generator = [*hidden, f"Dense: {{units: {math.prod(form.shape)}}}"]
    generator += [f"Reshape: {{target_shape: {list(form.shape)}}}"] * (len(form.shape) > 1)
    return generator, [*["Flatten"] * (len(form.shape) > 1), *hidden]


def _written(value: str | int) -> str:
    """A value in YAML; a path in quotes, for it may hold any character."""
    return str(value) if isinstance(value, int) or value.isidentifier() else to_json(value)
