"""The page, as text and in a real browser."""

import re
import shutil
import subprocess
from html.parser import HTMLParser

import pytest

from ganlab.reports.formats import html
from ganlab.reports.report import build_report
from tests.reports.test_figures import trained
from tests.run_folders import metric, write_run
from tests.studies import complete_config, write_study

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
NO_NETWORK = ("disable-background-networking", "disable-component-update", "disable-sync", "disable-quic")
FLAGS = [f"--{flag}" for flag in ("headless", "no-sandbox", "disable-gpu", "no-first-run", *NO_NETWORK)]


def device_of(name):
    return {"device": {"exp02": "cpu", "exp05": "gpu"}.get(name, "cuda")}


@pytest.fixture
def report(tmp_path):
    write_study(tmp_path / "studies")
    for name, value in (("exp01", 30.0), ("exp02", 2.5), ("exp03", 9.5e-5)):
        complete_config(
            trained(write_run(tmp_path / "results", name, metrics={"fd1k": metric(value)}, **device_of(name)))
        )
    write_run(tmp_path / "results", "exp05", metrics={}, **device_of("exp05"))
    return build_report((), results=tmp_path / "results", studies=tmp_path / "studies")


class Page(HTMLParser):
    """The tags of a page, and what may lead out of it."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.links = [], []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.links += [value for name, value in attributes if name in ("src", "href", "action", "data")]


def test_the_page_needs_nothing_outside_itself(report):
    written = html.render(report)
    links = Page(written).links
    assert sum(link.startswith("data:image/png;base64,") for link in links) == 5
    assert all(link.startswith(("data:image/png;base64,", "#")) for link in links)
    assert "default-src 'none'" in written and not re.search(r"url\(|@import|https?://", written)


def test_the_page_has_the_tables_of_the_paper_and_the_comparison(report):
    written = html.render(report)
    titles = re.findall("<h3>(.*?)</h3>", written)
    assert titles == [
        "digits",
        "paper, digits, Table 1: experiments",
        "paper, digits, Table 2: generators",
        "paper, digits, Table 3: scores",
        "Pictures",
    ]


def test_what_a_name_holds_is_text(tmp_path):
    hostile = "<script>alert(1)</script><img src=http://x>"
    write_run(tmp_path, name="x", family=hostile, config={"loss": hostile})
    written = html.render(build_report((), results=tmp_path))
    assert "&lt;script&gt;alert(1)" in written and hostile not in written
    assert Page(written).tags.count("script") == 1 and "img" not in Page(written).tags


def test_pictures_beyond_the_limit_are_left_out_and_the_page_says_so(report):
    written = html.render(report, most_bytes=0)
    assert "img" not in Page(written).tags
    assert "'ganlab report --figures DIR' draws all of them" in re.sub("&#39;", "'", written)


def rows_in_browser(path, heading, profile):
    """The first cells of the table whose heading is clicked, as the browser shows them."""
    if BROWSER is None:
        pytest.skip("no Chromium on this machine; on Debian: apt-get install chromium")
    command = [BROWSER, *FLAGS, f"--user-data-dir={profile}", "--dump-dom", f"file://{path}#{heading}"]
    shown = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True).stdout
    (table,) = [table for table in re.findall("<table>.*?</table>", shown, re.S) if f'id="{heading}"' in table]
    (sorted_by,) = re.findall('<th id="([^"]*)"[^>]*aria-sort="ascending"', table)
    assert sorted_by == heading
    body, foot = re.search("<tbody>(.*?)</tbody>", table, re.S)[1], re.search("<tfoot>(.*?)</tfoot>", table, re.S)
    return [re.findall("<tr><td[^>]*>(.*?)</td>", part) for part in (body, foot[1] if foot else "")]


@pytest.mark.parametrize(
    ("column", "order"),
    [
        ("name", ["exp01", "exp02", "exp03", "exp05"]),
        # As numbers, not as words; a row without a value stays last.
        ("fd1k last", ["exp03", "exp02", "exp01", "exp05"]),
        ("device", ["exp02", "exp01", "exp03", "exp05"]),
    ],
)
def test_a_browser_sorts_by_the_heading_that_is_clicked(report, tmp_path, column, order):
    path = tmp_path / "report.html"
    path.write_text(html.render(report))
    heading = re.search(rf'<th id="(t1-1-\d+)"[^>]*><button type="button">{column}<', path.read_text())[1]
    assert rows_in_browser(path, heading, tmp_path / "profile") == [order, ["floor (real data)"]]
