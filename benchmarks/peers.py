"""What users would write themselves: a GAN as a Keras model with a custom train_step, trained with fit()."""

import keras
import numpy as np
import tensorflow as tf

from ganlab.config.schema import Config
from ganlab.training.losses import LOSSES


class KerasGan(keras.Model):
    """The usual custom train_step, with the same updates as ganlab's `alternate`: real batch, generated batch, generator."""

    def __init__(self, config: Config, networks: dict, optimizers: dict):
        super().__init__()
        self.generator, self.discriminator = networks["generator"], networks["discriminator"]
        self.g_optimizer, self.d_optimizer = optimizers["generator"], optimizers["discriminator"]
        self.config, self.gan_loss = config, LOSSES[config.loss.name]

    def _update(self, model, optimizer, loss):
        with tf.GradientTape() as tape:
            value = loss()
        gradients = tape.gradient(value, model.trainable_weights)
        optimizer.apply_gradients(zip(gradients, model.trainable_weights, strict=True))
        return value

    def train_step(self, real_images):
        if isinstance(real_images, tuple):
            real_images = real_images[0]
        size, dim = tf.shape(real_images)[0], self.config.latent.dim
        real_loss = fake_loss = 0.0
        for _ in range(self.config.train.discriminator_steps):
            latents = tf.random.normal((size, dim))
            fake_images = self.generator(latents, training=True)
            real_loss = self._update(
                self.discriminator,
                self.d_optimizer,
                lambda: self.gan_loss.real(self.discriminator(real_images, training=True), 1.0),
            )
            fake_loss = self._update(
                self.discriminator,
                self.d_optimizer,
                lambda fake_images=fake_images: self.gan_loss.fake(self.discriminator(fake_images, training=True), 0.0),
            )
            if self.config.clip_weights:
                limit = self.config.clip_weights
                for weight in self.discriminator.trainable_weights:
                    weight.assign(tf.clip_by_value(weight, -limit, limit))
        if not self.config.train.share_latents:
            latents = tf.random.normal((size, dim))
        g_loss = self._update(
            self.generator,
            self.g_optimizer,
            lambda: self.gan_loss.generator(
                None, self.discriminator(self.generator(latents, training=True), training=True)
            ),
        )
        return {"d_loss": real_loss + fake_loss, "g_loss": g_loss}


class FitPeer:
    """Blocks of steps of fit() with its default settings, on a tf.data pipeline of float images."""

    def __init__(self, config: Config, networks: dict, optimizers: dict, images: np.ndarray, **compile_options):
        self.model = KerasGan(config, networks, optimizers)
        self.model.compile(**compile_options)
        scaled = images.astype(np.float32) / 127.5 - 1.0
        data = tf.data.Dataset.from_tensor_slices(scaled).shuffle(10_000).repeat()
        self.data = data.batch(config.train.batch_size, drop_remainder=True).prefetch(tf.data.AUTOTUNE)

    def run(self, steps: int) -> None:
        self.model.fit(self.data, steps_per_epoch=steps, epochs=1, verbose=0)
