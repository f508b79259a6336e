"""Other programs that compute the same numbers, for comparison where they are installed (the extra `fid`)."""

import contextlib
import importlib
import importlib.util

import pytest


def import_peer(name: str):
    """Imports a module of pytorch-fid, torch-fidelity, clean-fid, torchmetrics or prdc, or skips the test with a reason.

    All but prdc import torchvision, which cannot be imported where its compiled operators do not fit the torch that is
    installed (a build for another device). None of those operators is used here, so their names are declared.
    """
    pytest.importorskip("torch", reason="comparison needs the extra fid")
    if importlib.util.find_spec(name.partition(".")[0]) is None:
        pytest.skip(f"{name} is not installed: comparison needs the extra fid")
    try:
        return importlib.import_module(name)
    except RuntimeError as error:
        if "torchvision::" not in str(error):
            raise
    _declare_operators_of_torchvision()
    try:
        return importlib.import_module(name)
    except (ImportError, RuntimeError) as error:
        pytest.skip(f"{name} cannot be imported: {error}")


def _declare_operators_of_torchvision() -> None:
    import torch

    library = torch.library.Library("torchvision", "FRAGMENT")
    for operator in ("nms", "qnms"):
        with contextlib.suppress(RuntimeError):  # declared already
            library.define(f"{operator}(Tensor boxes, Tensor scores, float threshold) -> Tensor")
    _kept.append(library)  # declarations live as long as the library


_kept: list = []
