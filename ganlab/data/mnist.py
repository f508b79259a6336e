"""MNIST: 60,000 + 10,000 handwritten digits, 28x28 grey (LeCun et al. 1998)."""

from ganlab.data.idx import IDX_FILES, read_idx_files
from ganlab.data.published import Published, read_keras_npz
from ganlab.data.sources import Download

PUBLISHED = Published(
    name="mnist",
    shape=(28, 28, 1),
    class_names=tuple("0123456789"),
    forms={("mnist.npz",): read_keras_npz, IDX_FILES: read_idx_files},
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
