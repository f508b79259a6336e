"""MNIST: 60,000 + 10,000 handwritten digits, 28x28 grey (LeCun et al. 1998)."""

from ganlab.data.mnist_forms import IDX_FORM, npz_form
from ganlab.data.published import Published
from ganlab.data.sources import Download

PUBLISHED = Published(
    name="mnist",
    shape=(28, 28, 1),
    class_names=tuple("0123456789"),
    forms=(npz_form("mnist.npz"), IDX_FORM),
    downloads=(
        Download(
            "mnist.npz",
            "https://storage.googleapis.com/tensorflow/tf-keras-datasets/mnist.npz",
            "731c5ac602752760c8e48fbffcf8c3b850d9dc2a2aedcf2cc48468fc17b673d1",
        ),
    ),
)
load = PUBLISHED.load
describe = PUBLISHED.describe
