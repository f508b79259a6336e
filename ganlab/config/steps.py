"""How many steps a config trains, and how many real images one step sees."""

import math

from ganlab.config.schema import Config


def images_a_step(config: Config) -> int:
    """Real images drawn in one step: a batch for each discriminator step, and the relativistic generator's own."""
    train = config.train
    images = train.batch_size * train.discriminator_steps
    if config.loss.name == "relativistic" and not train.share_latents:
        images += (train.generator_batch_size or train.batch_size) * train.generator_steps
    return images


def total_steps(config: Config, count: int) -> int:
    """`train.steps`, or the steps in which the data of `count` images are seen `train.epochs` times."""
    if config.train.steps is not None:
        return config.train.steps
    return max(1, math.ceil(config.train.epochs * count / images_a_step(config)))
