"""Real data: `load_dataset(final_data(config), config.error_at)` gives a `Dataset`."""

from ganlab.data.dataset import Dataset, Split, fingerprint_of
from ganlab.data.registry import DATASETS, list_datasets, load_dataset

__all__ = ["DATASETS", "Dataset", "Split", "fingerprint_of", "list_datasets", "load_dataset"]
