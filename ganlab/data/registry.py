"""The data sets by name. A new one is a module with `load` and `describe`, and a line here."""

from ganlab.data import cifar10, digits, fashion_mnist, folder, mnist
from ganlab.data.dataset import Dataset
from ganlab.data.preparing import ErrorAt, plain_error_at
from ganlab.errors import did_you_mean

DATASETS = {
    "digits": digits,
    "mnist": mnist,
    "fashion_mnist": fashion_mnist,
    "cifar10": cifar10,
    "folder": folder,
}


def load_dataset(options, error_at: ErrorAt | None = None) -> Dataset:
    """Loads the data set a config asks for.

    Args:
        options: the config's `data` section: name, image_size, limit, grayscale, source.
        error_at: `config.error_at`, so that a mistake is shown with its place in the file.

    Raises:
        ConfigError: if there is no such data set, or the options do not fit it.
        MissingDataError: if it is not on this machine and cannot be downloaded.
        GanlabError: if its files are damaged.
    """
    error_at = error_at or plain_error_at
    if options.name not in DATASETS:
        raise error_at(("data", "name"), f"unknown data set '{options.name}'.{did_you_mean(options.name, DATASETS)}")
    return DATASETS[options.name].load(options, error_at)


def published_shape(options) -> tuple[int, ...] | None:
    """The shape of one image of a published data set under a config's options, without its files; None if not known."""
    published = getattr(DATASETS.get(options.name), "PUBLISHED", None)
    if published is None:
        return None
    height, width, channels = published.shape
    if options.image_size:
        height = width = options.image_size
    return height, width, 1 if options.grayscale == "luminosity" else channels


def is_here(options) -> bool:
    """Whether the data can be loaded without a download."""
    found = DATASETS[options.name].describe() if options.name in DATASETS else None
    return found is None or options.name == "folder" or found["train"] is not None


def list_datasets() -> list[dict]:
    """A row for each data set, for `ganlab data`.

    Returns:
        mappings of name, found (a path, or how it is had), train and test (counts), shape, classes, checksum
        (sha256 of its file; of several, over their hex digests in order) and problem (a message); None where
        there is nothing to tell.
    """
    return [module.describe() for module in DATASETS.values()]
