"""`ganlab prepare`, run as users run it; what is killed here is a real process."""

import json
import os
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest

from tests.data.photos import jpeg, photo_zip
from tests.forks import Fork


@pytest.fixture
def cache(tmp_path):
    return tmp_path / "cache"


def many_photos(path, width, height):
    """600 photos without faces; number 7 is broken."""
    content = jpeg(width, height)
    with zipfile.ZipFile(path, "w") as archive:
        for number in range(600):
            archive.writestr(f"{number:03d}.jpg", content[:50] if number == 7 else content)
    return path


def start(photos, cache, *words):
    words = ["prepare", "mine", "--source", str(photos), "--size", "16", *words]
    return Fork(photos.parent, *words, environment=os.environ | {"GANLAB_CACHE": str(cache)})


def searched(cache) -> list[str]:
    """A line for each block of photos that was searched for faces."""
    texts = [path.read_text() for path in cache.glob("data/mine/.faces-*")]
    return [line for line in "".join(texts).splitlines(keepends=True) if line.endswith("\n")]


def wait_for_blocks(process, cache, count):
    until = time.monotonic() + 120
    while len(searched(cache)) < count:
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < until, "no block within two minutes"
        time.sleep(0.005)


@pytest.mark.slow
@pytest.mark.parametrize(("number", "code"), [(signal.SIGKILL, -9), (signal.SIGTERM, 75), (signal.SIGINT, 75)])
def test_a_stopped_search_for_faces_goes_on_with_the_work_it_has_done(tmp_path, cache, number, code):
    photos = many_photos(tmp_path / "photos.zip", 160, 120)
    process = start(photos, cache, "--crop", "box")
    wait_for_blocks(process, cache, 2)
    process.send_signal(number)
    printed, _ = process.communicate()
    done = searched(cache)
    assert process.returncode == code and 2 <= len(done) < 5
    if code == 75:
        words = f"stopped by {number.name} after {128 * len(done)} of 600 photos; the same command goes on"
        assert printed.splitlines()[-1] == words
    printed, _ = start(photos, cache, "--crop", "box").communicate()
    assert printed.endswith("none of 600 photos gives an image (599 without a face, 1 unreadable).\n")
    assert len(searched(cache)) == 5 and searched(cache)[: len(done)] == done  # not one was searched again
    assert [path for path in cache.rglob("*.npy")] == []  # nor is the half array of the killed process left


@pytest.mark.data
@pytest.mark.slow
def test_real_faces_are_the_same_bytes_after_a_kill(cache):
    celeba = Path(os.environ.get("GANLAB_DATA", "")) / "celeba" / "img_align_celeba.zip"
    if not celeba.is_file():
        pytest.skip("GANLAB_DATA has no celeba/img_align_celeba.zip")
    words = ["--crop", "box", "--limit", "150"]
    process = start(celeba, cache / "killed", *words)
    wait_for_blocks(process, cache / "killed", 1)
    process.kill()
    process.communicate()
    for folder in ("killed", "whole"):
        assert "150 images of " in start(celeba, cache / folder, *words).communicate()[0]
    for file in ("images.npy", "manifest.json", "left_out.txt"):
        killed, whole = (cache / folder / "data/mine/box-16-150" / file for folder in ("killed", "whole"))
        assert killed.read_bytes() == whole.read_bytes()
    left = sorted(path.name for path in (cache / "killed/data/mine").iterdir())
    assert [left[0], *left[2:]] == [".box-16.lock", f"{left[1]}.lock", "box-16-150"] and left[1].startswith(".faces-")


def test_a_command_that_is_killed_while_it_cuts_is_run_again(ganlab, tmp_path, cache):
    photos = many_photos(tmp_path / "photos.zip", 700, 500)
    process = start(photos, cache)
    wait_until = time.monotonic() + 60
    while not list(cache.glob("data/mine/center-16/.*.npy")):
        assert process.poll() is None and time.monotonic() < wait_until
        time.sleep(0.001)
    process.kill()
    process.communicate()
    code, out, errors = ganlab("prepare", "mine", "--source", photos, "--size", "16")
    assert (code, errors) == (0, "") and "599 images of 600 photos (0 without a face, 1 unreadable)" in out
    assert json.loads((cache / "data/mine/center-16/manifest.json").read_text())["counts"]["images"] == 599
    files = [path.name for path in cache.rglob("*") if path.is_file()]
    assert sorted(files) == [".center-16.lock", "images.npy", "left_out.txt", "manifest.json"]


def test_it_says_what_it_made_and_how_to_use_it(ganlab, tmp_path, cache):
    source = photo_zip(tmp_path / "photos.zip", 5, broken=(2,))
    code, out, errors = ganlab("prepare", "mine", "--source", source, "--size", "8", "--limit", "10", "--crop", "none")
    folder = cache / "data/mine/none-8-10"
    assert (code, errors) == (0, "")
    assert out == (
        f"mine: photos of {source}, crop none, 8 x 8 pixels\n"
        "5/5 photos  4 images\n"
        f"4 images of 5 photos (0 without a face, 1 unreadable): {folder}\n"
        f"the files left out: {folder / 'left_out.txt'}\n"
        "10 images were wanted, there are no more photos; in configs: limit: 4\n"
        "in configs: data: {name: mine, image_size: 8}\n"
    )


def test_it_names_files_that_are_no_pictures(ganlab, tmp_path):
    (tmp_path / "photos").mkdir()
    for name in ("a.jfif", "b.heic", "c.mov"):
        (tmp_path / "photos" / name).write_bytes(jpeg())
    os.mkfifo(tmp_path / "photos" / "d.jpg")
    code, out, errors = ganlab("prepare", "named", "--source", "photos", "--size", "8")
    note = "3 of 4 files are no pictures that can be read: b.heic, c.mov, d.jpg"
    assert (code, errors) == (0, "") and f"\n{note}\nthe files left out: " in out
    assert note in ganlab("data")[1]


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
@pytest.mark.parametrize("more", [{"KERAS_BACKEND": "jax"}, {"TF_USE_LEGACY_KERAS": "1"}], ids=str)
def test_the_detector_runs_whatever_the_user_chose_for_keras(tmp_path, cache, more):
    words = [sys.executable, "-m", "ganlab", "prepare", "mine", "--crop", "box"]
    words += ["--source", str(photo_zip(tmp_path / "photos.zip", 2))]
    environment = os.environ | {"GANLAB_CACHE": str(cache)} | more
    result = subprocess.run(words, env=environment, capture_output=True, text=True)
    assert result.returncode == 1 and result.stderr.endswith(
        "none of 2 photos gives an image (2 without a face, 0 unreadable).\n"
    ), result.stderr
