"""ganlab's own layers, under the names that a config writes.

A new layer is one class and one line of LAYERS. Two class attributes name the values that a layer takes:

    takes = ("labels",)    the compiler calls the layer with these values besides its input: `call(self, inputs, labels)`.
                           `labels`, `step` and `fade` are inputs of the network; `reference` is the layer's input when the
                           network runs on a fixed reference batch.
    instead = "labels"     the layer is a source: the compiler calls it with this value instead of its predecessor's output.
"""

from ganlab.models.layers.arithmetic import Fade, GlobalSumPooling2D, Scale
from ganlab.models.layers.attention import PixelAttention
from ganlab.models.layers.augmentation import DiffAugment, OutputNoise, PixelNoise
from ganlab.models.layers.batch_statistics import MinibatchDiscrimination, MinibatchStdDev
from ganlab.models.layers.equalized import EqualizedLearningRate
from ganlab.models.layers.normalization import (
    BatchNormalization,
    ConditionalBatchNormalization,
    PixelNormalization,
    VirtualBatchNormalization,
)
from ganlab.models.layers.sources import Labels, Latents, Output, Step
from ganlab.models.layers.spectral import SpectralNormalization

LAYERS = {
    layer.__name__: layer
    for layer in (
        BatchNormalization,
        ConditionalBatchNormalization,
        DiffAugment,
        EqualizedLearningRate,
        Fade,
        GlobalSumPooling2D,
        Labels,
        Latents,
        MinibatchDiscrimination,
        MinibatchStdDev,
        Output,
        OutputNoise,
        PixelAttention,
        PixelNoise,
        PixelNormalization,
        Scale,
        SpectralNormalization,
        Step,
        VirtualBatchNormalization,
    )
}
