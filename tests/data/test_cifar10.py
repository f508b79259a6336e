import numpy as np
import pytest

from ganlab.data.cifar10 import CIFAR10
from ganlab.data.registry import load_dataset
from ganlab.errors import GanlabError
from tests.data.samples import cifar_record, noise, options, write_npz, write_tar

IMAGES = noise(12, 32, 32, 3)
BATCHES = [f"data_batch_{number}.bin" for number in range(1, 6)] + ["test_batch.bin"]
# Two images a batch; the label of image i is i % 10.
FILES = {
    f"cifar-10-batches-bin/{name}": b"".join(cifar_record(i % 10, IMAGES[i]) for i in (2 * batch, 2 * batch + 1))
    for batch, name in enumerate(BATCHES)
}


def test_the_binary_archive_is_read_in_the_order_of_its_batches(own_data):
    # The members of the official archive are not in order either.
    files = dict(reversed(FILES.items())) | {"cifar-10-batches-bin/readme.html": b"<html>"}
    write_tar(own_data / "cifar10" / "cifar-10-binary.tar.gz", files)
    dataset = load_dataset(options("cifar10"))
    assert np.array_equal(dataset.train.images, IMAGES[:10]) and list(dataset.train.labels) == list(range(10))
    assert np.array_equal(dataset.test.images, IMAGES[10:]) and list(dataset.test.labels) == [0, 1]
    assert (CIFAR10.describe()["train"], CIFAR10.describe()["test"]) == (10, 2)


def test_the_npz_gives_the_same_data(own_data):
    labels = (np.arange(12) % 10).astype(np.uint8)[:, None]
    arrays = {"x_train": IMAGES[:10], "y_train": labels[:10], "x_test": IMAGES[10:], "y_test": labels[10:]}
    write_npz(own_data / "cifar10" / "cifar10.npz", arrays)
    from_npz = load_dataset(options("cifar10"))
    (own_data / "cifar10" / "cifar10.npz").unlink()
    write_tar(own_data / "cifar10" / "cifar-10-binary.tar.gz", FILES)
    assert load_dataset(options("cifar10")).fingerprint == from_npz.fingerprint


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({BATCHES[2]: b"x" * 3072}, "data_batch_3.bin: expected records of 3073 bytes, received 3072"),
        ({BATCHES[5]: b""}, "test_batch.bin: expected records of 3073 bytes, received 0"),
        ({BATCHES[0]: b"\x0b" + bytes(3072)}, "expected labels 0 to 9, received 2 to 11"),
    ],
    ids=["a byte short", "empty", "label 11"],
)
def test_wrong_batches_are_damage(own_data, change, message):
    files = FILES | {f"cifar-10-batches-bin/{name}": content for name, content in change.items()}
    path = write_tar(own_data / "cifar10" / "cifar-10-binary.tar.gz", files)
    with pytest.raises(GanlabError) as caught:
        load_dataset(options("cifar10"))
    assert str(caught.value).startswith(f"{path}: broken data file: {message}.")


def test_a_missing_batch_and_a_truncated_archive_are_damage(own_data):
    files = {name: content for name, content in FILES.items() if "batch_4" not in name}
    path = write_tar(own_data / "cifar10" / "cifar-10-binary.tar.gz", files)
    with pytest.raises(GanlabError, match=r"expected data_batch_4\.bin in the archive"):
        load_dataset(options("cifar10"))
    path.write_bytes(path.read_bytes()[:5000])
    with pytest.raises(GanlabError, match="broken data file"):
        load_dataset(options("cifar10"))
