"""The layers ganlab adds to Keras' or mends, by the names that a config writes.

Adding one is one class and one line of LAYERS. Two class attributes tell the compiler what a layer wants:

    takes = ("labels",)    the layer is called with these values besides its input: `call(self, inputs, labels)`.
                           `labels`, `step` and `fade` are inputs of the network; `reference` is what stands before the
                           layer when the network runs on a fixed reference batch.
    instead = "labels"     the layer is a source: it is called with this value instead of its predecessor's output.
"""

from ganlab.models.layers.arithmetic import Fade, GlobalSumPooling2D, Scale
from ganlab.models.layers.augmentation import DiffAugment, OutputNoise
from ganlab.models.layers.normalization import (
    BatchNormalization,
    ConditionalBatchNormalization,
    VirtualBatchNormalization,
)
from ganlab.models.layers.sources import Labels, Latents, Output, Step

LAYERS = {
    layer.__name__: layer
    for layer in (
        BatchNormalization,
        ConditionalBatchNormalization,
        DiffAugment,
        Fade,
        GlobalSumPooling2D,
        Labels,
        Latents,
        Output,
        OutputNoise,
        Scale,
        Step,
        VirtualBatchNormalization,
    )
}
