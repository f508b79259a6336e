"""`ganlab verify`: what damages a run folder is found and named, and what a stop leaves is no damage."""

import json
import re
import shutil

import h5py
import pytest
from PIL import Image

from tests.cli.experiments import STEPS, files_below, the_run
from tests.cli.test_main import FRAMEWORKS, loaded_by
from tests.hostile.watch import watching
from tests.hostile.wrong_folders import black_picture


def flip(path, at=-200):
    content = bytearray(path.read_bytes())
    content[at] ^= 1
    path.write_bytes(content)


def change(name, old, new):
    def damage(run):
        text = (run / name).read_text()
        assert old in text
        (run / name).write_text(text.replace(old, new, 1))

    return damage


def cut(name, count):
    return lambda run: (run / name).write_bytes((run / name).read_bytes()[:-count])


def flip_a_weight(run):
    with h5py.File(run / WEIGHTS) as file:
        place = file["layers/dense/vars/0"].id.get_offset()
    flip(run / WEIGHTS, place + 5)


def other_weights(run):
    shutil.copy(run / "checkpoints/generator-000008.weights.h5", run / "checkpoints/generator-000012.weights.h5")


def long_film(run):
    frames = [Image.new("L", (4, 4), number % 2 * 255) for number in range(2001)]
    frames[0].save(run / "samples.gif", save_all=True, append_images=frames[1:])


def nan_in_metrics(run):
    line = json.loads((run / "metrics.jsonl").read_text())
    (run / "metrics.jsonl").write_text(json.dumps(line | {"value": float("nan")}) + "\n")


STATE, WEIGHTS = "checkpoints/state-000012", "checkpoints/generator-000012.weights.h5"
# What is done to the folder of a finished run -> the first finding.
DAMAGE = {
    "a flipped bit in a state": (
        lambda run: flip(run / STATE / "variables.npz"),
        f"{STATE}: damaged: its files are not those of its manifest",
    ),
    "a state of another step": (
        change(f"{STATE}/MANIFEST.json", '"step": 12', '"step": 11'),
        f"{STATE}: its manifest says step 11",
    ),
    "a missing state": (lambda run: shutil.rmtree(run / STATE), f"{STATE}: missing, and the run is finished"),
    "a cut weight file": (cut(WEIGHTS, 100), f"{WEIGHTS}: damaged: "),
    "a flipped bit in a weight": (flip_a_weight, f"{WEIGHTS}: damaged: the weights do not match their checksum"),
    "weights of another step": (other_weights, f"{WEIGHTS}: other weights than in state-000012"),
    "a gap in the history": (
        change("history.csv", "\n5,", "\n6,"),
        "history.csv: line 6: expected the row of step 5, received '6,",
    ),
    "a loss that is no number": (
        lambda run: (run / "history.csv").write_text(
            re.sub(r"\n3,[^,]*", "\n3,nan", (run / "history.csv").read_text())
        ),
        "history.csv: line 4: d_loss: received 'nan'",
    ),
    "a torn last line": (cut("history.csv", 1), "history.csv: line 13: expected the row of step 12, received"),
    "a metric that is no number": (nan_in_metrics, "metrics.jsonl: line 1: is1k_classifier nan at step 12 of 12"),
    "a torn metric": (cut("metrics.jsonl", 9), "metrics.jsonl: line 1: damaged: "),
    "a metric that the summary has not": (
        lambda run: (run / "metrics.jsonl").write_text(""),
        "metrics.jsonl: does not have the values of is1k_classifier in the summary",
    ),
    "another summary": (
        change("summary.json", '"seed": 3', '"seed": 4'),
        "summary.json: seed differs from the config or the status",
    ),
    "another config": (
        change("config.yaml", "batch_size: 8", "batch_size: 9"),
        "summary.json: config differs from the config or the status",
    ),
    "another verdict": (
        change("summary.json", '"verdict": "', '"verdict": "no '),
        "summary.json: verdict differs from the config or the status",
    ),
    "another reason": (
        change("status.json", '"reason": ', '"reason": "the moon", "before": '),
        "summary.json: reason differs from the config or the status",
    ),
    "a wrong config": (change("config.yaml", "batch_size: 8", "batch_size: -8"), "config.yaml:"),
    "no summary": (lambda run: (run / "summary.json").unlink(), "summary.json: missing, and the run is finished"),
    "a torn status": (cut("status.json", 9), "status.json: damaged JSON: "),
    "no status": (lambda run: (run / "status.json").unlink(), "status.json: damaged: "),
    "another run's status": (
        lambda run: (run / "status.json").write_text(
            re.sub('"identity": "[0-9a-f]{8}', '"identity": "00000000', (run / "status.json").read_text())
        ),
        "status.json: identity 00000000 is not the one in the folder's name",
    ),
    "a metric of a name that is none": (
        lambda run: (run / "metrics.jsonl").write_text('{"step": 12, "name": [], "value": 1}\n'),
        "metrics.jsonl: line 1: damaged: it is no metric value",
    ),
    "a status that is a list": (
        lambda run: (run / "status.json").write_text("[1]"),
        "status.json: damaged: expected a mapping, received [1]",
    ),
    "steps that are no number": (
        change("status.json", '"steps": 12', '"steps": "\\u001b[2J"'),
        "status.json: damaged: steps: expected an integer >= 1, received",
    ),
    "a picture too large to look at": (
        lambda run: (run / "losses.png").write_bytes(black_picture(10_000)),
        "losses.png: damaged: Image size (100000000 pixels) exceeds limit",
    ),
    "half a sheet of real and generated images": (
        cut("real_and_generated.png", 50),
        "real_and_generated.png: damaged: ",
    ),
    "a film of more frames than a film has": (long_film, "samples.gif: damaged: has more than 2000 frames"),
    "half a picture": (cut("samples/000010.png", 50), "samples/000010.png: damaged: "),
    "half a film": (cut("samples.gif", 300), "samples.gif: damaged: "),
    **{
        f"a flipped bit in a picture, {at}": (lambda run, at=at: flip(run / "losses.png", at), "losses.png: damaged: ")
        for at in (3, 20, 60, 5000, -4000, -200, -30, -20)
    },
    "no last picture": (
        lambda run: (run / "samples/000012.png").unlink(),
        "samples/000012.png: missing, and the run is finished",
    ),
}


@pytest.mark.parametrize(("damage", "finding"), DAMAGE.values(), ids=DAMAGE)
def test_damage_is_found_and_named(ganlab, trained, damage, finding):
    run = the_run(trained / "results")
    damage(run)
    before = files_below(trained)
    code, out, err = ganlab("verify", "results", "--json")
    (row,) = json.loads(out)["runs"]
    assert code == 6 and err == "1 of 1 run folders is damaged\n"
    assert not row["ok"] and row["damage"][0].startswith(finding)
    assert all("\n" not in line for line in row["damage"])
    assert files_below(trained) == before  # looking changes nothing


def test_a_finished_run_is_sound(ganlab, trained):
    run = the_run(trained / "results").relative_to(trained)
    expected = (0, f"ok       {run}  (finished)\n", "")
    assert ganlab("verify", "results") == ganlab("verify", "results/digits") == ganlab("verify", str(run)) == expected


def test_a_summary_of_an_earlier_version_is_sound(ganlab, trained):
    path = the_run(trained / "results") / "summary.json"
    summary = json.loads(path.read_text())
    for key in ("limit", "split", "labels", "labelled"):
        del summary["config"][key]
    path.write_text(json.dumps(summary))
    assert ganlab("verify", "results")[0] == 0


def test_a_value_that_could_not_be_measured_at_the_end_is_no_damage(ganlab, trained):
    run = the_run(trained / "results")
    line = json.loads((run / "metrics.jsonl").read_text())
    (run / "metrics.jsonl").write_text(json.dumps(line | {"step": 8}) + "\n")
    change("summary.json", f'"last": {line["value"]}', '"last": null')(run)
    assert ganlab("verify", "results")[0] == 0


def test_a_last_value_of_an_earlier_version_is_noted_and_mended(ganlab, trained):
    run = the_run(trained / "results")
    assert ganlab("evaluate", "tiny", "--step", "4")[0] == 0
    other = json.loads((run / "metrics.jsonl").read_text().splitlines()[1])["value"]
    summary = json.loads((run / "summary.json").read_text())
    summary["metrics"]["is1k_classifier"]["last"] = other  # as earlier versions wrote it
    (run / "summary.json").write_text(json.dumps(summary))
    code, out, _ = ganlab("verify", "tiny", "--json")
    note = f"summary.json: last of is1k_classifier is not of the last step; 'ganlab evaluate {run.relative_to(trained)}' mends it"
    assert code == 0 and json.loads(out)["runs"][0]["notes"] == [note]
    assert ganlab("evaluate", run.name)[0] == 0
    assert json.loads(ganlab("verify", "tiny", "--json")[1])["runs"][0]["notes"] == []


def test_what_a_finding_quotes_cannot_steer_a_terminal(ganlab, trained):
    run = the_run(trained / "results")
    (run / "samples" / "\x1b[2J\n.png").write_bytes(b"")
    change("history.csv", "\n5,", "\n\x1b]0;owned\x07,")(run)
    (run / "config.yaml").write_text("name: " + "9" * 5000)
    code, out, err = ganlab("verify", run)
    assert code == 6 and out.count("\n") >= 4 and max(map(len, out.splitlines())) < 600
    assert {c for c in out + err if not c.isprintable()} == {"\n"}


def test_a_line_a_folder_and_one_a_finding(ganlab, trained):
    run = the_run(trained / "results")
    shutil.copytree(run, run.with_name(f"{run.name}-2"))
    (run / "losses.png").write_bytes(b"")
    code, out, err = ganlab("verify", "results")
    damaged, finding, sound = out.splitlines()
    assert code == 6 and err == "1 of 2 run folders is damaged\n"
    assert damaged.startswith("damaged  ") and damaged.endswith(f"/{run.name}  (finished)")
    assert finding.startswith("         losses.png: damaged: ")
    assert sound.startswith("ok ") and f"/{run.name}-2 " in sound


def test_a_link_in_a_run_folder_is_no_run(ganlab, trained):
    run = the_run(trained / "results")
    shutil.copytree(run, trained / "elsewhere")
    (run / "link").symlink_to(trained / "elsewhere")
    with watching(trained / "elsewhere") as touched:
        for path in (run, run.parent, "results"):
            code, out, _ = ganlab("verify", path)
            assert code == 6 and "link: refused: a link" in out and out.count("\n") == 2
        assert ganlab("ls", "--results", run.parent)[1].count("finished") == 0
        assert touched() == set()


def test_a_path_without_runs_is_a_usage_error(ganlab, tmp_path):
    assert ganlab("verify", ".") == (2, "", ".: neither a run folder nor a folder of runs\n")


class TestAnUnfinishedRun:
    """As a process leaves it that was killed after step 10."""

    @pytest.fixture
    def killed(self, trained):
        run = the_run(trained / "results")
        status = json.loads((run / "status.json").read_text())
        (run / "status.json").write_text(json.dumps(status | {"status": "running"}))
        for name in ("summary.json", "metrics.jsonl", "losses.png", "outputs.png", "samples.gif"):
            (run / name).unlink()
        for name in ("samples/000012.png", WEIGHTS):
            (run / name).unlink()
        shutil.rmtree(run / STATE)
        rows = (run / "history.csv").read_text().splitlines(keepends=True)
        (run / "history.csv").write_text("".join(rows[:11]) + rows[11][:9])
        (run / ".0123abcd-status.json").write_text("{")
        return run

    def test_is_sound_and_says_where_it_goes_on(self, ganlab, killed):
        code, out, _ = ganlab("verify", "results", "--json")
        (row,) = json.loads(out)["runs"]
        assert code == 0 and row["damage"] == []
        assert row["state"] == f"running; the same command continues from step 8 of {STEPS}"
        assert row["notes"] == ["1 half-written file of a killed process; the next process removes it"]

    def test_is_damaged_without_a_state(self, ganlab, killed):
        shutil.rmtree(killed / "checkpoints/state-000008")
        code, out, _ = ganlab("verify", "results", "--json")
        assert code == 6 and json.loads(out)["runs"][0]["damage"] == ["checkpoints: no whole training state is left"]

    def test_is_damaged_if_its_history_ends_before_its_state(self, ganlab, killed):
        rows = (killed / "history.csv").read_text().splitlines(keepends=True)
        (killed / "history.csv").write_text("".join(rows[:6]))
        code, out, _ = ganlab("verify", "results", "--json")
        assert code == 6 and json.loads(out)["runs"][0]["damage"] == [
            "state-000008: history.csv ends at step 5, before it"
        ]

    def test_of_which_only_the_config_was_written_is_sound(self, ganlab, killed):
        for path in sorted(killed.rglob("*"), reverse=True):
            if path.name != "config.yaml":
                path.unlink() if path.is_file() else path.rmdir()
        code, out, _ = ganlab("verify", "results")
        assert code == 0 and out.endswith("  (not begun)\n")


def test_it_loads_no_framework(finished):
    loaded = loaded_by("verify", str(finished / "results"))
    assert {"numpy", "h5py", "PIL"} <= loaded and not loaded & FRAMEWORKS
