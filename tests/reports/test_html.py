"""The page, as text and in a real browser."""

import base64
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from ganlab.pictures.images import write_grid
from ganlab.reports.formats import html
from ganlab.reports.formats.page import Album
from ganlab.reports.report import build_report
from tests.browser import browser
from tests.reports.test_figures import trained
from tests.run_folders import metric, write_run
from tests.studies import complete_config, write_study

LONG = "learning_rate_0.0002-batch_size_64-loss_non_saturating-latent_dim_128"


def device_of(name):
    return {"device": {"exp02": "cpu", "exp05": "gpu"}.get(name, "cuda")}


def report_in(folder):
    """Three finished experiments of a paper with pictures and networks, and one without; they differ in device and units."""
    write_study(folder / "studies")
    environment = {"backend": "jax", "python": "3.12.1", "commit": f"{'ab' * 20}+changes", "host": "node7"}
    for name, value, verdict in (("exp01", 30.0, "ok"), ("exp02", 2.5, "collapsed"), ("exp03", 9.5e-5, "ok")):
        metrics = {"fd1k": metric(value)}
        run = write_run(folder / "results", name, metrics=metrics, verdict=verdict, units=8, **device_of(name))
        complete_config(trained(run))
        write_grid(run / "models" / "gan.png", np.zeros((1, 8, 8, 1), np.uint8), 1, 1)
        (run / "models" / "generator.txt").write_text(f"Model of {name} <b>")
        versions = {"ganlab": "0.1.0", "keras": "3.15.1", "jax": "0.10.2"}
        (run / "environment.json").write_text(json.dumps({"versions": versions, "device": "cpu", **environment}))
    write_run(folder / "results", "exp05", metrics={}, units=64, **device_of("exp05"))
    write_run(folder / "results", LONG, dataset="mnist")
    return build_report((), results=folder / "results", studies=folder / "studies")


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """The text of the page."""
    return html.render(report_in(tmp_path_factory.mktemp("report")))


class Page(HTMLParser):
    """The tags of a page, and what may lead out of it."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.links = [], []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.links += [value for name, value in attributes if name in ("src", "href", "action", "data")]


def test_the_page_needs_nothing_outside_itself(written):
    links = Page(written).links
    # Scores over settings, parallel coordinates and losses; strip, networks and four grids of three experiments.
    assert sum(link.startswith("data:image/png;base64,") for link in links) == 21
    assert all(link.startswith(("data:image/png;base64,", "#")) for link in links)
    assert "default-src 'none'" in written and not re.search(r"url\(|@import|https?://", written)


def test_the_page_has_the_tables_of_the_paper_and_the_comparison(written):
    assert re.findall("<h3>(.*?)</h3>", written) == [
        "digits",
        "paper, digits, Table 1: experiments",
        "paper, digits, Table 2: generators",
        "paper, digits, Table 3: scores",
        "Where the runs come from",
        "All runs",
        "Two trainings side by side",
        "Experiments",
        "mnist",
        "Where the runs come from",
        "Experiments",
    ]


def test_an_experiment_has_its_settings_networks_summaries_and_config(written):
    (article,) = [part for part in re.findall("<article.*?</article>", written, re.S) if ">exp02 on digits" in part]
    assert "units 8, discriminator.layers[0] Flatten, discriminator.layers[1] Dense, device cpu</p>" in article
    assert "Model of exp02 &lt;b&gt;" in article and "name: exp02" in article
    assert re.findall('alt="(.*?)"', article) == ["exp02 on digits, seed 0", "exp02 on digits, seed 0: networks"]


def test_what_a_name_holds_is_text(tmp_path):
    hostile = "<script>alert(1)</script><img src=http://x>"
    write_run(tmp_path, name="x", family=hostile, config={"loss": hostile}, written=f"loss: '{hostile}'\n")
    write_run(tmp_path, name="y", written="loss: '\" onload=alert(1)'\n", verdict="\"'<b>")
    written = html.render(build_report((), results=tmp_path))
    assert "&lt;script&gt;alert(1)" in written and hostile not in written
    page = Page(written)
    assert page.tags.count("script") == 1 and "b" not in page.tags
    assert all(link.startswith(("data:image/png;base64,", "#")) for link in page.links)
    assert '" onload' not in written and "'<b>" not in written


def test_pictures_beyond_the_limit_are_left_out_and_the_page_says_so(tmp_path):
    written = html.render(report_in(tmp_path), most_bytes=0)
    assert "img" not in Page(written).tags
    assert "'ganlab report --figures DIR' draws all strips" in re.sub("&#39;", "'", written)


def test_files_that_cannot_be_read_are_told_and_hide_nothing(tmp_path, monkeypatch):
    run = trained(write_run(tmp_path))
    (run / "losses.png").write_text("another user's")
    (run / "models" / "generator.txt").mkdir(parents=True)
    read = Path.read_bytes

    def refuse(path):
        if path.name == "losses.png":  # tests may run as root, who may read everything
            raise PermissionError(13, "Permission denied", str(path))
        return read(path)

    monkeypatch.setattr(Path, "read_bytes", refuse)
    written = html.render(build_report((), results=tmp_path))
    assert f"{run}/losses.png: cannot be read: Permission denied" in written
    assert re.search(r"generator.txt</h4>\s*<pre[^>]*>cannot be read: Is a directory", written)
    assert "config.yaml</h4>" in written


@pytest.fixture(scope="module")
def page(written, tmp_path_factory):
    path = tmp_path_factory.mktemp("page") / "report.html"
    path.write_text(written)
    return path


@pytest.fixture(scope="module")
def tab(tmp_path_factory):
    with browser(tmp_path_factory.mktemp("profile")) as tab:
        yield tab


NAMES = (
    "[...document.querySelectorAll('table')[0].tBodies[0].rows].filter(r => !r.hidden).map(r => r.cells[0].textContent)"
)


@pytest.mark.parametrize(
    ("column", "order"),
    [
        ("name", ["exp01", "exp02", "exp03", "exp05"]),
        # As numbers, not as words; a row without a value stays last.
        ("fd1k last", ["exp03", "exp02", "exp01", "exp05"]),
        ("device", ["exp02", "exp01", "exp03", "exp05"]),
    ],
)
def test_a_browser_sorts_by_the_heading_that_is_clicked(tab, page, written, column, order):
    heading = re.search(rf'<th id="(t1-1-\d+)"[^>]*><button type="button">{column}<', written)[1]
    tab.open(page, heading)
    assert tab(f"document.getElementById('{heading}').getAttribute('aria-sort')") == "ascending"
    assert tab(NAMES) == order
    assert tab("document.querySelector('tfoot').textContent.trim().slice(0, 5)") == "floor"


@pytest.mark.parametrize(
    ("left_out", "names", "count"),
    [
        ([], ["exp01", "exp02", "exp03", "exp05"], "5 of 5 experiments"),
        (["verdict=ok"], ["exp02"], "1 of 5 experiments"),
        (["device=cuda", "units=64"], ["exp02"], "2 of 5 experiments"),
        (["dataset=mnist"], ["exp01", "exp02", "exp03", "exp05"], "4 of 5 experiments"),
        (["verdict=ok", "verdict=collapsed"], [], "0 of 5 experiments"),
    ],
)
def test_rows_and_experiments_that_the_filters_leave_out_are_hidden(tab, page, left_out, names, count):
    tab.open(page)
    for choice in left_out:
        name, value = choice.split("=")
        tab(f"document.querySelector('input[name={name}][value=\"{value}\"]').click()")
    assert (tab(NAMES), tab("document.querySelector('output').value")) == (names, count)
    assert tab("document.querySelectorAll('section')[1].hidden") == ("dataset=mnist" in left_out)


def test_a_name_in_the_table_leads_to_its_experiment_with_its_networks_in_sight(tab, page):
    tab.open(page)
    tab("document.querySelectorAll('tbody a')[1].click()")
    # The browser tells the page of a new address after the click.
    opened = "document.querySelector('details[open]')"
    tab(f"new Promise(done => {{ const look = () => {opened} ? done() : setTimeout(look); look(); }})")
    assert tab(f"{opened}.closest('article').querySelector('h4').textContent") == "exp02 on digits, seed 0"
    assert abs(tab(f"{opened}.closest('article').getBoundingClientRect().top")) < 100


def test_a_picture_is_enlarged_by_the_keyboard_and_closed_by_escape(tab, page):
    tab.open(page, width=390)
    tab("document.querySelectorAll('.picture')[0].focus()")
    tab.press("Tab", 9)
    title, width = tab("[document.activeElement.firstElementChild].map(i => [i.alt, i.width])[0]")
    tab.press("Enter", 13)
    assert tab("document.querySelector('dialog').open")
    large, wider = tab("[document.querySelector('dialog img')].map(i => [i.alt, i.width])[0]")
    assert large == title != "" and wider > 1.5 * width
    tab.press("Escape", 27)
    assert not tab("document.querySelector('dialog').open")
    assert tab("document.activeElement === document.querySelectorAll('.picture')[1]")


SHOWN = "[...document.querySelectorAll('.pair figcaption')].map(caption => caption.textContent)"


def sources_of(tab):
    return tab("[...document.querySelectorAll('.pair img')].map(image => image.src)")


class TestTwoTrainings:
    """The page has three runs with grids of the steps 1, 500, 1000 and 1500; here one has other steps."""

    @pytest.fixture(scope="class")
    def page(self, tmp_path_factory):
        folder = tmp_path_factory.mktemp("trainings")
        for name, steps in (("exp01", (1, 500, 1000, 1500)), ("exp02", (400, 1500)), ("exp03", (1, 500, 1000, 1500))):
            trained(write_run(folder / "results", name, seed=3), steps)
        path = folder / "report.html"
        path.write_text(html.render(build_report((), results=folder / "results")))
        return path

    @staticmethod
    def grid(page, name, step):
        (file,) = page.parent.glob(f"results/digits/{name}-*/samples/{step:06d}.png")
        return f"data:image/png;base64,{base64.b64encode(file.read_bytes()).decode()}"

    def test_a_slider_shows_both_at_one_step_by_arrow_keys_alone(self, tab, page):
        tab.open(page)
        names = tab("[...document.querySelectorAll('.compare option')].slice(0, 3).map(option => option.textContent)")
        assert [name[:14] for name in names] == ["exp01, seed 3,", "exp02, seed 3,", "exp03, seed 3,"]
        assert tab(SHOWN) == [f"{names[0]}: step 1500", f"{names[1]}: step 1500"]
        tab("document.querySelectorAll('.compare select')[1].focus()")
        tab.press("Tab", 9)
        for key, code, step, steps in (("ArrowLeft", 37, 1000, (1000, 400)), ("ArrowLeft", 37, 500, (500, 400))):
            tab.press(key, code)
            assert tab("document.querySelector('.compare output').value") == f"step {step}"
            assert tab(SHOWN) == [f"{names[0]}: step {steps[0]}", f"{names[1]}: step {steps[1]}"]
            assert sources_of(tab) == [self.grid(page, "exp01", steps[0]), self.grid(page, "exp02", steps[1])]
        tab.press("Home", 36)
        assert tab(SHOWN) == [f"{names[0]}: step 1", f"{names[1]}: no samples before its first grid"]
        assert tab("document.querySelectorAll('.pair button')[1].hidden")
        tab.press("End", 35)
        assert tab(SHOWN) == [f"{names[0]}: step 1500", f"{names[1]}: step 1500"]

    def test_another_run_is_shown_at_the_step_that_was_chosen(self, tab, page):
        tab.open(page)
        tab("document.querySelector('.compare input').focus()")
        tab.press("ArrowLeft", 37)
        tab("document.querySelectorAll('.compare select')[1].focus()")
        tab.press("ArrowDown", 40)
        assert [text[:6] + text[-10:] for text in tab(SHOWN)] == ["exp01, step 1000", "exp03, step 1000"]
        assert sources_of(tab)[1] == self.grid(page, "exp03", 1000)

    def test_a_grid_is_enlarged_by_enter_and_closed_by_escape(self, tab, page):
        tab.open(page)
        tab("document.querySelector('.compare input').focus()")
        tab.press("Tab", 9)
        tab.press("Tab", 9)
        tab.press("Enter", 13)
        assert tab("document.querySelector('dialog[open] img').alt").startswith("exp02, seed 3")
        tab.press("Escape", 27)
        assert tab("document.activeElement === document.querySelectorAll('.pair button')[1]")

    def test_one_training_is_compared_with_none(self, tmp_path):
        trained(write_run(tmp_path))
        assert "side by side" not in html.render(build_report((), results=tmp_path))

    def test_runs_without_room_are_left_out_whole(self, page):
        report = build_report((), results=page.parent / "results")
        size = sum(path.stat().st_size for path in page.parent.glob("results/digits/exp0[12]-*/samples/*"))
        album = Album(size)
        assert [training["title"][:5] for training in html._trainings(report, "digits", album)] == ["exp01", "exp02"]
        assert album.is_full


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("width", [390, 1280])
def test_the_page_fits_its_screen_and_follows_light_and_dark(tab, page, width, dark):
    tab.open(page, width=width, dark=dark)
    tab("document.querySelectorAll('details').forEach(part => part.open = true)")
    assert tab("document.documentElement.scrollWidth") <= width
    # The first column stays in sight beside the values; the longest name is in the table of the second section.
    columns = tab("[...document.querySelectorAll('tbody td:first-child')].map(cell => cell.offsetWidth)")
    assert max(columns) < 0.45 * width
    paper, ink = tab("[getComputedStyle(document.body)].map(s => [s.backgroundColor, s.color])[0]")
    paper, ink = (sum(map(int, re.findall(r"\d+", colour)[:3])) / 3 for colour in (paper, ink))
    assert (paper < 60 and ink > 180) if dark else (paper > 240 and ink < 80)


def test_without_its_script_the_page_shows_every_row_and_no_dead_filters(tab, written, tmp_path):
    path = tmp_path / "plain.html"
    path.write_text(re.sub("<script>.*</script>", "", written, flags=re.S))
    tab.open(path)
    assert tab(NAMES) == ["exp01", "exp02", "exp03", "exp05"]
    assert tab("getComputedStyle(document.querySelector('form.filters')).display") == "none"
