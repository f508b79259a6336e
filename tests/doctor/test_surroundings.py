"""Findings on data, weights, folders and Apple silicon."""

import pytest

from ganlab.doctor import surroundings
from ganlab.doctor.surroundings import Finding


def lines(findings):
    return [finding.line() for finding in findings]


def test_versions_are_told_and_a_missing_package_is_a_fault(monkeypatch):
    assert all(finding.state == "ok" for finding in surroundings.versions())
    monkeypatch.setattr(surroundings, "_PACKAGES", ("no-such-package",))
    assert lines(surroundings.versions())[1] == "failed  no-such-package: not installed; pip install no-such-package"


def test_data_are_found_missing_or_damaged():
    rows = [
        {"name": "mnist", "found": "/data/mnist.npz", "train": 60000, "problem": None},
        {"name": "celeba", "found": "ganlab prepare celeba", "train": None, "problem": None},
        {"name": "cifar10", "found": "/data/cifar10", "train": None, "problem": "/data/cifar10: damaged"},
        {"name": "fashion_mnist", "found": "/data/fashion", "train": 9, "note": "not known to be the published one"},
    ]
    assert lines(surroundings.data_sets(rows)) == [
        "ok      data mnist: 60000 training images, /data/mnist.npz",
        "note    data celeba: not here; ganlab prepare celeba",
        "failed  data cifar10: /data/cifar10: damaged",
        "note    data fashion_mnist: 9 training images, /data/fashion; not known to be the published one",
    ]


class TestWeights:
    @pytest.fixture(autouse=True)
    def nowhere(self, tmp_path, monkeypatch):
        for name in ("GANLAB_DATA", "GANLAB_CACHE"):
            monkeypatch.setenv(name, str(tmp_path))
        monkeypatch.delenv("GANLAB_INCEPTION", raising=False)

    def test_shipped_ones_are_there_and_inceptions_need_not_be(self):
        classifiers, inception = surroundings.weights()
        assert classifiers == Finding("ok", "classifiers", "weights for digits, mnist, fashion_mnist")
        assert (inception.state, inception.text) == ("note", "no weights here")

    def test_inceptions_are_found_where_they_lie(self, tmp_path, monkeypatch):
        (tmp_path / "weights.pth").write_bytes(b"")
        monkeypatch.setenv("GANLAB_INCEPTION", str(tmp_path / "weights.pth"))
        assert list(surroundings.weights())[1] == Finding("ok", "Inception", f"weights in {tmp_path / 'weights.pth'}")
        monkeypatch.setenv("GANLAB_INCEPTION", str(tmp_path / "nowhere"))
        assert list(surroundings.weights())[1].state == "failed"

    def test_a_package_without_its_weights_is_a_fault(self, tmp_path, monkeypatch):
        monkeypatch.setattr("ganlab.metrics.classifier.SHIPPED_FOLDER", tmp_path)
        assert next(surroundings.weights()).state == "failed"


class TestFolders:
    def test_that_can_be_written_are_not_made(self, tmp_path, monkeypatch):
        monkeypatch.setenv("GANLAB_CACHE", str(tmp_path / "cache"))
        found = list(surroundings.folders(tmp_path / "results"))
        assert [finding.subject for finding in found] == ["results", "cache"]
        assert all("can be written" in finding.text for finding in found) and list(tmp_path.iterdir()) == []

    def test_that_cannot_be_looked_at_are_a_fault(self, tmp_path, monkeypatch):
        def closed(path):
            raise PermissionError(13, "Permission denied", str(path))

        monkeypatch.setattr(surroundings, "cache_folder", lambda: closed(tmp_path))
        monkeypatch.setattr(type(tmp_path), "exists", closed)
        states = [finding.state for finding in surroundings.folders(tmp_path / "results")]
        assert states == ["failed", "failed"]

    def test_that_are_files_are_a_fault(self, tmp_path, monkeypatch):
        (tmp_path / "file").write_text("")
        monkeypatch.setenv("GANLAB_CACHE", str(tmp_path / "file" / "cache"))
        cache = list(surroundings.folders(tmp_path))[1]
        assert cache.line() == (
            f"failed  cache: {tmp_path / 'file' / 'cache'} cannot be written: Not a directory; GANLAB_CACHE names another folder"
        )


class TestApple:
    def test_silence_elsewhere(self):
        assert lines(surroundings.apple("Linux", "x86_64", None, None)) == []
        assert lines(surroundings.apple("Darwin", "x86_64", None, "2.13")) == []

    def test_the_gpu_is_torchs(self):
        (line,) = lines(surroundings.apple("Darwin", "arm64", None, "2.13"))
        assert line.startswith("note    Apple GPU: PyTorch reaches it (MPS)") and line.endswith("; --backend torch")
        (line,) = lines(surroundings.apple("Darwin", "arm64", None, None))
        assert line.endswith("; pip install 'ganlab[metal]', then --backend torch")

    def test_tensorflow_metal_is_old(self):
        first, _ = surroundings.apple("Darwin", "arm64", "1.2.0", "2.13")
        assert "TensorFlow up to 2.17 and Python up to 3.12" in first.text
