"""`ganlab prepare`, run as users run it; what is killed here is a real process."""

import json
import os
import signal
import subprocess
import sys
import time
import zipfile

import pytest

from tests.data.photos import jpeg, photo_zip


@pytest.fixture
def cache(tmp_path):
    return tmp_path / "cache"


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    """600 photos, large enough that each block takes a while; number 7 is broken."""
    path, content = tmp_path_factory.mktemp("photos") / "photos.zip", jpeg(width=700, height=500)
    with zipfile.ZipFile(path, "w") as archive:
        for number in range(600):
            archive.writestr(f"{number:03d}.jpg", content[:50] if number == 7 else content)
    return path


def start(photos, cache, **more):
    words = [sys.executable, "-m", "ganlab", "prepare", "mine", "--source", str(photos), "--size", "16"]
    environment = os.environ | {"GANLAB_CACHE": str(cache)} | more
    return subprocess.Popen(words, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def shards(cache) -> dict:
    """name: time it was written"""
    return {path.name: path.stat().st_mtime_ns for path in cache.glob("data/mine/.work-*/0*.npz")}


def wait_for_shards(process, cache, count):
    until = time.monotonic() + 60
    while len(shards(cache)) < count:
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < until, "no shard within a minute"
        time.sleep(0.005)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGKILL, -9), (signal.SIGTERM, 75), (signal.SIGINT, 75)])
def test_a_stopped_command_goes_on_with_the_work_it_has_done(photos, cache, number, code):
    process = start(photos, cache)
    wait_for_shards(process, cache, 2)
    process.send_signal(number)
    _, errors = process.communicate()
    done = shards(cache)
    assert process.returncode == code and 2 <= len(done) < 5
    if code == 75:
        assert errors == f"stopped by {number.name} after {128 * len(done)} of 600 photos; the same command goes on\n"
    process = start(photos, cache)
    wait_for_shards(process, cache, len(done) + 1)
    kept = shards(cache)
    assert done.items() <= kept.items()  # not one of them was written again
    out, errors = process.communicate()
    assert (process.returncode, errors) == (0, "")
    assert "599 images of 600 photos (0 without a face, 1 unreadable)" in out
    assert json.loads((cache / "data/mine/center-16/manifest.json").read_text())["counts"]["images"] == 599
    assert sorted(path.name for path in cache.glob("data/mine/*")) == [".center-16.lock", "center-16"]


def test_it_says_what_it_made_and_how_to_use_it(ganlab, tmp_path, cache):
    source = photo_zip(tmp_path / "photos.zip", 5, broken=(2,))
    code, out, errors = ganlab("prepare", "mine", "--source", source, "--size", "8", "--limit", "10", "--crop", "none")
    folder = cache / "data/mine/none-8-10"
    assert (code, errors) == (0, "")
    assert out == (
        f"mine: photos of {source}, crop none, 8 x 8 pixels\n"
        "5/5 photos  4 images\n"
        f"4 images of 5 photos (0 without a face, 1 unreadable): {folder}\n"
        f"the photos left out: {folder / 'left_out.txt'}\n"
        "10 images were wanted, there are no more photos; in configs: limit: 4\n"
        "in configs: data: {name: mine, image_size: 8}\n"
    )


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["celeba", "--source", "no.zip"], 7, "--source no.zip: expected a folder or a zip of photos, found nothing."),
        (["celeba", "--size", "0"], 2, "0 is not in the range 1<=x<=1024"),
        (["celeba", "--crop", "round"], 2, "'round' is not one of 'box', 'square', 'center', 'none'"),
        (["mnist"], 2, "mnist: needs no preparing"),
    ],
)
def test_a_mistake_is_one_line_and_an_exit_code(ganlab, words, code, message):
    received, out, errors = ganlab("prepare", *words)
    assert received == code and message in errors and out == "" and "Traceback" not in errors


def test_a_config_trains_on_what_was_prepared(ganlab, tmp_path):
    config = tmp_path / "tiny.yaml"
    ganlab("prepare", "mine", "--source", photo_zip(tmp_path / "photos.zip", 20), "--size", "8")
    text = config.read_text().replace("{name: digits}", "{name: mine, image_size: 8, limit: 20}")
    text = text.replace("units: 64", "units: 192").replace("[8, 8, 1]", "[8, 8, 3]").replace("[is1k_classifier]", "[]")
    config.write_text(text)
    code, _, errors = ganlab("run", "tiny.yaml", "-q")
    assert code == 0, errors


@pytest.mark.slow
def test_the_detector_runs_on_tensorflow_whichever_backend_the_user_chose(tmp_path, cache):
    words = [sys.executable, "-m", "ganlab", "prepare", "mine", "--crop", "box"]
    words += ["--source", str(photo_zip(tmp_path / "photos.zip", 2))]
    environment = os.environ | {"GANLAB_CACHE": str(cache), "KERAS_BACKEND": "jax"}
    result = subprocess.run(words, env=environment, capture_output=True, text=True)
    assert result.returncode == 1 and result.stderr.endswith(
        "none of 2 photos gives an image (2 without a face, 0 unreadable).\n"
    ), result.stderr
