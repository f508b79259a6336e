"""MNIST and Fashion-MNIST, which lie in the same forms: 60,000 + 10,000 images each, 28x28 grey, ten classes."""

from ganlab.data.idx import IDX_FILES, read_idx_files
from ganlab.data.published import Published, read_keras_npz
from ganlab.data.sources import Download

_KERAS = "https://storage.googleapis.com/tensorflow/tf-keras-datasets"
_FASHION_SHA256 = (
    "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
    "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
    "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
    "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
)

# Handwritten digits (LeCun et al. 1998).
MNIST = Published(
    name="mnist",
    shape=(28, 28, 1),
    class_names=tuple("0123456789"),
    forms={("mnist.npz",): read_keras_npz, IDX_FILES: read_idx_files},
    downloads=(
        Download(
            "mnist.npz",
            f"{_KERAS}/mnist.npz",
            "731c5ac602752760c8e48fbffcf8c3b850d9dc2a2aedcf2cc48468fc17b673d1",
        ),
    ),
)
# Articles of clothing (Xiao, Rasul, Vollgraf 2017).
FASHION_MNIST = Published(
    name="fashion_mnist",
    shape=(28, 28, 1),
    class_names=(
        *("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat"),
        *("Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"),
    ),
    forms={IDX_FILES: read_idx_files, ("fashion-mnist.npz",): read_keras_npz},
    downloads=tuple(
        Download(file, f"{_KERAS}/{file}", sha256) for file, sha256 in zip(IDX_FILES, _FASHION_SHA256, strict=True)
    ),
)
