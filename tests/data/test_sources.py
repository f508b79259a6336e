"""Looking for files, and real downloads: from file:// addresses, so that no network is needed."""

import hashlib
import re

import pytest

from ganlab.data.cifar10 import CIFAR10
from ganlab.data.mnist import FASHION_MNIST, MNIST
from ganlab.data.sources import Download, fetch_files, find_files
from ganlab.errors import MissingDataError

CONTENT = b"the published file"
SHA256 = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture
def published(tmp_path):
    path = tmp_path / "published.bin"
    path.write_bytes(CONTENT)
    return path


def test_a_form_counts_only_when_all_its_files_are_there(own_data):
    (own_data / "mnist").mkdir()
    (own_data / "mnist" / "a").touch()
    assert find_files("mnist", [("a", "b"), ("c",)]) is None
    (own_data / "mnist" / "b").touch()
    assert find_files("mnist", [("a", "b"), ("c",)]) == [own_data / "mnist" / "a", own_data / "mnist" / "b"]


def test_a_download_goes_to_the_cache_once(published, cache, capsys):
    download = Download("data.bin", published.as_uri(), SHA256)
    [path] = fetch_files("mnist", [download])
    assert path == cache / "data" / "mnist" / "data.bin" and path.read_bytes() == CONTENT
    published.unlink()
    assert fetch_files("mnist", [download]) == [path]
    assert find_files("mnist", [(r"data\.bin",)]) == [path]
    assert capsys.readouterr().out == ""


def test_a_download_with_another_hash_is_refused_and_not_kept(published, cache):
    with pytest.raises(MissingDataError, match=r"could not be downloaded .*hash does not match"):
        fetch_files("mnist", [Download("data.bin", published.as_uri(), "0" * 64)])
    assert not [path for path in (cache / "data" / "mnist").iterdir() if path.suffix != ".lock"]


def test_without_network_the_message_says_where_to_put_the_file(cache):
    # Nothing listens on port 9 of this machine.
    with pytest.raises(MissingDataError) as caught:
        fetch_files("mnist", [Download("mnist.npz", "http://127.0.0.1:9/mnist.npz", SHA256)])
    text = str(caught.value)
    assert text.startswith("mnist: mnist.npz is not on this machine and could not be downloaded (URL fetch failure")
    assert text.endswith(
        f"Put mnist.npz into {cache / 'data' / 'mnist'}, or set GANLAB_DATA to a folder that has mnist/mnist.npz."
    )
    assert "\n" not in text and caught.value.exit_code == 7


@pytest.mark.parametrize("published", [MNIST, FASHION_MNIST, CIFAR10])
def test_what_is_downloaded_is_one_of_the_forms(published):
    files = [download.file for download in published.downloads]
    assert any(len(form) == len(files) and all(map(re.fullmatch, form, files)) for form in published.forms)
