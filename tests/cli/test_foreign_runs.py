"""A run folder from someone else: it runs nothing, leads nowhere, and what stands in it is only text."""

import json
import os
import pty
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest

from tests.browser import browser
from tests.cli.experiments import the_run
from tests.reports.test_figures import HISTORY

ONE_RUN = [("show",), ("sample",), ("evaluate",), ("diff", "tiny")]
SCRIPT = "<script>document.title='owned'</script><img src=x onerror=\"document.title='owned'\">"
LATEX = "\\input{/etc/passwd}\\write18{id}$\\catcode`\\%=12^^5cinput"
NAMES = {
    "name": "\x1b]0;owned\x07\x1b[2J $x^{$",
    "family": SCRIPT + LATEX,
    "reason": LATEX,
    "verdict": "ok\r\n\\end{tabular}",
    "backend": "{{ 7 * 7 }}{% raw %}",
    "device": "\u202egnp.exe",
}


@pytest.fixture
def run(trained):
    return the_run(trained / "results")


def change(path: Path, **values) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | values))


def config_with(run: Path, old: str, new: str) -> None:
    path = run / "config.yaml"
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))


class TestLinks:
    def replace(self, run: Path, name: str, target: Path) -> None:
        path = run / name
        path.rename(run.parent.parent / "away") if path.exists() else path.parent.mkdir(exist_ok=True)
        path.symlink_to(target)

    @pytest.mark.parametrize("words", ONE_RUN, ids=lambda words: words[0])
    @pytest.mark.parametrize(
        "name", ["metrics.jsonl", "samples", "summary.json", "checkpoints/generator-000012.weights.h5"]
    )
    def test_a_link_is_refused_and_nothing_reaches_its_target(self, ganlab, trained, run, words, name):
        target = trained / "own"
        target.mkdir() if name == "samples" else target.write_text("{}")
        self.replace(run, name, target)
        code, out, err = ganlab(words[0], run, *words[1:])
        assert (code, out) == (1, "") and err.endswith(f"{Path(name).name}: refused: a link, in a run folder\n")
        assert list(target.iterdir()) == [] if name == "samples" else target.read_text() == "{}"

    def test_lists_name_the_folder_and_go_on(self, ganlab, trained, run):
        self.replace(run, "summary.json", trained / "own")
        for command in ("ls", "report"):
            code, _, err = ganlab(command)
            assert code == 1 and "summary.json: refused: a link, in a run folder" in err

    @pytest.mark.parametrize("name", ["status.json", "history.csv", "models"])
    def test_verify_calls_it_damage_and_opens_nothing(self, ganlab, trained, run, name):
        self.replace(run, name, trained / "nowhere")
        code, out, _ = ganlab("verify", run)
        assert code == 6 and f"{name}: refused: a link, in a run folder" in out and out.count("refused") == 1

    def test_a_pipe_is_not_waited_for(self, ganlab, run):
        (run / "summary.json").unlink()
        os.mkfifo(run / "summary.json")
        code, _, err = ganlab("show", run)
        assert code == 1 and err.endswith("summary.json: refused: no regular file, in a run folder\n")
        assert ganlab("verify", run)[0] == 6

    def test_the_folder_itself_may_be_reached_by_a_link(self, ganlab, trained, run):
        (trained / "best").symlink_to(run)
        assert ganlab("show", "best")[0] == 0


class TestConfig:
    @pytest.mark.parametrize("command", ["sample", "evaluate"])
    def test_no_other_file_is_opened(self, ganlab, trained, run, command):
        (trained / "secret.yaml").write_text("name: very-secret\n")
        config_with(run, "name: tiny\n", f"name: tiny\nextends: {trained / 'secret.yaml'}\n")
        code, out, err = ganlab(command, run)
        assert (code, out) == (2, "") and err.endswith(": extends: a run folder's config extends no other file\n")
        assert "very-secret" not in err

    @pytest.mark.parametrize(
        "layer",
        [
            "{Lambda: {function: \"open('owned', 'w')\"}}",
            "{Lambda: {function: [cHJpbnQoMSk=, null, null]}}",
            "{TFSMLayer: {filepath: /tmp}}",
            "{'os>system': {command: touch owned}}",
            "{os.system: {command: touch owned}}",
            "{Dense: {units: 64, kernel_initializer: {class_name: Lambda, config: {}, registered_name: x}}}",
            "{Dense: {units: 64, kernel_initializer: {module: os, class_name: system, config: {command: touch owned}}}}",
            "{Dense: {units: 64, kernel_initializer: 'os>system'}}",
            "{Dense: {units: 64, activation: {class_name: function, config: system, module: os}}}",
            "{Dense: {units: 64, activation: 'builtins.print'}}",
            "{Dense: {units: 64, dtype: {class_name: system, module: os}}}",
            "{TimeDistributed: {layer: {Lambda: {function: 'x'}}}}",
            "{TimeDistributed: {layer: {class_name: Lambda, config: {}}}}",
            "{Pipeline: {layers: [{class_name: Lambda, config: {}}]}}",
            "{RNN: {cell: {class_name: Lambda, config: {}}}}",
            "{StringLookup: {vocabulary: /etc/passwd}}",
            "!!python/object/apply:os.system [touch owned]",
        ],
    )
    @pytest.mark.parametrize("command", ["sample", "evaluate"])
    def test_no_code_comes_from_it(self, ganlab, trained, run, command, layer):
        config_with(run, "- Dense: {units: 64, activation: tanh}", f"- {layer}")
        code, out, err = ganlab(command, run)
        assert (code, out, err.count("\n")) == (2, "", 1), err
        assert "config.yaml:" in err and not (trained / "owned").exists()

    def test_data_it_names_are_other_data_and_the_message_says_which(self, ganlab, trained, run):
        config_with(run, "name: digits", "name: folder")
        config_with(run, "source: null", "source: /nowhere/private")
        code, _, err = ganlab("evaluate", run)
        assert code == 7 and "/nowhere/private" in err

    @pytest.mark.parametrize("name", ["../../x", "/etc/x", "a/b", "..", ".x", "x\n"])
    def test_a_name_is_no_path(self, ganlab, run, name):
        config_with(run, "name: digits", f"name: {json.dumps(name)}")
        code, _, err = ganlab("evaluate", run)
        assert code == 2 and "data.name: expected a name" in err


class TestMetrics:
    def test_bytes_that_are_no_text_are_named(self, ganlab, run):
        (run / "metrics.jsonl").write_bytes(b'{"step": 12, \xff}\n')
        code, _, err = ganlab("evaluate", run)
        assert code == 1 and err == f"{run / 'metrics.jsonl'}: damaged: line 1 is no metric value\n"

    @pytest.mark.parametrize("content", ["3", "[]", '{"format": 1}', '{"format": NaN}'])
    def test_no_value_goes_into_a_summary_that_is_none(self, ganlab, run, content):
        before = (run / "metrics.jsonl").read_bytes()
        (run / "summary.json").write_text(content)
        code, out, err = ganlab("evaluate", run)
        assert (code, out, err.count("\n")) == (1, "", 1) and err.startswith(f"{run / 'summary.json'}: damaged")
        assert (run / "metrics.jsonl").read_bytes() == before

    @pytest.mark.parametrize("line", ['{"step": 1}', '{"step": 12, "name": [], "value": 1}', "[" * 5000 + "}"])
    def test_a_line_of_another_form_is_named(self, ganlab, run, line):
        (run / "metrics.jsonl").write_text(f"{line}\n")
        code, _, err = ganlab("evaluate", run)
        assert code == 1 and err == f"{run / 'metrics.jsonl'}: damaged: line 1 is no metric value\n"


@pytest.fixture
def hostile(run):
    """A finished run whose files say hostile things wherever text stands."""
    change(run / "summary.json", **NAMES, config={SCRIPT: NAMES["reason"], "loss": NAMES["name"]})
    metrics = json.loads((run / "summary.json").read_text())["metrics"]
    change(run / "summary.json", metrics={SCRIPT: dict(next(iter(metrics.values())), fingerprint=NAMES["name"])})
    change(run / "environment.json", host=NAMES["name"], versions={SCRIPT: SCRIPT})
    change(run / "status.json", reason=NAMES["name"], owner={SCRIPT: 1})
    (run / "history.csv").write_text(HISTORY)
    return run


def steers(text: str) -> set[str]:
    return {character for character in text if not character.isprintable()} - {"\n"}


class TestText:
    @pytest.mark.parametrize("form", ["table", "markdown", "latex", "csv", "json", "html"])
    def test_no_format_steers_a_terminal(self, ganlab, hostile, form):
        code, out, err = ganlab("report", "--format", form)
        assert code == 0 and not steers(out + err)

    @pytest.mark.parametrize(
        "words", [("ls",), ("ls", "--json"), ("show", "tiny"), ("show", "tiny", "--json"), ("diff", "tiny", "tiny")]
    )
    def test_no_listing_steers_a_terminal(self, ganlab, hostile, words):
        code, out, err = ganlab(*words)
        assert code == 0 and not steers(out + err)

    @pytest.mark.parametrize("words", [("ls",), ("show", "tiny"), ("report",)])
    def test_a_real_terminal_gets_the_colours_of_the_tables_and_no_other_sequence(self, trained, hostile, words):
        ours, theirs = pty.openpty()
        command = [sys.executable, "-m", "ganlab", *words]
        with subprocess.Popen(
            command, cwd=trained, stdout=theirs, stderr=theirs, env=os.environ | {"TERM": "xterm"}
        ) as process:
            os.close(theirs)
            shown = b""
            try:
                while part := os.read(ours, 65536):
                    shown += part
            except OSError:  # how a terminal says that its other end is closed
                pass
        os.close(ours)
        left = re.sub(r"\x1b\[[0-9;]*m|\r\n", "", shown.decode())
        assert process.returncode == 0 and "owned" in left and not steers(left)

    def test_latex_makes_no_command_of_a_name(self, ganlab, hostile):
        _, out, _ = ganlab("report", "--format", "latex")
        ours = {"begin", "end", "toprule", "midrule", "bottomrule", "usepackage", "pm", "char"}
        ours |= {"textbackslash", "textasciicircum", "textasciitilde", "textless", "textgreater", "textbar"}
        assert "textbackslash{}input" in out and set(re.findall(r"\\([A-Za-z]+)", out)) <= ours
        assert out.count(r"\end{tabular}") == out.count(r"\begin{tabular}")

    def test_html_is_the_page_s_own_and_what_stands_in_names_is_text(self, ganlab, hostile):
        _, out, _ = ganlab("report", "--format", "html")
        tags: list[str] = []
        odd: list[tuple] = []

        class Page(HTMLParser):
            def handle_starttag(self, tag, attributes):
                tags.append(tag)
                odd.extend((tag, *pair) for pair in attributes if pair[0].startswith("on"))
                if tag == "img":
                    odd.extend(
                        (tag, *pair) for pair in attributes if pair[0] == "src" and not pair[1].startswith("data:")
                    )

        Page().feed(out)
        assert tags.count("script") == 1 and odd == [] and "owned" in out

    def test_a_browser_runs_no_script_of_a_name(self, ganlab, trained, hostile, tmp_path):
        ganlab("report", "--format", "html", "--out", "report.html")
        page = trained / "report.html"
        with browser(tmp_path / "profile") as tab:
            tab.open(page)
            assert tab("document.title") == "ganlab report"
            # The same page with the name's tags let through must show that the browser would have run them.
            loose = page.read_text()
            for safe, sign in {"&lt;": "<", "&gt;": ">", "&#34;": '"', "&#39;": "'"}.items():
                loose = loose.replace(safe, sign)
            page.write_text(re.sub("<meta http-equiv[^>]*>", "", loose))
            tab.open(page)
            assert tab("document.title") == "owned"

    @pytest.mark.parametrize("dataset", ["../../../owned", "/tmp/owned", "a/b", "\x1b[2J", ""])
    def test_no_picture_is_named_after_a_path(self, ganlab, trained, hostile, dataset):
        change(hostile / "summary.json", dataset=dataset)
        before = sorted(trained.rglob("*"))
        code, _, err = ganlab("report", "--figures", "figures")
        assert code == 1 and "damaged: dataset: expected a name of at most 80 letters" in err and not steers(err)
        assert [path for path in sorted(trained.rglob("*")) if path not in before and "figures" not in path.parts] == []
