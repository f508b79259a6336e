"""Words of PyTorch, of older Keras and of papers, and the words of this language for them."""

import re
from collections.abc import Collection

# Words in small letters without `_`, and the words here. The first one fits whose first word is a choice at the place.
# `choice|sentence` is a sentence for places that have this choice.
_ROWS = (
    # arguments
    ("lr", "learning_rate", "train|Write learning_rate, below the name of an optimizer."),
    ("betas", "beta_1: 0.5 and beta_2: 0.999"),
    ("beta1", "beta_1"),
    ("beta2", "beta_2"),
    ("eps", "epsilon"),
    ("alpha slope", "negative_slope"),
    ("stride", "strides"),
    ("kernel", "kernel_size"),
    ("dilation", "dilation_rate"),
    ("bias", "use_bias"),
    ("p", "rate"),
    ("outchannels", "filters"),
    ("outfeatures", "units"),
    ("scalefactor", "size"),
    ("affine", "center: true and scale: true"),
    (
        "decay",
        "learning_rate: {InverseTimeDecay: {initial_learning_rate: 0.0002, decay_steps: 1, decay_rate: 0.00001}}",
    ),
    ("inplace", "trainable|Leave it out."),
    ("inchannels infeatures numfeatures inputshape inputdim", "trainable|Leave it out: a layer knows its inputs."),
    # layers
    ("linear", "Dense"),
    ("convtranspose2d deconv2d", "Conv2DTranspose"),
    ("batchnorm batchnorm1d batchnorm2d", "BatchNormalization"),
    ("instancenorm instancenorm2d instancenormalization", "GroupNormalization: {groups: -1}"),
    ("spectralnorm snconv2d", "SpectralNormalization: {layer: {Conv2D: {...}}}"),
    ("lrelu leaky", "leaky_relu", "LeakyReLU: {negative_slope: 0.2}"),
    ("swish", "silu", "Activation: {activation: silu}"),
    ("tanh", "Activation: {activation: tanh}"),
    ("sigmoid", "Activation: {activation: sigmoid}"),
    ("view unflatten", "Reshape"),
    ("upsample", "UpSampling2D"),
    ("maxpool2d", "MaxPooling2D"),
    ("avgpool2d", "AveragePooling2D"),
    ("adaptiveavgpool2d", "GlobalAveragePooling2D"),
    ("dropout2d", "SpatialDropout2D"),
    ("input inputlayer", "Dense|Leave it out: the input comes from latent.dim or from the data."),
    ("sequential", "Dense|Write the layers one after another: a network is a list."),
    ("residual residualblock resblock", "Dense|Write {merge: Add, branches: {residual: [layers], shortcut: []}}."),
    # initializers and schedules
    ("xavier xavieruniform", "glorot_uniform", "GlorotUniform"),
    ("xaviernormal", "glorot_normal", "GlorotNormal"),
    ("kaiminguniform", "he_uniform", "HeUniform"),
    ("kaimingnormal", "he_normal", "HeNormal"),
    ("normal", "RandomNormal: {stddev: 0.02}"),
    (
        "lineardecay linearlr",
        "PolynomialDecay: {initial_learning_rate: 0.0002, decay_steps: 1000, end_learning_rate: 0}",
    ),
    ("cosineannealinglr", "CosineDecay"),
    ("steplr", "PiecewiseConstantDecay"),
    ("exponentiallr", "ExponentialDecay"),
    # losses and keys
    ("mse l2 lsgan", "least_squares"),
    ("bce bcewithlogits binarycrossentropy dcgan", "non_saturating"),
    ("vanilla", "minimax"),
    ("wgan", "wasserstein"),
    ("wgangp", "wgan_gp", "wasserstein, and penalty: {wgan_gp: {weight: 10}}"),
    ("ragan", "relativistic"),
    ("gradientpenalty", "wgan_gp", "train|Write penalty: {wgan_gp: {weight: 10}}."),
    ("lambdagp", "weight", "train|Write penalty: {wgan_gp: {weight: 10}}."),
    ("clipvalue", "clip_weights", "train|Write clip_weights: 0.01 at the top of the config."),
    ("ncritic", "discriminator_steps", "train|Write train: {discriminator_steps: 5}."),
    ("critic netd disc", "discriminator"),
    ("netg gen", "generator"),
    ("numclasses nclasses", "train|Leave it out: the data say how many classes there are; see labels."),
    ("zdim latentdim nz", "train|Write latent: {dim: 100}."),
    ("epochs", "train|Write train: {epochs: 20}."),
    ("batchsize", "train|Write train: {batch_size: 64}."),
    ("dataset", "data"),
)
_WORDS = {word: own for words, *own in _ROWS for word in words.split()}
_NUMBERS = re.compile(r"(?=.*[(),])(?=.*\d)[-\d.,\s()]+")  # a list or a decimal as other languages write them
_CALL = re.compile(r"(?:\w+\.)*(\w+)(\(.*)?", re.DOTALL)  # nn.Linear(16, 128), keras.layers.Dense

_EXAMPLE = "Dense: {units: 128}"


def foreign_hint(word: str, choices: Collection[str]) -> str:
    """A hint to append to a message, if a word is a foreign one whose own word is among the choices; else ''."""
    if _NUMBERS.fullmatch(word):
        return _hint_at_numbers(word)
    key, _, value = word.partition(":")
    if value and key in choices:
        return f" Write a space after the colon: '{key}: {value}'."
    if (call := _CALL.fullmatch(word)) and call[1] != word:
        form = f" Arguments are a mapping, as in {_EXAMPLE}." if len(call[2] or "") > 2 and "Dense" in choices else ""
        hint = f" Did you mean '{call[1]}'?" if call[1] in choices else foreign_hint(call[1], choices)
        return hint and hint + form
    for own in _WORDS.get(re.sub("[_ -]|loss$", "", word.lower()), ()):
        choice, _, sentence = own.rpartition("|")
        if choice in choices:
            return f" {sentence}"
        if own in choices:
            return f" Did you mean '{own}'?"
        if not choice and re.match(r"\w+", own)[0] in choices:
            return f" Write {own}."
    return ""


def _hint_at_numbers(text: str) -> str:
    """A hint at the form of a list, or of a decimal with a comma."""
    numbers = [part.strip() for part in text.strip("() ").split(",")]
    as_list = ", ".join(numbers) if len(numbers) > 1 else "3, 3"
    if "(" in text or ")" in text or len(numbers) != 2:
        return f" A list is written with brackets, as [{as_list}]."
    decimal = f" A decimal number has a point, as {'.'.join(numbers)}"
    return f"{decimal}." if numbers[0].lstrip("-") == "0" else f"{decimal}, and a list has brackets, as [{as_list}]."
