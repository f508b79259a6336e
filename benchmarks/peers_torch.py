"""What users would write in plain PyTorch: nn.Sequential networks, two optimizers and a loop, as in its DCGAN tutorial.

The networks are written out by hand here, once more, and are checked to be those of the configs: from the same weights and the
same random numbers the losses must be ganlab's (`step_time.py` does that before it measures).
"""

import numpy as np
import torch
from torch import nn
from torch.nn import functional

_SLOPE = 0.2


def dense_networks() -> tuple[nn.Module, nn.Module]:
    """Experiments 1 and 3."""
    layers = []
    for before, after in ((100, 256), (256, 512), (512, 1024)):
        layers += [nn.Linear(before, after), nn.LeakyReLU(_SLOPE), nn.BatchNorm1d(after, eps=1e-3, momentum=0.2)]
    generator = nn.Sequential(*layers, nn.Linear(1024, 784), nn.Tanh(), nn.Unflatten(1, (1, 28, 28)))
    discriminator = nn.Sequential(
        nn.Flatten(),
        *(nn.Linear(784, 512), nn.LeakyReLU(_SLOPE)),
        *(nn.Linear(512, 256), nn.LeakyReLU(_SLOPE)),
        nn.Linear(256, 1),
    )
    return generator, discriminator


def mnist_networks(kernel: int, filters: tuple, normalized: bool, strides: tuple, dropout: float, exact: bool) -> tuple:
    """Experiments 2, 4 and 5."""
    first = [nn.Linear(100, 6272), nn.ReLU(), nn.Unflatten(1, (128, 7, 7))]
    blocks = []
    for before, after in ((128, 128), (128, 64)):
        blocks += [nn.Upsample(scale_factor=2), nn.Conv2d(before, after, kernel, padding="same")]
        blocks += [nn.BatchNorm2d(after, eps=1e-3, momentum=0.2), nn.ReLU()]
    generator = nn.Sequential(*first, *blocks, nn.Conv2d(64, 1, kernel, padding="same"), nn.Tanh())
    return generator, _discriminator(1, 28, 3, filters, strides, dropout, normalized, exact)


def celeba_networks(dropout: float, exact: bool) -> tuple[nn.Module, nn.Module]:
    """Experiment 18."""
    first = [nn.Linear(100, 12800), nn.LeakyReLU(_SLOPE), nn.Unflatten(1, (128, 10, 10))]
    blocks = []
    for before, after in ((128, 128), (128, 64)):
        blocks += [nn.Upsample(scale_factor=2), nn.Conv2d(before, after, 4, padding="same"), nn.LeakyReLU(_SLOPE)]
    generator = nn.Sequential(*first, *blocks, nn.Conv2d(64, 3, 4, padding="same"), nn.Tanh())
    return generator, _discriminator(3, 40, 5, (32, 64, 128, 256), (2, 2, 2, 2), dropout, False, exact)


def _discriminator(channels, side, kernel, filters, strides, dropout, normalized, exact) -> nn.Module:
    layers = []
    for index, (after, stride) in enumerate(zip(filters, strides, strict=True)):
        if exact and stride > 1:  # Keras pads more at the end; the same number of operations either way
            total = max((-(-side // stride) - 1) * stride + kernel - side, 0)
            layers += [nn.ZeroPad2d((total // 2, total - total // 2) * 2), nn.Conv2d(channels, after, kernel, stride)]
        else:
            layers.append(nn.Conv2d(channels, after, kernel, stride, padding=kernel // 2))
        if normalized and index:
            layers.append(nn.BatchNorm2d(after, eps=1e-3, momentum=0.2))
        layers += [nn.LeakyReLU(_SLOPE), nn.Dropout(dropout)]
        channels, side = after, -(-side // stride)
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(channels * side * side, 1))


def build_networks(name: str, dropout: bool, exact: bool) -> tuple[nn.Module, nn.Module]:
    rate = 1.0 if dropout else 0.0
    if name in ("exp01", "exp03"):
        return dense_networks()
    if name == "exp02":
        return mnist_networks(3, (32, 64, 128, 256), True, (2, 2, 2, 1), 0.25 * rate, exact)
    if name == "exp04":
        return mnist_networks(4, (16, 32, 64, 128), True, (2, 2, 2, 1), 0.25 * rate, exact)
    if name == "exp05":
        return mnist_networks(3, (32, 64, 128, 256), False, (2, 2, 2, 2), 0.4 * rate, exact)
    if name == "exp18":
        return celeba_networks(0.4 * rate, exact)
    raise ValueError(f"no hand-written PyTorch networks for {name}")


LOSSES = {
    "non_saturating": (
        lambda logits: functional.binary_cross_entropy_with_logits(logits, torch.ones_like(logits)),
        lambda logits: functional.binary_cross_entropy_with_logits(logits, torch.zeros_like(logits)),
        lambda logits: functional.binary_cross_entropy_with_logits(logits, torch.ones_like(logits)),
    ),
    "least_squares": (
        lambda logits: ((logits - 1) ** 2).mean(),
        lambda logits: (logits**2).mean(),
        lambda logits: ((logits - 1) ** 2).mean(),
    ),
    "wasserstein": (lambda logits: -logits.mean(), lambda logits: logits.mean(), lambda logits: -logits.mean()),
}


class TorchPeer:
    """The usual loop: a real batch, a generated batch, then the generator, which reuses that batch where latents are shared.

    On a GPU if there is one, with TF32 and measured convolution algorithms. `amp` is autocast to bfloat16; `graph` records the
    whole step as a CUDA graph, whose indices and latents are copied into its memory before each replay.
    """

    def __init__(
        self,
        config,
        images: np.ndarray,
        compiled: bool = False,
        dropout: bool = True,
        exact: bool = False,
        amp: bool = False,
        graph: bool = False,
    ):
        self.config, self.amp, self.graph, self.replayed = config, amp, graph, None
        self.device = "cuda" if torch.cuda.is_available() else "cpu"
        torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.benchmark = True
        layout = torch.channels_last if images.ndim == 4 else torch.contiguous_format
        networks = build_networks(config.name, dropout, exact)
        self.generator, self.discriminator = (n.to(self.device, memory_format=layout) for n in networks)
        self.images = torch.from_numpy(images).permute(0, 3, 1, 2).to(self.device)
        self.optimizers = [self._optimizer(network) for network in (self.discriminator, self.generator)]
        self.real_loss, self.fake_loss, self.generator_loss = LOSSES[config.loss.name]
        self.generate, self.judge = self.generator, self.discriminator
        if compiled:
            self.generate, self.judge = torch.compile(self.generator), torch.compile(self.discriminator)

    def _optimizer(self, network: nn.Module) -> torch.optim.Optimizer:
        ((kind, options),) = self.config.generator.optimizer.items()
        if kind == "Adam":
            betas = (options["beta_1"], 0.999)
            more = {"fused": True, "capturable": self.graph}
            return torch.optim.Adam(network.parameters(), options["learning_rate"], betas, eps=1e-7, **more)
        more = {"capturable": self.graph}
        return torch.optim.RMSprop(network.parameters(), options["learning_rate"], alpha=0.9, eps=1e-7, **more)

    def run(self, steps: int) -> None:
        if self.graph and self.replayed is None:
            self._record()
        for _ in range(steps):
            indices, latents = self._draw()
            if self.graph:
                self.read[0].copy_(indices)
                self.read[1].copy_(latents)
                self.replayed.replay()
            else:
                self._step(indices, latents)
        if self.device == "cuda":
            torch.cuda.synchronize()

    def _draw(self) -> tuple[torch.Tensor, torch.Tensor]:
        turns, batch = self.config.train.discriminator_steps, self.config.train.batch_size
        indices = torch.randint(len(self.images), (turns, batch), device=self.device)
        return indices, torch.randn(turns + 1, batch, self.config.latent.dim, device=self.device)

    def _record(self) -> None:
        self.read = self._draw()
        aside = torch.cuda.Stream()
        aside.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(aside):
            for _ in range(3):
                self._step(*self.read)
        torch.cuda.current_stream().wait_stream(aside)
        self.replayed = torch.cuda.CUDAGraph()
        with torch.cuda.graph(self.replayed):
            self._step(*self.read)

    def losses(self, indices: np.ndarray, latents: np.ndarray) -> list[tuple[float, float]]:
        """Losses of one step for each first index: indices (steps, turns, batch), latents (steps, turns + 1, batch, dim)."""
        found = []
        for batch in zip(indices, latents, strict=True):
            found.append(
                tuple(float(loss) for loss in self._step(*(torch.from_numpy(a).to(self.device) for a in batch)))
            )
        return found

    def _step(self, indices: torch.Tensor, latents: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        with torch.autocast(self.device, torch.bfloat16, enabled=self.amp):
            return self._updates(indices, latents)

    def _updates(self, indices: torch.Tensor, latents: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        d_optimizer, g_optimizer = self.optimizers
        d_losses = []
        for turn in range(self.config.train.discriminator_steps):
            real = self.images[indices[turn]].float() / 127.5 - 1
            real_loss = self.real_loss(self.judge(real).float())
            self._descend(d_optimizer, real_loss)
            fake = self.generate(latents[turn])
            fake_loss = self.fake_loss(self.judge(fake.detach()).float())
            self._descend(d_optimizer, fake_loss)
            d_losses.append(real_loss.detach() + fake_loss.detach())
        if not self.config.train.share_latents:
            fake = self.generate(latents[-1])
        self.discriminator.requires_grad_(False)
        g_loss = self.generator_loss(self.judge(fake).float())
        self._descend(g_optimizer, g_loss)
        self.discriminator.requires_grad_(True)
        return sum(d_losses) / len(d_losses), g_loss.detach()

    def _descend(self, optimizer: torch.optim.Optimizer, loss: torch.Tensor) -> None:
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if self.config.clip_weights and optimizer is self.optimizers[0]:
            with torch.no_grad():
                for weight in self.discriminator.parameters():
                    weight.clamp_(-self.config.clip_weights, self.config.clip_weights)

    def load(self, weights: dict[str, list[np.ndarray]]) -> None:
        """Takes a Keras network's trainable weights, in their order."""
        for name, network in (("generator", self.generator), ("discriminator", self.discriminator)):
            arrays = iter(weights[name])
            with torch.no_grad():
                for layer in network:
                    self._load_layer(layer, network, arrays)

    def _load_layer(self, layer: nn.Module, network: nn.Module, arrays) -> None:
        if not list(layer.parameters()):
            return
        kernel, bias = next(arrays), next(arrays)
        if isinstance(layer, nn.Conv2d):
            kernel = kernel.transpose(3, 2, 0, 1)
        elif isinstance(layer, nn.Linear):
            kernel, bias = _channels_first(kernel, bias, layer, network)
        layer.weight.copy_(torch.from_numpy(np.ascontiguousarray(kernel)))
        layer.bias.copy_(torch.from_numpy(np.ascontiguousarray(bias)))


def _channels_first(kernel: np.ndarray, bias: np.ndarray, layer: nn.Module, network: nn.Module) -> tuple:
    """Keras flattens (height, width, channels), PyTorch (channels, height, width): the dense layer's rows or columns move."""
    layers = list(network)
    place = layers.index(layer)
    if isinstance(layers[-1], nn.Linear) and place == len(layers) - 1:
        channels = next((part.out_channels for part in reversed(layers) if isinstance(part, nn.Conv2d)), None)
        if channels:
            side = int((kernel.shape[0] // channels) ** 0.5)
            kernel = kernel.reshape(side, side, channels, -1).transpose(2, 0, 1, 3).reshape(kernel.shape)
    elif len(layers) > place + 2 and isinstance(layers[place + 2], nn.Unflatten):
        channels, height, width = layers[place + 2].unflattened_size
        kernel = kernel.reshape(-1, height, width, channels).transpose(0, 3, 1, 2).reshape(kernel.shape)
        bias = bias.reshape(height, width, channels).transpose(2, 0, 1).reshape(bias.shape)
    return kernel.T, bias
