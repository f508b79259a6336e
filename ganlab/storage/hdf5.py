"""What a weight file may hold, looked at before any value is read: groups of plain arrays of numbers, and nothing else.

HDF5 can also point to other files, put a data set together from several, pack values with filters, and declare shapes that no
file holds. Weights need none of it, and a file from someone else may have it for a reason of its own.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import h5py


def require_plain_arrays(file: "h5py.File", size: int) -> None:
    """Refuses a file that could make its reader open another one, or reserve more memory than the file has bytes.

    Args:
        file: open for reading.
        size: of the file, in bytes.

    Raises:
        ValueError: with the object's path and what is wrong with it. h5py's own errors where the structure is damaged.
    """
    import h5py

    declared = 0
    for item in _objects(file):
        for attribute in item.attrs:
            if item.attrs.get_id(attribute).shape != ():
                raise ValueError(f"{item.name}: the attribute {attribute!r} has several values")
        if isinstance(item, h5py.Dataset):
            _require_plain(item)
            declared += item.nbytes
        elif not isinstance(item, h5py.Group):
            raise ValueError(f"{item.name}: is no array")
    if declared > size:
        raise ValueError(f"its arrays declare {declared} bytes, and the file has {size}")


def _objects(file: "h5py.File") -> Iterator[Any]:
    """The file and every group and data set in it. No link is followed that is not the one place of its object."""
    import h5py

    seen = {h5py.h5o.get_info(file.id).addr}
    waiting = [file]
    while waiting:
        item = waiting.pop()
        yield item
        for name in item if isinstance(item, h5py.Group) else ():
            link = item.get(name, getlink=True)
            if type(link) is not h5py.HardLink:
                raise ValueError(f"{item.name}: {name!r} is a link to elsewhere ({type(link).__name__})")
            child = item[name]
            address = h5py.h5o.get_info(child.id).addr
            if address in seen:
                raise ValueError(f"{item.name}: {name!r} leads to what stands elsewhere in the file")
            seen.add(address)
            waiting.append(child)


def _require_plain(dataset: "h5py.Dataset") -> None:
    if dataset.is_virtual:
        reason = "is put together from other data sets"
    elif dataset.external:
        reason = "keeps its values in another file"
    elif dataset.shape is None or dataset.dtype.kind not in "fiu" or dataset.dtype.metadata:
        reason = "holds no numbers"
    elif dataset.id.get_create_plist().get_nfilters():
        reason = "is packed"
    elif dataset.id.get_storage_size() < dataset.nbytes:
        reason = f"declares {dataset.nbytes} bytes and has {dataset.id.get_storage_size()}"
    else:
        return
    raise ValueError(f"{dataset.name}: {reason}")
