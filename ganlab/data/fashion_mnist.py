"""Fashion-MNIST: 60,000 + 10,000 articles of clothing, 28x28 grey (Xiao, Rasul, Vollgraf 2017)."""

from ganlab.data.idx import IDX_FILES, read_idx_files
from ganlab.data.published import Published, read_keras_npz
from ganlab.data.sources import Download

_SHA256 = (
    "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
    "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
    "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
    "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
)

PUBLISHED = Published(
    name="fashion_mnist",
    shape=(28, 28, 1),
    class_names=tuple(
        ["T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"]
    ),
    forms={IDX_FILES: read_idx_files, ("fashion-mnist.npz",): read_keras_npz},
    downloads=tuple(
        Download(file, f"https://storage.googleapis.com/tensorflow/tf-keras-datasets/{file}", sha256)
        for file, sha256 in zip(IDX_FILES, _SHA256, strict=True)
    ),
)
load = PUBLISHED.load
describe = PUBLISHED.describe
