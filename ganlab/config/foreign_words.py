"""Words of PyTorch, of older Keras and of papers, and the words of this language for them."""

import re
from collections.abc import Collection

_INPUTS = "trainable|Leave it out: a layer knows its inputs."
# A word in small letters without `_` -> the words here. The first one that fits the place counts: its first word is a choice there.
# `choice|sentence` is a sentence for places that have this choice.
_WORDS: dict[str, tuple[str, ...]] = {
    # arguments
    "lr": ("learning_rate", "train|Write learning_rate, below the name of an optimizer."),
    "betas": ("beta_1: 0.5 and beta_2: 0.999",),
    "beta1": ("beta_1",),
    "beta2": ("beta_2",),
    "eps": ("epsilon",),
    "alpha": ("negative_slope",),
    "slope": ("negative_slope",),
    "stride": ("strides",),
    "kernel": ("kernel_size",),
    "dilation": ("dilation_rate",),
    "bias": ("use_bias",),
    "p": ("rate",),
    "outchannels": ("filters",),
    "outfeatures": ("units",),
    "inchannels": (_INPUTS,),
    "infeatures": (_INPUTS,),
    "numfeatures": (_INPUTS,),
    "inputshape": (_INPUTS,),
    "inputdim": (_INPUTS,),
    "inplace": ("trainable|Leave it out.",),
    "scalefactor": ("size",),
    "affine": ("center: true and scale: true",),
    "decay": (
        "learning_rate: {InverseTimeDecay: {initial_learning_rate: 0.0002, decay_steps: 1, decay_rate: 0.00001}}",
    ),
    # layers
    "linear": ("Dense",),
    "convtranspose2d": ("Conv2DTranspose",),
    "deconv2d": ("Conv2DTranspose",),
    "batchnorm": ("BatchNormalization",),
    "batchnorm2d": ("BatchNormalization",),
    "batchnorm1d": ("BatchNormalization",),
    "instancenorm": ("GroupNormalization: {groups: -1}",),
    "instancenorm2d": ("GroupNormalization: {groups: -1}",),
    "instancenormalization": ("GroupNormalization: {groups: -1}",),
    "spectralnorm": ("SpectralNormalization: {layer: {Conv2D: {...}}}",),
    "snconv2d": ("SpectralNormalization: {layer: {Conv2D: {...}}}",),
    "lrelu": ("leaky_relu", "LeakyReLU: {negative_slope: 0.2}"),
    "leaky": ("leaky_relu", "LeakyReLU: {negative_slope: 0.2}"),
    "swish": ("silu", "Activation: {activation: silu}"),
    "tanh": ("Activation: {activation: tanh}",),
    "sigmoid": ("Activation: {activation: sigmoid}",),
    "view": ("Reshape",),
    "unflatten": ("Reshape",),
    "upsample": ("UpSampling2D",),
    "maxpool2d": ("MaxPooling2D",),
    "avgpool2d": ("AveragePooling2D",),
    "adaptiveavgpool2d": ("GlobalAveragePooling2D",),
    "dropout2d": ("SpatialDropout2D",),
    "sequential": ("Dense|Write the layers one after another: a network is a list.",),
    "residual": ("Dense|Write {merge: Add, branches: {residual: [layers], shortcut: []}}.",),
    "residualblock": ("Dense|Write {merge: Add, branches: {residual: [layers], shortcut: []}}.",),
    "resblock": ("Dense|Write {merge: Add, branches: {residual: [layers], shortcut: []}}.",),
    # initializers and schedules
    "xavieruniform": ("glorot_uniform", "GlorotUniform"),
    "xaviernormal": ("glorot_normal", "GlorotNormal"),
    "xavier": ("glorot_uniform", "GlorotUniform"),
    "kaiminguniform": ("he_uniform", "HeUniform"),
    "kaimingnormal": ("he_normal", "HeNormal"),
    "normal": ("RandomNormal: {stddev: 0.02}",),
    "lineardecay": ("PolynomialDecay: {initial_learning_rate: 0.0002, decay_steps: 1000, end_learning_rate: 0}",),
    "linearlr": ("PolynomialDecay: {initial_learning_rate: 0.0002, decay_steps: 1000, end_learning_rate: 0}",),
    "cosineannealinglr": ("CosineDecay",),
    "steplr": ("PiecewiseConstantDecay",),
    "exponentiallr": ("ExponentialDecay",),
    # losses and keys
    "mse": ("least_squares",),
    "l2": ("least_squares",),
    "lsgan": ("least_squares",),
    "bce": ("non_saturating",),
    "bcewithlogits": ("non_saturating",),
    "binarycrossentropy": ("non_saturating",),
    "dcgan": ("non_saturating",),
    "vanilla": ("minimax",),
    "wgan": ("wasserstein",),
    "wgangp": ("wgan_gp", "wasserstein, and penalty: {wgan_gp: {weight: 10}}"),
    "ragan": ("relativistic",),
    "gradientpenalty": ("wgan_gp", "train|Write penalty: {wgan_gp: {weight: 10}}."),
    "lambdagp": ("weight", "train|Write penalty: {wgan_gp: {weight: 10}}."),
    "clipvalue": (
        "clip_weights",
        "train|Write clip_weights: 0.01 at the top of the config, or clipvalue for gradients.",
    ),
    "ncritic": ("discriminator_steps", "train|Write train: {discriminator_steps: 5}."),
    "critic": ("discriminator",),
    "zdim": ("train|Write latent: {dim: 100}.",),
    "latentdim": ("train|Write latent: {dim: 100}.",),
    "nz": ("train|Write latent: {dim: 100}.",),
    "epochs": ("train|Write train: {epochs: 20}.",),
    "batchsize": ("train|Write train: {batch_size: 64}.",),
    "dataset": ("data",),
}
_TUPLE = re.compile(r"[-\d.,\s]*\)|\([-\d.,\s]*\)?")


def foreign_hint(word: str, choices: Collection[str]) -> str:
    """A hint to append to a message, if a word is a foreign one whose own word is among the choices; else ''."""
    if _TUPLE.fullmatch(word):
        return " A list is written with brackets, as [3, 3]."
    for own in _WORDS.get(re.sub("[_ -]|loss$", "", word.lower()), ()):
        choice, _, sentence = own.rpartition("|")
        if choice in choices:
            return f" {sentence}"
        if own in choices:
            return f" Did you mean '{own}'?"
        if not choice and re.match(r"\w+", own)[0] in choices:
            return f" Write {own}."
    return ""
