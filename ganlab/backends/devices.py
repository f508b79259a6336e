"""The devices that a backend sees, under the names that `keras.device` takes."""


def list_devices(backend: str) -> dict[str, str]:
    """Name -> what it is, the CPU first: {"cpu:0": "CPU", "gpu:0": "NVIDIA H100"}. Imports the framework."""
    return {"tensorflow": _tensorflow, "jax": _jax, "torch": _torch}[backend]()


def _tensorflow() -> dict[str, str]:
    import tensorflow as tf

    devices = {}
    for device in tf.config.list_physical_devices():
        kind, number = device.name.split(":")[-2:]  # /physical_device:GPU:0
        name = tf.config.experimental.get_device_details(device).get("device_name", kind)
        devices[f"{kind.lower()}:{number}"] = name
    return devices


def _jax() -> dict[str, str]:
    import jax

    default = [device for device in jax.devices() if device.platform != "cpu"]
    return {f"{device.platform}:{device.id}": device.device_kind for device in [*jax.devices("cpu"), *default]}


def _torch() -> dict[str, str]:
    import torch

    cards = {f"gpu:{number}": torch.cuda.get_device_name(number) for number in range(torch.cuda.device_count())}
    metal = {"mps": "Apple GPU"} if torch.backends.mps.is_available() else {}
    return {"cpu:0": "CPU", **cards, **metal}
