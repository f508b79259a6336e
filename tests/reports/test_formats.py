import csv
import io
import json
import re
import shutil
import subprocess

import pytest

from ganlab.cli.report import FORMATS
from ganlab.reports.formats import render, text
from ganlab.reports.report import build_report
from ganlab.reports.table import Column, Table, to_json
from tests.run_folders import metric, write_run

HOSTILE = r"a|b&c%d_e#f$g{h}~i^j\k<l>[m]*n*`o`!p"


@pytest.fixture
def report(tmp_path):
    for seed, value in enumerate([10.0, 14.0]):
        write_run(tmp_path, seed=seed, metrics={"fd1k": metric(value, best_step=100 * seed, fingerprint="aa")})
    write_run(tmp_path, "big", dataset="mnist", metrics={"fd1k": metric(3.0, fingerprint="bb")})
    write_run(tmp_path, "big", dataset="mnist", seed=1, status="failed", with_summary=False)
    return build_report((), results=tmp_path)


@pytest.mark.parametrize("format_name", FORMATS)
def test_every_format_tells_the_mean_and_ends_with_a_line_end(report, format_name):
    written = render(report, format_name)
    assert "quickstart" in written and "12.0" in written and written.endswith("\n")


@pytest.mark.parametrize("format_name", FORMATS)
def test_every_format_can_write_an_empty_report(tmp_path, format_name):
    write_run(tmp_path, status="created", with_summary=False)
    assert "created" in render(build_report((), results=tmp_path), format_name)


def test_text_is_aligned_and_never_cut():
    table = Table([Column("name"), Column("value", numeric=True)], [["网络", "1.5"], ["x" * 300, "12.25"]])
    lines = text.render([table]).splitlines()
    assert lines[0] == "name" + " " * 296 + "  value"
    assert lines[1] == "网络" + " " * 296 + "    1.5"
    assert lines[2] == "x" * 300 + "  12.25"


def test_headings_of_a_wide_table_are_stacked_and_no_number_is_cut():
    table = Table(
        [Column(f"metric {number} last") for number in range(9)], [[f"{number}1.2345" for number in range(9)]]
    )
    lines = text.render([table]).splitlines()
    assert [line.split() for line in lines] == [["metric"] * 9, [*map(str, range(9))], ["last"] * 9, *table.rows]
    narrow = Table(table.columns[:2], [row[:2] for row in table.rows])
    assert text.render([narrow]).splitlines()[0].split() == ["metric", "0", "last", "metric", "1", "last"]


def test_a_narrow_screen_shows_the_columns_of_the_least_rank_and_names_the_others():
    columns = [Column("name"), Column("a", rank=2), Column("b", rank=1), Column("c", rank=2), Column("d")]
    table = Table(columns, [["x" * 20] * 5], footer=[["y", "", "", "", ""]], notes=["first"])
    for width, heads, note in (
        (200, "name a b c d", None),
        (100, "name a b d", "For more columns use --wide: c."),
        (70, "name b d", "For more columns use --wide: a, c."),
        (10, "name d", "For more columns use --wide: a, b, c."),
    ):
        narrow = text.narrow(table, width)
        assert [column.name for column in narrow.columns] == heads.split()
        assert narrow.notes == ["first", *([note] if note else [])]
        assert {len(row) for row in (*narrow.rows, *narrow.footer)} == {len(heads.split())}


def test_markdown_keeps_its_columns_whatever_a_name_holds():
    table = Table([Column(HOSTILE), Column("n", numeric=True)], [[HOSTILE, "3"]], title=HOSTILE)
    _, _, head, rule, row = text.render([table], "markdown").splitlines()
    bare_pipe = r"(?<!\\)\|"
    assert [len(re.findall(bare_pipe, line)) for line in (head, rule, row)] == [3, 3, 3]
    assert rule == "|---|---:|"
    assert r"a\|b\&c%d\_e" in row and r"\k\\" not in row and r"\<l\>\[m\]\*n\*\`o\`" in row


def test_latex_escapes_everything_special():
    table = Table([Column(HOSTILE), Column("n", numeric=True)], [[HOSTILE, "1.0 ± 0.5"]])
    lines = text.render([table], "latex").splitlines()
    row = lines[lines.index(r"\midrule") + 1]
    cell = (
        r"a\textbar{}b\&c\%d\_e\#f\$g\{h\}\textasciitilde{}i\textasciicircum{}j\textbackslash{}k"
        r"\textless{}l\textgreater{}{[}m{]}{*}n{*}`o`!p"
    )
    assert row == rf"{cell} & 1.0 $\pm$ 0.5 \\"


def test_latex_is_a_booktabs_tabular_with_as_many_columns_as_cells(report):
    written = render(report, "latex")
    for alignment, body in re.findall(r"\\begin{tabular}{(\w+)}\n(.*?)\\end{tabular}", written, re.S):
        rows = [line for line in body.splitlines() if line.endswith(r"\\")]
        assert len(rows) >= 2
        assert {len(re.findall(r"(?<!\\)&", row)) + 1 for row in rows} == {len(alignment)}
        assert body.startswith("\\toprule\n") and body.endswith("\\bottomrule\n")
    outside = re.sub(r"\\begin{tabular}.*?\\end{tabular}", "", written, flags=re.S)
    assert all(line.startswith("%") for line in outside.splitlines() if line)


def test_latex_compiles(report, tmp_path):
    if shutil.which("pdflatex") is None:
        pytest.skip(
            "no pdflatex on this machine; on Debian: apt-get install texlive-latex-base texlive-latex-recommended"
        )
    hostile = Table([Column(HOSTILE), Column("n", numeric=True)], [[HOSTILE, "1.0 ± 0.5"]], footer=[["*", "[1]"]])
    body = render(report, "latex") + text.render([hostile], "latex")
    document = rf"\documentclass{{article}}\usepackage{{booktabs}}\begin{{document}}{body}\end{{document}}"
    (tmp_path / "tables.tex").write_text(document.replace(r"\begin{document}", "\\begin{document}\n"))
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "tables.tex"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, errors="replace")
    assert done.returncode == 0, done.stdout[-2000:]
    assert (tmp_path / "tables.pdf").read_bytes().startswith(b"%PDF")


def test_csv_has_a_row_a_cell_with_full_numbers(report):
    rows = list(csv.DictReader(io.StringIO(render(report, "csv"))))
    assert [(row["dataset"], row["name"], row["n"], row["seeds"]) for row in rows] == [
        ("digits", "quickstart", "2", "0;1"),
        ("mnist", "big", "1", "0"),
    ]
    assert float(rows[0]["fd1k [aa]_last_mean"]) == 12.0
    assert float(rows[0]["fd1k [aa]_last_sd"]) == 8**0.5
    assert rows[0]["fd1k [aa]_best_steps"] == "0;100"
    assert (rows[0]["fd1k [bb]_last_mean"], rows[1]["fd1k [bb]_last_mean"]) == ("", "3.0")
    assert rows[1]["status"] == "1 finished, 1 failed"


FORMULAS = {
    "=cmd|' /C calc'!A0": "'=cmd|' /C calc'!A0",
    "+1+1": "'+1+1",
    "@SUM(A1)": "'@SUM(A1)",
    "-x": "'-x",
    "-2+3+cmd|' /C calc'!A0": "'-2+3+cmd|' /C calc'!A0",
    "-inf+HYPERLINK(A1)": "'-inf+HYPERLINK(A1)",
    "-1e5e": "'-1e5e",
    "\uff1dSUM(A1)": "'\uff1dSUM(A1)",
    "\ufe63x": "'\ufe63x",
    "  =A1": "'  =A1",
    "x;=A1": "x;'=A1",
    'a,-b;"=c': "a,'-b;'\"=c",
    'quoted "name", with comma': 'quoted "name", with comma',
    "a-b=c": "a-b=c",
    "-2": "-2",
    "+.5e-3": "+.5e-3",
    "0;-1;-inf": "0;-1;-inf",
}


@pytest.mark.parametrize("name", FORMULAS)
def test_csv_survives_any_name_and_disarms_formulas(tmp_path, name):
    folder = write_run(tmp_path, "x")
    summary = json.loads((folder / "summary.json").read_text())
    (folder / "summary.json").write_text(json.dumps({**summary, "name": name}))
    written = render(build_report((), results=tmp_path), "csv")
    (row,) = csv.DictReader(io.StringIO(written))
    assert row["name"] == FORMULAS[name]


def test_csv_leaves_negative_numbers_alone(tmp_path):
    write_run(tmp_path, metrics={"kid1k": metric(-0.25)})
    (row,) = csv.DictReader(io.StringIO(render(build_report((), results=tmp_path), "csv")))
    assert row["kid1k_last_mean"] == "-0.25"


def test_json_holds_every_run_and_every_cell(report):
    document = json.loads(render(report, "json"))
    assert (document["format"], len(document["runs"])) == (1, 4)
    assert document["runs"][0]["metrics"]["fd1k"]["last"] == 10.0
    assert [run["status"] for run in document["runs"]] == ["finished", "finished", "finished", "failed"]
    cell, other = document["cells"]
    assert (cell["name"], cell["dataset"], cell["n"], cell["seeds"]) == ("quickstart", "digits", 2, [0, 1])
    assert cell["cell"] == document["runs"][0]["cell"]
    assert cell["metrics"]["fd1k"] == {
        "last": {"mean": 12.0, "sd": 8**0.5, "n": 2},
        "best": {"mean": 12.0, "sd": 8**0.5, "n": 2},
        "best_steps": [0, 100],
        "floor": 0.5,
        "fingerprint": "aa",
        "weight_hash": None,
        "real_data": None,
    }
    assert other["metrics"]["fd1k"]["last"]["sd"] is None


def test_json_has_no_word_that_json_lacks():
    written = to_json({"mean": float("nan"), "seeds": [{"sd": float("-inf")}, 0.5]})
    assert json.loads(written, parse_constant=pytest.fail) == {"mean": None, "seeds": [{"sd": None}, 0.5]}
