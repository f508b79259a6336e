import numpy as np
import pytest
from keras import ops

from ganlab.training.class_heads import split_outputs

OUTPUTS = np.log(np.array([[1, 2, 3, 4, 5], [5, 1, 1, 2, 8]], np.float32))


def split(labels: str, codes: int):
    parts = split_outputs(ops.convert_to_tensor(OUTPUTS), labels, codes)
    return [None if part is None else ops.convert_to_numpy(part) for part in parts]


@pytest.mark.parametrize("codes", [0, 1, 2])
class TestOutputs:
    def test_of_no_head_are_logits_and_then_those_for_codes(self, codes):
        logits, of_class, of_codes = split("conditional", codes)
        np.testing.assert_array_equal(logits, OUTPUTS[:, : 5 - codes])
        assert of_class is None and (codes > 0 or of_codes is None)
        if codes:
            np.testing.assert_array_equal(of_codes, OUTPUTS[:, 5 - codes :])

    def test_of_an_auxiliary_head_are_the_logit_of_real_and_then_those_for_classes(self, codes):
        logit, of_class, of_codes = split("auxiliary", codes)
        np.testing.assert_array_equal(logit, OUTPUTS[:, :1])
        np.testing.assert_array_equal(of_class, OUTPUTS[:, 1 : 5 - codes])
        assert (of_codes is None) == (codes == 0)

    def test_of_a_semi_supervised_head_give_real_the_sum_of_the_classes_against_generated(self, codes):
        logit, of_class, of_codes = split("semi_supervised", codes)
        powers = np.exp(OUTPUTS[:, : 5 - codes])
        expected = np.log(powers[:, :-1].sum(axis=1, keepdims=True) / powers[:, -1:])
        np.testing.assert_allclose(logit, expected, rtol=1e-5)
        np.testing.assert_array_equal(of_class, OUTPUTS[:, : 4 - codes])
        assert (of_codes is None) == (codes == 0)
