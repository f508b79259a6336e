"""The data sets by name. A new one is a `Published`, a `Made`, or a module with `load` and `describe`, and a line here.

Sets that `ganlab prepare` made of a user's own photos are data sets too, under the names of their commands.
"""

from ganlab.config.schema import Data, Form
from ganlab.data import digits, folder
from ganlab.data.cifar10 import CIFAR10
from ganlab.data.dataset import Dataset
from ganlab.data.mnist import FASHION_MNIST, MNIST
from ganlab.data.options import ErrorAt, plain_error_at
from ganlab.data.photo_sources import KNOWN
from ganlab.data.prepared import describe_prepared, is_prepared, load_prepared, prepared_names
from ganlab.data.published import Published
from ganlab.data.tiny import POINT, TINY_DIGITS, TRUE_IMAGE, Made
from ganlab.errors import did_you_mean

DATASETS = {
    "digits": digits,
    "mnist": MNIST,
    "fashion_mnist": FASHION_MNIST,
    "cifar10": CIFAR10,
    **KNOWN,
    **{made.name: made for made in (POINT, TRUE_IMAGE, TINY_DIGITS)},
    "folder": folder,
}


def load_dataset(options: Data, error_at: ErrorAt = plain_error_at) -> Dataset:
    """Loads the data set of a config.

    Args:
        options: the config's `data` section: name, image_size, limit, grayscale, source.
        error_at: `config.error_at`, which shows a mistake with its place in the file.

    Raises:
        ConfigError: for an unknown data set, or options that do not fit the data set.
        MissingDataError: if the data are not on this machine and cannot be downloaded.
        GanlabError: if its files are damaged.
    """
    require_known(options.name, error_at)
    known = DATASETS.get(options.name)
    return known.load(options, error_at) if known else load_prepared(options, error_at)


def require_known(name: str, error_at: ErrorAt) -> None:
    """Raises: ConfigError for a name that no data set has."""
    if name not in DATASETS and name not in (prepared := prepared_names()):
        hint = did_you_mean(name, dict.fromkeys([*DATASETS, *prepared]))
        if "Did you mean" not in hint:
            own = f"'name: folder' with 'source: FOLDER', or 'ganlab prepare {name} --source FOLDER'"
            hint = f"{hint} For your own pictures: {own}."
        raise error_at(("data", "name"), f"unknown data set '{name}'.{hint}")


def published_form(options: Data) -> Form:
    """Shape and number of classes of a published data set under a config's options, without its files; no shape if unknown."""
    known, classes = DATASETS.get(options.name), None
    if isinstance(known, Made):
        return known.load(options).form
    if isinstance(known, Published):
        (height, width, channels), classes = known.shape, len(known.class_names)
    elif options.name in KNOWN and options.image_size:
        height, width, channels = options.image_size, options.image_size, 3
    else:
        return Form(None)
    if options.image_size:
        height = width = options.image_size
    return Form((height, width, 1 if options.grayscale == "luminosity" else channels), classes)


def is_here(options: Data) -> bool:
    """Whether data can be loaded without a download or preparing; True also if loading raises an error about the config."""
    if options.name in KNOWN:
        return options.image_size is None or is_prepared(options)
    return not needs_download(options.name)


def needs_download(name: str) -> bool:
    """Whether loading a data set starts with a download."""
    known = DATASETS.get(name)
    return isinstance(known, Published) and known.find() is None


def list_datasets() -> list[dict]:
    """A row for each data set, and for each prepared set, for `ganlab data`.

    Returns:
        mappings of name, found (a path, or a word about the source), train and test (counts), shape, classes, checksum
        (sha256 of the file; of several, over their hex digests in order), note (see `Dataset`) and problem (a message);
        None for an empty cell.
    """
    rows = []
    for name in dict.fromkeys([*DATASETS, *prepared_names()]):
        known = DATASETS.get(name)
        rows += [known.describe()] if hasattr(known, "describe") else describe_prepared(name)
    return rows
