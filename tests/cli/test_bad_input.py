# ruff: noqa: E501 (tables with one case a line)
"""What users get wrong and what a machine lacks: one line, its exit code, nothing half-written, earlier results untouched."""

import functools
import io
import resource
import sys
import zipfile

import pytest
from PIL import Image

from tests.cli.experiments import CONFIG, files_below
from tests.forks import Fork

FOLDER = "data: {name: folder, source: pictures, image_size: 8}"


def with_folder(text=CONFIG):
    return text.replace("data: {name: digits}", FOLDER).replace("metrics: [is1k_classifier]", "metrics: []")


def png() -> bytes:
    buffer = io.BytesIO()
    Image.new("L", (8, 8), 90).save(buffer, "PNG")
    return buffer.getvalue()


def swap(old, new):
    assert old in CONFIG
    return CONFIG.replace(old, new)


NESTED = "metrics: " + "[" * 60 + "]" * 60 + "\n"
LAUGHS = "a: &a [x, x]\n" + "".join(
    f"{b}: &{b} [*{a}, *{a}]\n" for a, b in zip("abcdefghijklmnopq", "bcdefghijklmnopqr", strict=True)
)

WRONG_CONFIGS = {
    "unknown key": (swap("units: 8}", "unit: 8}"), "bad.yaml:14:15: discriminator.layers[1].Dense.unit: unknown key. Did you mean 'units'?"),
    "wrong type": (swap("steps: 12", "steps: twelve"), "bad.yaml:19:9: train.steps: expected an integer >= 1, received 'twelve'"),
    "wrong shape": (
        swap("Dense: {units: 64, activation: tanh}\n    - Reshape: {target_shape: [8, 8, 1]}", "Dense: {units: 49, activation: tanh}\n    - Reshape: {target_shape: [7, 7, 1]}"),
        "bad.yaml:9:7: generator.layers[1].Reshape: ends in the shape (7, 7, 1), expected (8, 8, 1): the shape of digits (last layers: generator_input (4,), dense (49,), reshape (7, 7, 1))",
    ),
    "two numbers an image": (swap("    - Dense: {units: 1}\n", "    - Dense: {units: 2}\n"), "bad.yaml:16:7: discriminator.layers[3].Dense: ends in the shape (2,), expected (1,): one number an image"),
    "unknown layer": (swap("- Flatten", "- Flaten"), "bad.yaml:13:7: discriminator.layers[0].Flaten: unknown layer. Did you mean 'Flatten'?"),
    "unknown optimizer": (swap("optimizer: {Adam: {learning_rate: 1.0e-3}}\ndiscriminator", "optimizer: {Adem: {}}\ndiscriminator"), "bad.yaml:10:15: generator.optimizer.Adem: unknown optimizer. Did you mean 'Adam'?"),
    "duplicate key": (CONFIG + "seed: 4\n", "bad.yaml:23:1: seed: duplicate key; "),
    "unknown data set": (swap("name: digits", "name: digit"), "bad.yaml:4:8: data.name: unknown data set 'digit'. Did you mean 'digits'?"),
    "unknown metric": (swap("is1k_classifier", "is1k_clasifier"), "bad.yaml:21:11: metrics[0]: unknown metric 'is1k_clasifier'. Did you mean 'is1k_classifier'?"),
    "metric of too many images": (swap("is1k_classifier", "is5k_classifier"), "bad.yaml:21:11: metrics[0]: is5k_classifier needs 5,000 real images, the training set of digits has 1,797."),
    "limit above the data": (swap("name: digits", "name: digits, limit: 5000"), "bad.yaml:4:22: data.limit: expected at most 1797"),
    "code in a layer": (swap("- Flatten", "- Lambda: {function: 'lambda x: x'}"), "bad.yaml:13:7: discriminator.layers[0].Lambda: the layer Lambda cannot be used: it runs code from the config"),
    "hostile YAML: a tag": (CONFIG + "x: !!python/object/apply:os.system ['true']\n", "bad.yaml:23:4: x: the tag "),
    "hostile YAML: depth": (NESTED, "bad.yaml:1:"),
    "hostile YAML: aliases": (LAUGHS, "bad.yaml:"),
    "huge YAML": (CONFIG + "# " + "x" * 300_000, "bad.yaml: larger than 256 KiB, the limit for a YAML file"),
    "no YAML": ("a: [1\n", "bad.yaml:"),
    "no text": ("name: \x00\n", "bad.yaml:1:"),
    "nothing": ("", "bad.yaml:1:1: is empty; expected a YAML document"),
    "another backend": (CONFIG + "backend: mxnet\n", "bad.yaml:23:1: backend: expected one of tensorflow, jax, torch, received 'mxnet'"),
    "devices that cannot share a batch": (CONFIG + "backend: jax\ndevices: 3\n", "bad.yaml:19:"),
    "devices of a backend that has one": (CONFIG + "devices: 2\n", "bad.yaml:23:1: devices: expected 1 with the backend tensorflow, received 2; Keras distributes on jax only"),
}  # fmt: skip


class TestConfigs:
    @pytest.mark.parametrize(("text", "line"), WRONG_CONFIGS.values(), ids=WRONG_CONFIGS)
    def test_a_wrong_config_is_one_line_and_exit_code_2(self, ganlab, tmp_path, text, line):
        (tmp_path / "bad.yaml").write_text(text)
        before = files_below(tmp_path)
        code, out, err = ganlab("run", "bad.yaml", "-q")
        assert (code, out) == (2, "") and err.startswith(line) and err.count("\n") == 1
        assert files_below(tmp_path) == before and not (tmp_path / "results").exists()

    @pytest.mark.parametrize("text", [WRONG_CONFIGS["unknown key"][0], WRONG_CONFIGS["wrong shape"][0]])
    def test_check_says_the_same_as_run(self, ganlab, tmp_path, text):
        (tmp_path / "bad.yaml").write_text(text)
        assert ganlab("check", "bad.yaml") == ganlab("run", "bad.yaml", "-q")

    @pytest.mark.parametrize(
        ("words", "line"),
        [
            (["nothing.yaml"], "nothing.yaml: no such file\n"),
            (["."], ".: is a folder; expected a YAML file\n"),
            (["tiny.yaml", "--seed", "-1"], "--seed -1: seed: expected an integer >= 0, received -1\n"),
            (["tiny.yaml", "-o", "train.stps=3"], "-o train.stps=3: train.stps: unknown key. Did you mean 'steps'?\n"),
            (["tiny.yaml", "--backend", "mxnet"], "-o backend=mxnet: backend: expected one of tensorflow, jax, torch, received 'mxnet'\n"),
            (["tiny.yaml", "--init-from", "other"], "other: no such run in results. There are none; 'ganlab run CONFIG' makes one.\n"),
            (["tiny.yaml", "--init-from", "other:last"], "other:last: no such run in results. There are none; 'ganlab run CONFIG' makes one.\n"),
        ],
        ids=lambda value: " ".join(value) if isinstance(value, list) else "",
    )  # fmt: skip
    def test_a_wrong_word_is_one_line_and_exit_code_2(self, ganlab, tmp_path, words, line):
        before = files_below(tmp_path)
        assert ganlab("run", *words) == (2, "", line)
        assert files_below(tmp_path) == before

    def test_the_weights_of_other_networks_are_refused(self, ganlab, trained):
        before = files_below(trained / "results")
        code, _, err = ganlab("run", "tiny.yaml", "-q", "-o", "latent.dim=5", "--init-from", "tiny")
        assert code == 6 and err.startswith("--init-from: networks/generator/") and err.count("\n") == 1
        assert files_below(trained / "results") == before

    def test_a_step_without_a_training_state_is_refused(self, ganlab, trained):
        code, _, err = ganlab("run", "tiny.yaml", "--init-from", "tiny:4")
        assert code == 6 and err.endswith(": no training state of step 4; there are: 8, 12\n")


class TestData:
    def run(self, ganlab, tmp_path):
        (tmp_path / "own.yaml").write_text(with_folder())
        code, out, err = ganlab("run", "own.yaml", "-q")
        assert out == "" and err.count("\n") == 1 and not (tmp_path / "results").exists()
        return code, err.strip()

    def test_a_folder_that_is_not_there_is_missing_data(self, ganlab, tmp_path, monkeypatch):
        monkeypatch.delenv("GANLAB_DATA", raising=False)
        line = "data.source: expected a folder or a zip of pictures at pictures, found nothing."
        assert self.run(ganlab, tmp_path) == (7, line)

    def test_a_download_that_fails_is_missing_data(self, ganlab, tmp_path, monkeypatch):
        import keras

        def fail(*words, **more):
            raise Exception("URL fetch failure")

        monkeypatch.delenv("GANLAB_DATA", raising=False)
        monkeypatch.setenv("GANLAB_CACHE", str(tmp_path / "cache"))
        monkeypatch.setattr(keras.utils, "get_file", fail)
        code, _, err = ganlab("run", "tiny.yaml", "-q", "-o", "data.name=mnist")
        assert code == 7 and "is not on this machine and could not be downloaded (URL fetch failure)." in err
        assert "set GANLAB_DATA to a folder that has mnist/" in err and err.count("\n") == 1
        assert not (tmp_path / "results").exists()

    def test_a_picture_that_cannot_be_read_is_named(self, ganlab, tmp_path):
        (tmp_path / "pictures").mkdir()
        (tmp_path / "pictures" / "a.png").write_bytes(png())
        (tmp_path / "pictures" / "b.png").write_bytes(png()[:40])
        code, line = self.run(ganlab, tmp_path)
        assert code == 1 and line.startswith("pictures/b.png: cannot be read as a picture: ")

    def test_a_zip_with_a_path_that_leads_out_is_refused_whole(self, ganlab, tmp_path):
        with zipfile.ZipFile(tmp_path / "pictures", "w") as archive:
            archive.writestr("a.png", png())
            archive.writestr("../b.png", png())
        code, line = self.run(ganlab, tmp_path)
        assert (code, line) == (1, "pictures: member ../b.png: refused: its path leads outside of the zip.")
        assert not (tmp_path.parent / "b.png").exists()


def limit_files(size):
    sys.dont_write_bytecode = True  # Python would leave a compiled module cut off at the limit
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))


class TestAFullDisk:
    """A limit on the size of a file stands for the full disk: both make a write fail in its middle."""

    WIDE = (
        "-o",
        "latent.dim=600",
        "-o",
        "metrics=[]",
    )  # the generator's weights are larger than the drawing of the networks

    def run(self, folder, limit):
        """Exit code and output of the run in a process that may write no file larger than the limit."""
        process = Fork(folder, "run", "tiny.yaml", "-q", *self.WIDE, prepare=functools.partial(limit_files, limit))
        printed = process.communicate(timeout=300)[0]
        return process.returncode, printed

    def test_before_the_training_leaves_no_folder(self, ganlab, trained):
        before = files_below(trained)
        code, printed = self.run(trained, 16_000)
        assert code == 1 and printed.endswith("/models/gan.png: File too large\n")
        assert printed.count("\n") == 1 and files_below(trained) == before

    def test_in_a_checkpoint_leaves_no_part_of_it_and_the_run_can_go_on(self, ganlab, trained):
        before = files_below(trained)
        code, printed = self.run(trained, 100_000)
        assert code == 1 and printed.endswith("/generator-000004.weights.h5: File too large\n")
        assert printed.count("\n") == 1
        after = files_below(trained)
        assert before.items() <= after.items()
        assert not [name for name in after.keys() - before.keys() if "checkpoints" in name or "/." in name]
        assert ganlab("ls")[1].count("failed") == 1
        code, out, _ = ganlab("run", "tiny.yaml", "-q", *self.WIDE)
        assert code == 0 and ganlab("ls")[1].count("finished") == 2
        assert (trained / out.strip() / "checkpoints" / "state-000012").is_dir()
