"""What users would write in plain JAX: pure functions, Adam by hand, and lax.scan over a chunk of steps.

Experiments 1 and 3 are dense, 5 and 18 convolutional. `half` computes in bfloat16, with weights in float32.
"""

import jax
import jax.numpy as jnp
import numpy as np

_CHUNK = 100
_SLOPE, _EPSILON = 0.2, 1e-3
Weights = list


def _leaky_relu(x):
    return jnp.where(x > 0, x, _SLOPE * x)


def _normalize(x, scale, offset):
    """Over all axes but the last, in float32."""
    wide = x.astype(jnp.float32)
    axes = tuple(range(x.ndim - 1))
    mean, variance = wide.mean(axis=axes), wide.var(axis=axes)
    return ((wide - mean) * jax.lax.rsqrt(variance + _EPSILON) * scale + offset).astype(x.dtype)


class DenseNetworks:
    """Weights are kernel and bias of each dense layer; in the generator, scale and offset after each of the first three."""

    def __init__(self, kind):
        self.kind = kind

    def shapes(self) -> dict[str, list[tuple]]:
        generator = []
        for before, after in ((100, 256), (256, 512), (512, 1024)):
            generator += [(before, after), (after,), (after,), (after,)]
        return {
            "generator": [*generator, (1024, 784), (784,)],
            "discriminator": [(784, 512), (512,), (512, 256), (256,), (256, 1), (1,)],
        }

    def scales(self) -> tuple[int, ...]:
        """Places of the normalizations' scales among the generator's weights."""
        return (2, 6, 10)

    def generate(self, weights: Weights, latents):
        x, weights = latents.astype(self.kind), [w.astype(self.kind) for w in weights]
        for kernel, bias, scale, offset in (weights[0:4], weights[4:8], weights[8:12]):
            x = _normalize(_leaky_relu(x @ kernel + bias), scale, offset)
        return jnp.tanh(x @ weights[12] + weights[13]).astype(jnp.float32)

    def judge(self, weights: Weights, images, key):
        x, weights = images.reshape(len(images), -1).astype(self.kind), [w.astype(self.kind) for w in weights]
        x = _leaky_relu(x @ weights[0] + weights[1])
        x = _leaky_relu(x @ weights[2] + weights[3])
        return (x @ weights[4] + weights[5]).astype(jnp.float32)


class ConvolutionalNetworks:
    """Experiments 5 (with batch normalization in the generator) and 18: weights in the order of the layers."""

    def __init__(self, kind, name: str, rate: float):
        self.kind, self.rate, self.normalized = kind, rate, name == "exp05"
        self.channels, self.side = (1, 7) if name == "exp05" else (3, 10)
        self.kernels = (3, 3) if name == "exp05" else (4, 5)

    def shapes(self) -> dict[str, list[tuple]]:
        def convolution(kernel, before, after):
            return [(kernel, kernel, before, after), (after,)]

        of_generator, of_discriminator = self.kernels
        generator = [(100, self.side**2 * 128), (self.side**2 * 128,)]
        for after in (128, 64):
            generator += convolution(of_generator, 128, after) + [(after,), (after,)] * self.normalized
        discriminator, before, side = [], self.channels, 4 * self.side
        for after in (32, 64, 128, 256):
            discriminator += convolution(of_discriminator, before, after)
            before, side = after, -(-side // 2)
        return {
            "generator": generator + convolution(of_generator, 64, self.channels),
            "discriminator": [*discriminator, (side**2 * 256, 1), (1,)],
        }

    def scales(self) -> tuple[int, ...]:
        return (4, 8) if self.normalized else ()

    def generate(self, weights: Weights, latents):
        activate = jax.nn.relu if self.normalized else _leaky_relu
        weights = iter([w.astype(self.kind) for w in weights])
        x = activate(latents.astype(self.kind) @ next(weights) + next(weights)).reshape(-1, self.side, self.side, 128)
        for _ in range(2):
            x = jnp.repeat(jnp.repeat(x, 2, axis=1), 2, axis=2)
            x = _convolve(x, next(weights), next(weights), 1)
            if self.normalized:
                x = _normalize(x, next(weights), next(weights))
            x = activate(x)
        return jnp.tanh(_convolve(x, next(weights), next(weights), 1)).astype(jnp.float32)

    def judge(self, weights: Weights, images, key):
        x, weights = images.astype(self.kind), iter([w.astype(self.kind) for w in weights])
        for number in range(4):
            x = _leaky_relu(_convolve(x, next(weights), next(weights), 2))
            if self.rate:
                kept = jax.random.bernoulli(jax.random.fold_in(key, number), 1 - self.rate, x.shape)
                x = jnp.where(kept, x / (1 - self.rate), 0).astype(self.kind)
        return (x.reshape(len(x), -1) @ next(weights) + next(weights)).astype(jnp.float32)


def _convolve(x, kernel, bias, stride):
    axes = ("NHWC", "HWIO", "NHWC")
    return jax.lax.conv_general_dilated(x, kernel, (stride, stride), "SAME", dimension_numbers=axes) + bias


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

    def __init__(self, config, images: np.ndarray, one_pass: bool = False, half: bool = False, dropout: bool = True):
        self.config, self.one_pass = config, one_pass
        kind = jnp.bfloat16 if half else jnp.float32
        if config.name in ("exp01", "exp03"):
            self.networks = DenseNetworks(kind)
        elif config.name in ("exp05", "exp18"):
            self.networks = ConvolutionalNetworks(kind, config.name, 0.4 if dropout else 0.0)
        else:
            raise ValueError(f"no hand-written JAX networks for {config.name}")
        self.images = jnp.asarray(images)
        self.options = config.generator.optimizer["Adam"]
        self.random, self.key = np.random.default_rng(0), jax.random.key(0)
        self.load(self._first_weights())
        self.chunk = jax.jit(lambda state, draws: jax.lax.scan(self._step, state, draws), donate_argnums=0)

    def _first_weights(self) -> dict:
        def first(name, place, shape):
            if len(shape) == 1:
                return np.full(shape, float(name == "generator" and place in self.networks.scales()), np.float32)
            field = int(np.prod(shape[:-2]))
            limit = np.sqrt(6 / (field * (shape[-2] + shape[-1])))
            return self.random.uniform(-limit, limit, shape).astype(np.float32)

        shapes = self.networks.shapes().items()
        return {name: [first(name, place, shape) for place, shape in enumerate(found)] for name, found in shapes}

    def load(self, weights: dict[str, list[np.ndarray]]) -> None:
        """Takes a Keras network's trainable weights, in their order."""
        generator, discriminator = ([jnp.asarray(w) for w in weights[n]] for n in ("generator", "discriminator"))
        self.state = generator, discriminator, _fresh_adam(generator), _fresh_adam(discriminator)

    def _step(self, state, draws):
        generator, discriminator, g_adam, d_adam = state
        indices, (latents, new_latents), key = draws
        real_key, fake_key, last_key = jax.random.split(key, 3)
        generate, judge = self.networks.generate, self.networks.judge
        real_loss_of, fake_loss_of, generator_loss_of = _LOSSES[self.config.loss.name]
        rate, beta = self.options["learning_rate"], self.options["beta_1"]
        real = self.images[indices].astype(jnp.float32) / 127.5 - 1
        real_loss, gradients = jax.value_and_grad(lambda w: real_loss_of(judge(w, real, real_key)))(discriminator)
        d_adam, discriminator = _adam(d_adam, discriminator, gradients, rate, beta)
        fake, pull = jax.vjp(lambda w: generate(w, latents), generator)
        fake_loss, gradients = jax.value_and_grad(lambda w: fake_loss_of(judge(w, fake, fake_key)))(discriminator)
        d_adam, discriminator = _adam(d_adam, discriminator, gradients, rate, beta)
        if self.config.train.share_latents and self.one_pass:
            g_loss, slopes = jax.value_and_grad(lambda x: generator_loss_of(judge(discriminator, x, last_key)))(fake)
            (gradients,) = pull(slopes)
        else:
            again = latents if self.config.train.share_latents else new_latents
            g_loss, gradients = jax.value_and_grad(
                lambda w: generator_loss_of(judge(discriminator, generate(w, again), last_key))
            )(generator)
        g_adam, generator = _adam(g_adam, generator, gradients, rate, beta)
        return (generator, discriminator, g_adam, d_adam), (real_loss + fake_loss, g_loss)

    def run(self, steps: int) -> None:
        """Whole chunks, a multiple of `quantum` steps: each other size would be compiled anew."""
        train, dim = self.config.train, self.config.latent.dim
        for _ in range(steps // _CHUNK):
            indices = self.random.integers(0, len(self.images), (_CHUNK, train.batch_size))
            latents = self.random.standard_normal((_CHUNK, 2, train.batch_size, dim), dtype=np.float32)
            self.state, losses = self.chunk(self.state, (indices, latents, self._keys(_CHUNK)))
            jax.block_until_ready(losses)

    def _keys(self, steps: int):
        self.key, key = jax.random.split(self.key)
        return jax.random.split(key, steps)

    def losses(self, indices: np.ndarray, latents: np.ndarray) -> list[tuple[float, float]]:
        """Losses of steps: indices (steps, 1, batch), latents (steps, 2, batch, dim)."""
        draws = indices[:, 0], latents, self._keys(len(indices))
        self.state, (d_losses, g_losses) = self.chunk(self.state, draws)
        return [(float(d), float(g)) for d, g in zip(d_losses, g_losses, strict=True)]
