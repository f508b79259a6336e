"""What users would write in plain JAX for the dense networks: pure functions, Adam by hand, and lax.scan over a chunk of steps."""

import jax
import jax.numpy as jnp
import numpy as np

_CHUNK = 100
_SLOPE, _EPSILON = 0.2, 1e-3
Weights = list


def _leaky_relu(x):
    return jnp.where(x > 0, x, _SLOPE * x)


def _generate(weights: Weights, latents):
    """Weights are kernel and bias of four dense layers, scale and offset after each of the first three."""
    x = latents
    for kernel, bias, scale, offset in (weights[0:4], weights[4:8], weights[8:12]):
        x = _leaky_relu(x @ kernel + bias)
        mean, variance = x.mean(axis=0), x.var(axis=0)
        x = (x - mean) * jax.lax.rsqrt(variance + _EPSILON) * scale + offset
    return jnp.tanh(x @ weights[12] + weights[13])


def _judge(weights: Weights, images):
    x = _leaky_relu(images @ weights[0] + weights[1])
    x = _leaky_relu(x @ weights[2] + weights[3])
    return x @ weights[4] + weights[5]


# (of real images, of generated images, of the generator) from logits
_LOSSES = {
    "non_saturating": (
        lambda logits: jnp.mean(jax.nn.softplus(-logits)),
        lambda logits: jnp.mean(jax.nn.softplus(logits)),
        lambda logits: jnp.mean(jax.nn.softplus(-logits)),
    ),
    "least_squares": (
        lambda logits: jnp.mean((logits - 1) ** 2),
        lambda logits: jnp.mean(logits**2),
        lambda logits: jnp.mean((logits - 1) ** 2),
    ),
}


def _adam(state, weights, gradients, rate, beta_1, beta_2=0.999):
    first, second, count = state
    count = count + 1
    first = jax.tree.map(lambda m, g: beta_1 * m + (1 - beta_1) * g, first, gradients)
    second = jax.tree.map(lambda v, g: beta_2 * v + (1 - beta_2) * g * g, second, gradients)
    rate = rate * jnp.sqrt(1 - beta_2**count) / (1 - beta_1**count)
    weights = jax.tree.map(lambda w, m, v: w - rate * m / (jnp.sqrt(v) + 1e-7), weights, first, second)
    return (first, second, count), weights


def _fresh_adam(weights: Weights):
    return jax.tree.map(jnp.zeros_like, weights), jax.tree.map(jnp.zeros_like, weights), jnp.float32(0)


class JaxPeer:
    """Chunks of steps under one jit. With `one_pass`, shared latents go through the generator once, by jax.vjp.

    A loop with one loss function a network, as it is mostly written, generates anew for the generator's loss.
    """

    quantum = _CHUNK

    def __init__(self, config, images: np.ndarray, one_pass: bool = False):
        self.config, self.one_pass = config, one_pass
        if config.name not in ("exp01", "exp03"):
            raise ValueError(f"no hand-written JAX networks for {config.name}")
        self.images = jnp.asarray(images.reshape(len(images), -1))
        self.options = config.generator.optimizer["Adam"]
        self.random = np.random.default_rng(0)
        self.load(self._first_weights())
        self.chunk = jax.jit(lambda state, draws: jax.lax.scan(self._step, state, draws), donate_argnums=0)

    def _first_weights(self) -> dict:
        def dense(before, after):
            limit = np.sqrt(6 / (before + after))
            kernel = self.random.uniform(-limit, limit, (before, after)).astype(np.float32)
            return [kernel, np.zeros(after, np.float32)]

        generator = []
        for before, after in ((100, 256), (256, 512), (512, 1024)):
            generator += [*dense(before, after), np.ones(after, np.float32), np.zeros(after, np.float32)]
        discriminator = dense(784, 512) + dense(512, 256) + dense(256, 1)
        return {"generator": generator + dense(1024, 784), "discriminator": discriminator}

    def load(self, weights: dict[str, list[np.ndarray]]) -> None:
        """Takes a Keras network's trainable weights, in their order."""
        generator, discriminator = ([jnp.asarray(w) for w in weights[n]] for n in ("generator", "discriminator"))
        self.state = generator, discriminator, _fresh_adam(generator), _fresh_adam(discriminator)

    def _step(self, state, draws):
        generator, discriminator, g_adam, d_adam = state
        indices, (latents, new_latents) = draws
        real_loss_of, fake_loss_of, generator_loss_of = _LOSSES[self.config.loss.name]
        rate, beta = self.options["learning_rate"], self.options["beta_1"]
        real = self.images[indices].astype(jnp.float32) / 127.5 - 1
        real_loss, gradients = jax.value_and_grad(lambda w: real_loss_of(_judge(w, real)))(discriminator)
        d_adam, discriminator = _adam(d_adam, discriminator, gradients, rate, beta)
        fake, pull = jax.vjp(lambda w: _generate(w, latents), generator)
        fake_loss, gradients = jax.value_and_grad(lambda w: fake_loss_of(_judge(w, fake)))(discriminator)
        d_adam, discriminator = _adam(d_adam, discriminator, gradients, rate, beta)
        if self.config.train.share_latents and self.one_pass:
            g_loss, slopes = jax.value_and_grad(lambda x: generator_loss_of(_judge(discriminator, x)))(fake)
            (gradients,) = pull(slopes)
        else:
            again = latents if self.config.train.share_latents else new_latents
            g_loss, gradients = jax.value_and_grad(
                lambda w: generator_loss_of(_judge(discriminator, _generate(w, again)))
            )(generator)
        g_adam, generator = _adam(g_adam, generator, gradients, rate, beta)
        return (generator, discriminator, g_adam, d_adam), (real_loss + fake_loss, g_loss)

    def run(self, steps: int) -> None:
        """Whole chunks, a multiple of `quantum` steps: each other size would be compiled anew."""
        train, dim = self.config.train, self.config.latent.dim
        for _ in range(steps // _CHUNK):
            indices = self.random.integers(0, len(self.images), (_CHUNK, train.batch_size))
            latents = self.random.standard_normal((_CHUNK, 2, train.batch_size, dim), dtype=np.float32)
            self.state, losses = self.chunk(self.state, (indices, latents))
            jax.block_until_ready(losses)

    def losses(self, indices: np.ndarray, latents: np.ndarray) -> list[tuple[float, float]]:
        """Losses of steps: indices (steps, 1, batch), latents (steps, 2, batch, dim)."""
        self.state, (d_losses, g_losses) = self.chunk(self.state, (indices[:, 0], latents))
        return [(float(d), float(g)) for d, g in zip(d_losses, g_losses, strict=True)]
