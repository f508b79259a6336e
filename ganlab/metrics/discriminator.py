"""The discriminator of a run as a classifier of real images, for discriminators with a class head."""

import numpy as np

from ganlab.config.schema import Config
from ganlab.models.network import Network
from ganlab.pictures.images import from_uint8
from ganlab.training.class_heads import HEADS, split_outputs
from ganlab.training.class_losses import CLASS_LOSSES
from ganlab.training.sampling import predict, scalar_inputs


def is_classifier(config: Config, inputs: tuple[str, ...]) -> bool:
    """Whether a discriminator with these inputs classifies images; one that takes the labels would only repeat them."""
    return config.labels in HEADS and "labels" not in inputs


def class_logits(network: Network, config: Config, step: int, images: np.ndarray) -> np.ndarray:
    """The class logits of the discriminator in inference: float32 (N, classes).

    Args:
        network, config: the discriminator and its run's config.
        step: of the weights, for layers that take the step.
        images: (N, *data_shape), uint8 or floats in the data's range.
    """
    inputs = from_uint8(images, config.data.range) if images.dtype == np.uint8 else images
    outputs = predict(network, {"input": inputs, **scalar_inputs(config, step, len(images))})
    of_classes = split_outputs(outputs, config.labels, config.latent.codes)[1]
    return np.asarray(CLASS_LOSSES[config.class_loss.name].class_logits(of_classes))
