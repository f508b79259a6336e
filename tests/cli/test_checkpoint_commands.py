"""check, sample and evaluate: what is known before a run and what is made of its checkpoints afterwards."""

import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.cli.experiments import CONFIG, STEPS, files_below, the_run


class TestCheck:
    def test_counts_parameters_operations_and_disk_without_training(self, ganlab, tmp_path):
        before = files_below(tmp_path)
        code, out, err = ganlab("check", "tiny.yaml", "--json")
        (check,) = json.loads(out)["checks"]
        assert (code, err) == (0, "") and files_below(tmp_path) == before
        assert check["parameters"] == {"generator": 320, "discriminator": 529} and check["steps"] == STEPS
        # Of one image: the generator 2 x 4 x 64 forward, the discriminator 2 x (64 x 8 + 8). A step of batch 8 makes 16
        # generated images, and the discriminator learns from 16 (three passes) and judges 8 for the generator (two).
        generator, discriminator = 2 * 4 * 64, 2 * (64 * 8 + 8)
        turn = 8 * generator + 16 * 3 * discriminator
        assert check["flops_a_step"] == turn + 8 * generator + 8 * (2 * discriminator + 2 * generator)
        assert ["dense", "Dense", [64], 320] in check["layers"]["generator"]

    def test_estimates_the_disk_of_a_run_within_a_factor_of_two(self, ganlab, trained):
        (check,) = json.loads(ganlab("check", "tiny.yaml", "--json")[1])["checks"]
        size = sum(map(len, files_below(the_run(trained / "results")).values()))
        assert size / 2 < check["disk_bytes"] < size * 2

    def test_shows_the_layers_of_one_config(self, ganlab):
        code, out, _ = ganlab("check", "tiny.yaml")
        lines = [line.split() for line in out.splitlines()]
        assert code == 0 and ["dense", "Dense", "64", "320"] in lines and ["dropout", "Dropout", "8", "0"] in lines

    def test_says_what_a_wrapper_wraps_and_what_is_trained(self, ganlab, tmp_path):
        wrapped = "SpectralNormalization: {layer: {Dense: {units: 1}}}"
        (tmp_path / "tiny.yaml").write_text(CONFIG.replace("Dense: {units: 1}", wrapped))
        code, out, _ = ganlab("check", "tiny.yaml")
        assert code == 0 and "SpectralNormalization(Dense)" in out and "529 of 530" in out

    def test_looks_at_all_configs_of_a_folder_and_fails_for_the_wrong_ones(self, ganlab, tmp_path):
        (tmp_path / "wrong.yaml").write_text(CONFIG.replace("units: 8}", "units: -8}"))
        code, out, err = ganlab("check", ".")
        assert code == 2 and "tiny" in out
        assert err.startswith("wrong.yaml:14:15: discriminator.layers[1].Dense.units: ") and err.count("\n") == 1

    def test_takes_several_paths_and_patterns(self, ganlab, tmp_path):
        for name in ("exp1", "exp2", "other"):
            (tmp_path / f"{name}.yaml").write_text(CONFIG.replace("name: tiny", f"name: {name}"))
        code, out, _ = ganlab("check", "exp*.yaml", "tiny.yaml", "--json")
        assert code == 0 and [check["name"] for check in json.loads(out)["checks"]] == ["exp1", "exp2", "tiny"]

    def test_names_the_files_of_configs_that_have_one_name(self, ganlab, tmp_path):
        for file in ("a.yaml", "b.yaml", "sub/b.yaml"):
            (tmp_path / file).parent.mkdir(exist_ok=True)
            (tmp_path / file).write_text(CONFIG.replace("{units: 1}", "{units: 1, activation: sigmoid}"))
        _, out, err = ganlab("check", "a.yaml", "sub")
        assert [line.split()[0] for line in out.splitlines()[-3:-1]] == ["a.yaml", "b.yaml"]
        assert [line.partition(": warning: the disc")[0] for line in err.splitlines()] == ["a.yaml", "sub/b.yaml"]
        out = ganlab("check", "b.yaml", "sub")[1]
        assert [line.split()[0] for line in out.splitlines()[-3:-1]] == ["b.yaml", "sub/b.yaml"]
        found = json.loads(ganlab("check", "b.yaml", "sub", "--json")[1])["checks"]
        assert [(check["name"], check["file"]) for check in found] == [("tiny", "b.yaml"), ("tiny", "sub/b.yaml")]

    def test_looks_at_configs_of_several_backends_in_one_process(self, ganlab, tmp_path, monkeypatch):
        (tmp_path / "other.yaml").write_text(CONFIG + "backend: torch\n")
        monkeypatch.syspath_prepend(tmp_path / "installed")
        (tmp_path / "installed/torch").mkdir(parents=True)
        (tmp_path / "installed/torch/__init__.py").write_text("raise SystemExit('was loaded')")
        code, out, err = ganlab("check", "tiny.yaml", "other.yaml")
        assert (code, err) == (0, "")
        tiny, other = ([*line.split()[1:]] for line in out.splitlines()[-3:-1])
        assert tiny == other

    def test_names_the_config_of_an_error_that_lies_outside_its_file(self, ganlab, tmp_path):
        data = "data: {name: folder, source: pictures, image_size: 8}"
        (tmp_path / "own.yaml").write_text(CONFIG.replace("data: {name: digits}", data))
        code, out, err = ganlab("check", ".")
        assert code == 7 and "tiny" in out
        assert err.startswith("own.yaml: data.source: expected a folder or a zip of pictures at pictures")

    def test_names_the_config_of_every_mistake_in_the_file_that_it_extends(self, ganlab, tmp_path):
        text = CONFIG.replace("units: 8}", "unitz: 8}").replace("rate: 0.3", "rat: 0.3")
        (tmp_path / "base").mkdir()
        (tmp_path / "base" / "a.yaml").write_text(text)
        (tmp_path / "b.yaml").write_text("extends: base/a.yaml\n")
        code, out, err = ganlab("check", "b.yaml", "--json")
        first, second, count = err.splitlines()
        assert code == 2 and count == "2 mistakes"
        assert first.startswith("b.yaml: base/a.yaml:14:15: discriminator.layers[1].Dense.unitz: ")
        assert second.startswith("b.yaml: base/a.yaml:15:17: discriminator.layers[2].Dropout.rat: ")
        problems = json.loads(out)["problems"]
        assert [(each["file"], each["line"]) for each in problems] == [("base/a.yaml", 14), ("base/a.yaml", 15)]

    def test_an_empty_folder_has_nothing_to_check(self, ganlab, tmp_path):
        (tmp_path / "empty").mkdir()
        assert ganlab("check", "empty") == (2, "", "empty: no *.yaml file in this folder\n")


class TestSample:
    def test_writes_a_grid_from_the_newest_checkpoint_into_the_folder(self, ganlab, trained):
        code, out, _ = ganlab("sample", "tiny")
        run = the_run(trained / "results")
        assert code == 0 and trained / out.strip() == run / "samples" / "sample-000012-seed0.png"
        with Image.open(trained / out.strip()) as grid:
            assert grid.width == grid.height

    def test_needs_nothing_but_the_config_and_the_weights(self, ganlab, trained):
        expected = (trained / ganlab("sample", "tiny", "--step", "8")[1].strip()).read_bytes()
        alone = trained / "alone"
        (alone / "checkpoints").mkdir(parents=True)
        for name in ("config.yaml", "status.json", "checkpoints/generator-000008.weights.h5"):
            shutil.copy(the_run(trained / "results") / name, alone / name)
        code, out, _ = ganlab("sample", "alone", "--out", "grid.png")
        assert (code, out) == (0, "grid.png\n") and (trained / "grid.png").read_bytes() == expected

    def test_draws_the_same_images_for_the_same_seed_only(self, ganlab, trained):
        for name, seed in (("a", 1), ("b", 1), ("c", 2)):
            assert ganlab("sample", "tiny", "--seed", seed, "--count", "4", "--out", f"{name}.png")[0] == 0
        a, b, c = ((trained / f"{name}.png").read_bytes() for name in "abc")
        assert a == b != c

    def test_interpolates_in_rows_of_ten(self, ganlab, trained):
        code, out, _ = ganlab("sample", "tiny", "--interpolate", "--count", "20")
        assert code == 0 and out.endswith("/samples/interpolation-000012-seed0.png\n")
        with Image.open(trained / out.strip()) as grid:
            assert round(grid.width / grid.height) == 5

    def test_a_step_without_a_checkpoint_is_refused_with_those_there_are(self, ganlab, trained):
        before = files_below(trained)
        code, out, err = ganlab("sample", "tiny", "--step", "5")
        assert (code, out) == (6, "") and err.endswith(": no generator checkpoint of step 5; there are 4, 8, 12\n")
        assert files_below(trained) == before

    def test_a_damaged_checkpoint_is_named_and_the_one_before_is_used(self, ganlab, trained):
        damaged = the_run(trained / "results") / "checkpoints" / "generator-000012.weights.h5"
        damaged.write_bytes(damaged.read_bytes()[:1000])
        code, out, err = ganlab("sample", "tiny")
        assert code == 0 and out.endswith("/sample-000008-seed0.png\n")
        assert (
            "generator-000012.weights.h5: " in err
            and err.endswith("The one before is used.\n")
            and err.count("\n") == 1
        )

    def test_a_damaged_checkpoint_that_is_asked_for_is_refused(self, ganlab, trained):
        damaged = the_run(trained / "results") / "checkpoints" / "generator-000012.weights.h5"
        damaged.write_bytes(damaged.read_bytes()[:1000])
        code, out, err = ganlab("sample", "tiny", "--step", "12")
        assert (code, out) == (6, "") and "generator-000012.weights.h5: " in err and err.count("\n") == 1

    def test_without_a_whole_checkpoint_the_newest_is_named(self, ganlab, trained):
        for weights in (the_run(trained / "results") / "checkpoints").glob("generator-*"):
            weights.write_bytes(b"")
        code, out, err = ganlab("sample", "tiny")
        assert (code, out) == (6, "") and "generator-000012.weights.h5: " in err and err.count("\n") == 1

    @pytest.mark.parametrize(
        ("name", "form"), [("a.jpg", "JPEG"), ("a.PNG", "PNG"), ("b.webp", "WEBP"), ("c.tiff", "TIFF")]
    )
    def test_writes_the_picture_that_the_suffix_names(self, ganlab, trained, name, form):
        assert ganlab("sample", "tiny", "--out", name)[0] == 0
        with Image.open(trained / name) as picture:
            assert picture.format == form

    @pytest.mark.parametrize("command", ["sample", "neighbours"])
    def test_a_run_folder_that_takes_no_file_is_told_with_the_way_out(self, ganlab, trained, command):
        samples = the_run(trained / "results") / "samples"
        shutil.rmtree(samples)
        samples.touch()
        code, out, err = ganlab(command, "tiny")
        assert (code, out) == (1, "") and err.endswith("; --out FILE writes elsewhere\n") and err.count("\n") == 1
        assert ganlab(command, "tiny", "--out", "elsewhere.png")[0] == 0

    @pytest.mark.parametrize("name", ["grid", "grid.pgn", "grid.json"])
    def test_a_name_of_no_picture_is_a_usage_error(self, ganlab, trained, name):
        code, _, err = ganlab("sample", "tiny", "--out", name)
        assert code == 2 and err.startswith(f"--out {name}: expected a name with the suffix of a picture")

    def test_writes_single_images_as_files_or_as_one_array(self, ganlab, trained):
        words = ("sample", "tiny", "--each", "--count", "7", "--seed", "2")
        assert ganlab(*words, "--out", "images.npz")[:2] == (0, "images.npz\n")
        with np.load("images.npz") as arrays:
            assert arrays.files == ["arr_0"]
            images = arrays["arr_0"]
        assert images.shape == (7, 8, 8, 1) and images.dtype == np.uint8
        Path("images").mkdir()
        assert ganlab(*words, "--out", "images")[0] == 0
        assert ganlab(*words, "--out", "v1.5")[0] == 0 and len(list(Path("v1.5").iterdir())) == 7
        names = sorted(path.name for path in Path("images").iterdir())
        assert names == [f"{number:06d}.png" for number in range(7)]
        for name, image in zip(names, images, strict=True):
            assert np.array_equal(np.asarray(Image.open(f"images/{name}")), image[:, :, 0])
        Path("here").mkdir()
        os.chdir("here")
        run = str(the_run(trained / "results"))
        assert ganlab("sample", run, *words[2:], "--out", ".")[0] == 0 and sorted(os.listdir(".")) == names
        os.chdir("..")
        before = files_below(trained)
        code, _, err = ganlab(*words, "--out", "images")  # it holds files now
        said = "--out images: expected a name with the suffix .npz, or a new or empty folder\n"
        assert (code, err) == (2, said) and files_below(trained) == before

    @pytest.mark.parametrize(
        ("words", "said"),
        [
            (("--each",), "--each: expected --out DIR or --out FILE.npz, without --interpolate"),
            (
                ("--each", "--interpolate", "--out", "a"),
                "--each: expected --out DIR or --out FILE.npz, without --inter",
            ),
            (
                ("--each", "--out", "s.npy"),
                "--out s.npy: expected a name with the suffix .npz, or a new or empty folder",
            ),
            (
                ("--each", "--out", "a.png"),
                "--out a.png: expected a name with the suffix .npz, or a new or empty folder",
            ),
            (("--count", "10001"), "--count: expected at most 10,000 without --each, received 10,001"),
            (("--out", "."), "--out .: expected a name with the suffix of a picture"),
        ],
    )
    def test_options_that_do_not_fit_are_a_usage_error(self, ganlab, trained, words, said):
        before = files_below(trained)
        code, out, err = ganlab("sample", "tiny", *words)
        assert (code, out) == (2, "") and said in err and files_below(trained) == before


class TestNeighbours:
    def test_draws_pairs_and_prints_their_distances(self, ganlab, trained):
        code, out, _ = ganlab("neighbours", "tiny", "--count", "3", "--json")
        answer = json.loads(out)
        run = the_run(trained / "results")
        assert code == 0 and (answer["step"], answer["by"]) == (12, "pixels")
        assert trained / answer["picture"] == run / "samples" / "neighbours-000012-pixels.png"
        assert [pair["image"] for pair in answer["pairs"]] == [0, 1, 2]
        assert all(0 <= pair["training_image"] < 1797 and 0 < pair["distance"] < 8 for pair in answer["pairs"])
        (means,) = answer["means"]  # the digits have no test split
        assert (means["of"], means["count"]) == ("generated images", 1000)
        with Image.open(run / "samples" / "neighbours-000012-pixels.png") as picture:
            assert picture.width > picture.height
        assert ganlab("verify", run)[0] == 0

    def test_of_features_are_those_of_the_classifier(self, ganlab, trained):
        code, out, _ = ganlab("neighbours", "tiny", "--by", "features", "--step", "8", "--out", "pairs.png")
        assert code == 0 and out.endswith("pairs.png\n") and (trained / "pairs.png").exists()

    @pytest.mark.parametrize(
        ("words", "message"),
        [
            (("--out", "pairs.jpg"), "--out pairs.jpg: expected a name with the suffix .png\n"),
            (("--by", "pixel"), "Error: Invalid value for '--by': 'pixel' is not one of 'pixels', 'features'.\n"),
        ],
    )
    def test_a_wrong_word_is_a_usage_error(self, ganlab, trained, words, message):
        before = files_below(trained)
        code, _, err = ganlab("neighbours", "tiny", *words)
        assert code == 2 and err.endswith(message) and files_below(trained) == before


class TestEvaluate:
    def test_measures_every_kept_checkpoint(self, ganlab, trained):
        code, out, _ = ganlab("evaluate", "tiny", "--all-steps", "--json")
        values = json.loads(out)["values"]
        assert code == 0 and [value["step"] for value in values] == [4, 8, 12]
        metric = json.loads((the_run(trained / "results") / "summary.json").read_text())["metrics"]["is1k_classifier"]
        assert metric["last"] == values[-1]["value"] and metric["best"] == max(value["value"] for value in values)
        assert ganlab("evaluate", "tiny", "--all-steps", "--step", "4")[0] == 2

    def test_adds_a_metric_to_the_run(self, ganlab, trained):
        run = the_run(trained / "results")
        lines = (run / "metrics.jsonl").read_text()
        code, out, _ = ganlab("evaluate", "tiny", "--metric", "fd1k_random", "--step", "8", "--json")
        (value,) = json.loads(out)["values"]
        assert (
            code == 0 and (value["name"], value["step"]) == ("fd1k_random", 8) and value["value"] > value["floor"] > 0
        )
        assert (run / "metrics.jsonl").read_text().startswith(lines)
        metric = json.loads((run / "summary.json").read_text())["metrics"]["fd1k_random"]
        assert metric["best"] == value["value"] and metric["best_step"] == 8
        assert metric["last"] is None  # the run ends at step 12

    @pytest.mark.parametrize(("steps", "last"), [((4,), 12), ((12, 8), 12), ((8, 4), 12)])
    def test_the_last_value_stays_that_of_the_last_step(self, ganlab, trained, steps, last):
        run = the_run(trained / "results")
        for step in steps:
            assert ganlab("evaluate", "tiny", "--step", step)[0] == 0
        values = {
            line["step"]: line["value"] for line in map(json.loads, (run / "metrics.jsonl").read_text().splitlines())
        }
        metric = json.loads((run / "summary.json").read_text())["metrics"]["is1k_classifier"]
        assert set(values) == {12, *steps} and metric["last"] == values[last]
        assert ganlab("verify", run)[0] == 0

    def test_repeats_the_value_of_the_training(self, ganlab, trained):
        summary = json.loads((the_run(trained / "results") / "summary.json").read_text())
        code, out, _ = ganlab("evaluate", "tiny", "--json")
        (value,) = json.loads(out)["values"]
        assert code == 0 and value["name"] == "is1k_classifier"
        assert value["value"] == pytest.approx(summary["metrics"]["is1k_classifier"]["last"], rel=1e-5)

    def test_more_splits_stand_in_the_details_and_the_value_stays(self, ganlab, trained):
        code, out, _ = ganlab("evaluate", "tiny", "--splits", "1,10,50", "--json")
        (value,) = json.loads(out)["values"]
        by_splits = value["details"]["by_splits"]
        assert code == 0 and list(by_splits) == ["1", "10", "50"] and by_splits["1"]["sd"] == 0
        assert by_splits["10"] == {"mean": value["value"], "sd": value["details"]["sd"]}
        assert by_splits["50"]["mean"] < by_splits["1"]["mean"]  # few images a split lower the score
        run = the_run(trained / "results")
        line = json.loads((run / "metrics.jsonl").read_text().splitlines()[-1])
        assert line["details"]["by_splits"] == by_splits and line["fingerprint"] == value["fingerprint"]
        assert (
            json.loads((run / "summary.json").read_text())["metrics"]["is1k_classifier"]["sd"] == value["details"]["sd"]
        )
        assert " ± " in ganlab("show", "tiny")[1]
        table = ganlab("evaluate", "tiny", "--splits", "2")[1]
        assert "splits" in table and " ± " in table

    @pytest.mark.parametrize(
        ("words", "message"),
        [
            (
                ("--splits", "1,x"),
                "Invalid value for '--splits': expected integers >= 1 with commas between, as in 1,2,5\n",
            ),
            (
                ("--splits", "0"),
                "Invalid value for '--splits': expected integers >= 1 with commas between, as in 1,2,5\n",
            ),
            (
                ("--splits", "2000"),
                "--splits: expected at most 1,000 (the images of is1k_classifier), received 2,000\n",
            ),
            (
                ("--splits", "2", "--metric", "fd1k_random"),
                "--splits: expected an Inception Score among the metrics, such as is5k_classifier; received fd1k_random\n",
            ),
        ],
    )
    def test_wrong_splits_are_a_usage_error(self, ganlab, trained, words, message):
        before = files_below(trained)
        code, _, err = ganlab("evaluate", "tiny", *words)
        assert code == 2 and err.endswith(message) and files_below(trained) == before

    def test_an_unknown_metric_is_a_usage_error(self, ganlab, trained):
        code, _, err = ganlab("evaluate", "tiny", "--metric", "fid7k")
        assert code == 2 and err.startswith("metrics[0]: unknown metric 'fid7k'.") and err.count("\n") == 1

    @pytest.mark.parametrize("command", ["evaluate", "neighbours"])
    def test_other_data_are_refused(self, ganlab, trained, command):
        status = the_run(trained / "results") / "status.json"
        status.write_text(status.read_text().replace('"data_fingerprint": "', '"data_fingerprint": "0'))
        code, _, err = ganlab(command, "tiny")
        assert code == 1 and err.endswith("are not its training data\n")
