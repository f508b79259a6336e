import numpy as np
import pytest
from keras import ops

from ganlab.objectives.code_terms import CodeTerm
from ganlab.training.losses import Judged
from tests.training.tiny import tiny_config

# One sample: a code of two values and one of three, then two continuous ones.
OUTPUTS = [*np.log([1, 3]), *np.log([2, 1, 1]), 0.5, -0.5]
CODES = [0, 1, 1, 0, 0, 0.2, 0.1]
OF_CATEGORICAL = np.log(4 / 3) + np.log(4 / 2)
OF_CONTINUOUS = (0.3**2 + 0.6**2) / 2


@pytest.mark.parametrize(
    ("categorical", "continuous", "first", "value", "logs"),
    [
        ([2, 3], 2, 0, 3 * OF_CATEGORICAL + 0.5 * OF_CONTINUOUS, {"mutual_information", "code_error"}),
        ([2, 3], 0, 0, 3 * OF_CATEGORICAL, {"mutual_information"}),
        ([], 2, 5, 0.5 * OF_CONTINUOUS, {"code_error"}),
    ],
)
def test_both_networks_learn_the_codes_of_generated_images(categorical, continuous, first, value, logs):
    latent = {"dim": 3, "categorical": categorical, "continuous": continuous}
    term = CodeTerm(tiny_config(latent=latent, code_loss={"categorical": 3.0, "continuous": 0.5}))
    last = first + sum(categorical) + continuous
    outputs, codes = (ops.convert_to_tensor([row[first:last]], "float32") for row in (OUTPUTS, CODES))
    judged = Judged(None, None, None, {}, None, outputs, codes)
    found, numbers = term.discriminator("fake", judged)
    assert float(found) == float(term.generator(judged)) == pytest.approx(value, rel=1e-5)
    expected = {"mutual_information": np.log(2) + np.log(3) - OF_CATEGORICAL, "code_error": OF_CONTINUOUS}
    assert {name: float(number) for name, number in numbers.items()} == pytest.approx(
        {name: expected[name] for name in logs}, rel=1e-5
    )
    assert term.discriminator("real", judged) == (None, {})
