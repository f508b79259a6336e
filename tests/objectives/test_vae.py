import numpy as np
import pytest

from ganlab.config.identity import identity_of
from ganlab.config.loading import build_config, dump_config
from ganlab.config.reader import parse_yaml
from ganlab.config.schema import Form
from ganlab.errors import ConfigError
from ganlab.models.building import build_network
from ganlab.objectives.vae import normal_divergence
from tests.training.tiny import BACKEND, IMAGES, SGD, build, tiny_config

DIM, WIDTH = 3, 8
REAL = IMAGES / 127.5 - 1
STILL = {"SGD": {"learning_rate": 0.0}}
HALF = [{"Dense": {"units": WIDTH, "activation": "sigmoid"}}]


def gaussian(beta: float = 1.0) -> dict:
    return {"vae": {"likelihood": "gaussian", "beta": beta}}


def linear(optimizer: dict = STILL, **more):
    """Encoder and generator of one linear layer each."""
    encoder, generator = ([{"Dense": {"units": units}}] for units in (2 * DIM, WIDTH))
    config = {"objective": gaussian(), "encoder": encoder, "generator": generator, "optimizer": optimizer}
    return build(tiny_config(**config | more))


def columns(tiny, steps: int) -> dict[str, np.ndarray]:
    return dict(zip(tiny.objective.column_names, tiny.train(steps, room=steps).T, strict=True))


class TestLinearGaussian:
    """x = z C + c + noise: x is normal, and so is z given x, so that everything is known in closed form."""

    @pytest.fixture
    def known(self):
        """(mean of -log p(x) over the images, C, c, variances and means of z given x), with orthogonal rows of C."""
        numbers = np.random.default_rng(0)
        rows = np.linalg.qr(numbers.normal(size=(WIDTH, DIM)))[0].T * [[1.5], [0.7], [0.3]]
        offset = numbers.normal(size=WIDTH) * 0.2
        covariance = rows.T @ rows + np.eye(WIDTH)
        apart = REAL - offset
        squared = (apart * np.linalg.solve(covariance, apart.T).T).sum(axis=1)
        surprise = 0.5 * (squared + np.linalg.slogdet(covariance)[1] + WIDTH * np.log(2 * np.pi))
        variances = 1 / (1 + (rows**2).sum(axis=1))
        return surprise.mean(), rows, offset, variances, apart @ (rows.T * variances)

    def set_weights(self, tiny, known, shift=0.0):
        _, rows, offset, variances, _ = known
        kernel = np.concatenate([rows.T * variances, np.zeros((WIDTH, DIM))], axis=1)
        bias = np.concatenate([-offset @ (rows.T * variances) + shift, np.log(variances)])
        tiny.models.networks["encoder"].model.set_weights([kernel, bias])
        tiny.models.networks["generator"].model.set_weights([rows, offset])

    def test_with_the_exact_posterior_the_loss_is_the_negative_log_likelihood(self, known):
        tiny = linear(train={"batch_size": len(REAL)})  # each step is an epoch
        self.set_weights(tiny, known)
        found = columns(tiny, 400)["loss"]
        assert found.mean() == pytest.approx(known[0], abs=4 * found.std() / np.sqrt(len(found)))
        assert found.std() / np.sqrt(len(found)) < 0.005 * known[0]

    def test_with_another_it_is_larger_by_their_divergence(self, known):
        shift = 0.5
        tiny = linear(train={"batch_size": len(REAL)})
        self.set_weights(tiny, known, shift)
        found = columns(tiny, 400)["loss"]
        # Of two normal distributions of the same variances: half the squared distance of the means over the variance.
        expected = known[0] + 0.5 * (shift**2 / known[3]).sum()
        assert found.mean() == pytest.approx(expected, abs=4 * found.std() / np.sqrt(len(found)))

    def test_the_divergence_from_the_prior_is_the_closed_form(self, known):
        tiny = linear(train={"batch_size": len(REAL)})
        self.set_weights(tiny, known)
        variances, means = known[3:]
        expected = 0.5 * (means**2 + variances - 1 - np.log(variances)).sum(axis=1).mean()
        np.testing.assert_allclose(columns(tiny, 3)["kl"], expected, rtol=1e-5)

    def test_latents_are_the_mean_of_the_posterior_and_its_deviation_times_the_noise_of_each_sample(self, known):
        tiny = linear(train={"batch_size": len(REAL)})
        self.set_weights(tiny, known)
        (rows_of_data,), (noise,) = (tiny.draws.take(0, 1)[name] for name in ("real", "noise"))
        _, rows, offset, variances, means = known
        made = (means[rows_of_data] + np.sqrt(variances) * noise) @ rows + offset
        expected = (0.5 * (REAL[rows_of_data] - made) ** 2 + 0.5 * np.log(2 * np.pi)).sum(axis=1).mean()
        assert noise.shape == (len(REAL), DIM)
        assert columns(tiny, 1)["reconstruction"][0] == pytest.approx(expected, rel=1e-5)

    def test_training_moves_towards_the_best_linear_model(self):
        tiny = linear({"Adam": {"learning_rate": 0.02}}, train={"batch_size": len(REAL)})
        found = columns(tiny, 300)["loss"]
        # Tipping and Bishop 1999: eigenvalues of the covariance above the noise's variance, here 1, become latents.
        values = np.linalg.eigvalsh(np.cov(REAL.T, ddof=0))[::-1]
        kept, rest = np.maximum(values[:DIM], 1.0), values[DIM:]
        best = 0.5 * (np.log(kept).sum() + (values[:DIM] / kept).sum() + rest.sum() + WIDTH * np.log(2 * np.pi))
        assert found[-50:].mean() < found[0] - 0.5
        assert found[-50:].mean() == pytest.approx(best, rel=0.03)


def test_no_divergence_from_the_prior_itself():
    np.testing.assert_array_equal(np.array(normal_divergence(np.zeros((2, 3)), np.zeros((2, 3)))), [0, 0])


@pytest.mark.parametrize("beta", [1.0, 4.0])
def test_the_loss_is_the_reconstruction_and_beta_times_the_divergence(beta):
    found = columns(linear(objective=gaussian(beta)), 3)
    assert list(found) == ["loss", "reconstruction", "kl"]
    np.testing.assert_allclose(found["loss"], found["reconstruction"] + beta * found["kl"], rtol=1e-6)


@pytest.mark.parametrize("value_range", ["tanh", "sigmoid"])
def test_the_bernoulli_likelihood_is_of_values_from_zero_to_one(value_range):
    """A generator that always says one half has log 2 of every value, whatever the image."""
    data = {"name": "digits", "range": value_range}
    config = tiny_config("vae", STILL, encoder=[{"Dense": {"units": 2 * DIM}}], generator=HALF, data=data)
    low = -1.0 if value_range == "tanh" else 0.0
    tiny = build(config)
    tiny.steps = BACKEND.Steps(tiny.objective, {"images": IMAGES}, (low, 1.0), False)
    # A sigmoid of 0 is one half; in the range of tanh that stands for three quarters.
    tiny.models.networks["generator"].model.set_weights([np.zeros((DIM, WIDTH)), np.zeros(WIDTH)])
    said = (0.5 - low) / (1.0 - low)
    pixels = IMAGES[tiny.draws.take(0, 1)["real"][0]] / 255
    expected = -(pixels * np.log(said) + (1 - pixels) * np.log(1 - said)).sum(axis=1).mean()
    assert columns(tiny, 1)["reconstruction"][0] == pytest.approx(expected, rel=1e-5)


def test_a_saturated_generator_has_a_finite_loss():
    encoder, generator = [{"Dense": {"units": 2 * DIM}}], [{"Dense": {"units": WIDTH, "activation": "tanh"}}]
    tiny = build(tiny_config("vae", STILL, encoder=encoder, generator=generator))
    tiny.models.networks["generator"].model.set_weights([np.zeros((DIM, WIDTH)), np.full(WIDTH, 100.0)])
    assert np.isfinite(columns(tiny, 1)["loss"]).all()


@pytest.mark.parametrize("jit", BACKEND.JIT)
def test_one_update_moves_both_networks_and_the_average_of_the_generator(jit):
    layers = [{"Dense": {"units": 5, "activation": "tanh"}}, "BatchNormalization", {"Dense": {"units": 2 * DIM}}]
    generator = ["BatchNormalization", *HALF]  # whose moving statistics move in training mode alone
    tiny = build(tiny_config("vae", SGD, encoder=layers, generator=generator, train={"ema": 0.5}), jit)
    before = tiny.snapshot()
    tiny.train(1)
    after = tiny.snapshot()
    for owner in ("networks/encoder", "networks/generator", "averages/generator"):
        moved = [not np.array_equal(before[name], after[name]) for name in before if name.startswith(owner)]
        assert moved and all(moved), owner
    assert tiny.models.sampled is tiny.models.averages["generator"]


VAE = """\
objective: {vae: {beta: 2}}
name: example
data: {name: digits}
latent: {dim: 4}
encoder: {layers: [Flatten, Dense: {units: 8}], optimizer: Adam}
generator: {layers: [Dense: {units: 64}, Reshape: {target_shape: [8, 8, 1]}], optimizer: Adam}
train: {steps: 100, batch_size: 32}
"""


def config_of(text: str):
    return build_config(parse_yaml(text, "c.yaml"))


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("beta: 2", "beta: 0", "c.yaml:1:19: objective.vae.beta: expected a number > 0, received 0"),
        ("beta: 2", "bta: 2", "c.yaml:1:19: objective.vae.bta: unknown key. Did you mean 'beta'?"),
        ("{vae: {beta: 2}}", "{vae: 2}", "c.yaml:1:13: objective.vae: expected a mapping"),
        ("encoder:", "discriminator:", "c.yaml:5:1: discriminator: unknown key."),
        ("train: {", "loss: hinge\ntrain: {", "c.yaml:7:1: loss: unknown key."),
        ("train: {", "labels: conditional\ntrain: {", "c.yaml:7:1: labels: expected none with the objective vae"),
        ("{dim: 4}", "{dim: 4, categorical: [2]}", "c.yaml:4:18: latent.categorical: expected none with the objective"),
        ("{dim: 4}", "{dim: 4, continuous: 2}", "c.yaml:4:18: latent.continuous: expected none with the objective"),
        ("steps: 100", "steps: 100, share_latents: true", "c.yaml:7:21: train.share_latents: unknown key."),
    ],
)  # fmt: skip
def test_a_wrong_config_gives_this_line(old, new, message):
    assert old in VAE
    with pytest.raises(ConfigError) as caught:
        config_of(VAE.replace(old, new, 1))
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize("said", ["vae", "{vae: }", "{vae: {beta: 1}}", "{vae: {likelihood: bernoulli}}"])
def test_the_short_forms_mean_the_long_form(said):
    config = config_of(VAE.replace("{vae: {beta: 2}}", said))
    assert config.model_dump()["objective"] == {"vae": {"beta": 1.0, "likelihood": "bernoulli"}}


def test_an_identity_names_the_objective_and_its_options():
    cells = {
        identity_of(config_of(VAE.replace("{vae: {beta: 2}}", said)), "data", 100)[0]
        for said in ("vae", "{vae: {beta: 1}}", "{vae: {beta: 2}}", "{vae: {likelihood: gaussian}}")
    }
    assert len(cells) == 3
    assert config_of(VAE.replace("{vae: {beta: 2}}", "vae")).model_dump(exclude_defaults=True)["objective"] == {
        "vae": {}
    }


def test_a_config_that_is_written_out_reads_back_equal():
    assert config_of(dump_config(config_of(VAE))) == config_of(VAE)


def test_an_encoder_ends_in_two_numbers_a_latent():
    config = config_of(VAE.replace("units: 8}", "units: 4}"))
    with pytest.raises(ConfigError) as caught:
        build_network(config, "encoder", Form((8, 8, 1)))
    assert str(caught.value).startswith(
        "c.yaml:5:29: encoder.layers[1].Dense: ends in the shape (4,), expected (8,): "
        "twice latent.dim, a mean and the logarithm of a variance for each latent"
    )


def test_a_vae_is_listed_as_one_unless_its_config_says_otherwise():
    assert tiny_config("vae").family == "VAE" and tiny_config("gan").family == "GAN"
    assert tiny_config("vae", family="beta-VAE").family == "beta-VAE"
