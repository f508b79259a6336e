"""Health looks at a run, Verdict ends it."""

import dataclasses
from types import MappingProxyType

import numpy as np
import pytest

from ganlab.errors import DivergedError, GanlabError
from ganlab.pictures.images import to_uint8
from ganlab.training import health as signs
from ganlab.training.callbacks import Health, History, Verdict
from ganlab.training.context import HealthReport
from ganlab.training.draws import generator_of
from ganlab.training.trainer import Chunk
from tests.training.contexts import COLUMNS, DISCRIMINATOR, GENERATOR, NAMES, REAL, chunk, config_of, due, run_context
from tests.training.tiny import build, tiny_config


@pytest.fixture(autouse=True)
def soon_enough(monkeypatch):
    monkeypatch.setattr(signs, "ENOUGH_STEPS", 5)


@pytest.fixture
def tiny():
    return build(config_of(), images=REAL)


@pytest.fixture
def watch(tiny, folder, writer):
    """Health of a run of ten steps, and its context."""

    def made(every=5, tiny=tiny, train=None, **changes):
        config = config_of(output={"checkpoint_every": every}, train=train)
        context = run_context(tiny, folder, writer, config=config, **changes)
        return Health(context), context

    return made


def collapse(tiny):
    tiny.models.networks["generator"].model.set_weights([np.zeros_like(a) for a in tiny.weights("generator")])


class TestHealth:
    @pytest.mark.parametrize("value", [np.nan, np.inf])
    def test_a_loss_that_is_not_finite_stops_the_run_and_names_the_step(self, folder, watch, value):
        rows = chunk(8, count=3).rows
        rows[1:, 1] = value
        health, context = watch()
        health.on_chunk(Chunk(8, NAMES, rows, 1.0))
        assert (context.health.verdict, context.health.reason) == ("diverged", "g_loss is not finite at step 7")
        with pytest.raises(DivergedError) as caught:
            Verdict(context).on_chunk(Chunk(8, NAMES, rows, 1.0))
        assert str(caught.value) == f"{folder.path}: diverged: g_loss is not finite at step 7"

    def test_a_weight_that_no_loss_sees_is_noticed_within_the_chunk(self, watch):
        layers = [*GENERATOR[:1], {"BatchNormalization": {}}, GENERATOR[1]]
        tiny = build(tiny_config(generator=layers, discriminator=DISCRIMINATOR), images=REAL)
        moving = next(v for v in tiny.models.networks["generator"].variables if "moving_variance" in v.path)
        moving.assign(np.full(moving.shape, np.inf, np.float32))
        rows = tiny.train(1)
        assert np.isfinite(rows[:, :2]).all()
        health, context = watch(tiny=tiny)
        health.on_chunk(dataclasses.replace(chunk(3), lost=tiny.steps.lost()))
        assert context.health.verdict == "diverged"
        assert context.health.reason.endswith("moving_variance is not finite at step 3")

    def test_a_config_may_let_it_go_on_with_the_verdict(self, watch):
        health, context = watch(train={"stop_on": []})
        health.on_chunk(chunk(4, d_loss=np.nan))
        health.on_chunk(chunk(5))
        Verdict(context).on_chunk(chunk(5))
        assert context.health.verdict == "diverged"

    def test_images_that_differ_are_ok_and_the_status_says_so(self, folder, watch):
        health, context = watch()
        health.on_chunk(chunk(5))
        assert context.health.verdict == "ok" and context.health.reason is None
        report = folder.status()["health"]
        assert (report["step"], report["verdict"]) == (5, "ok") and report["diversity"] > 0.3
        assert report["diversity"] == round(context.health.seen["diversity"], 4)

    def test_images_that_are_all_alike_are_a_collapse(self, folder, tiny, watch):
        collapse(tiny)
        health, context = watch()
        health.on_chunk(chunk(5))
        assert context.health.verdict == "collapsed"
        assert context.health.reason == "generated images differ 0.00 times as much as real ones"
        assert folder.status()["health"]["diversity"] == 0

    def test_a_discriminator_that_has_won_is_seen_over_all_rows_since_the_last_look(self, watch):
        won = {"d_accuracy_real": 1.0, "d_accuracy_fake": 1.0, "d_loss": 1e-5}
        health, context = watch()
        health.on_chunk(chunk(4, count=4))  # still learning
        health.on_chunk(chunk(5, **won))
        assert context.health.verdict == "ok"
        health.on_chunk(chunk(10, count=5, **won))
        assert context.health.verdict == "not_converged"

    def test_both_signs_are_told_and_collapse_is_the_verdict(self, tiny, watch):
        collapse(tiny)
        health, context = watch()
        health.on_chunk(chunk(5, d_accuracy_real=1.0, d_accuracy_fake=1.0, d_loss=1e-5))
        assert context.health.verdict == "collapsed" and context.health.reason.endswith(
            "as real ones; the discriminator is right about every image and its loss is 0"
        )

    def test_a_run_may_recover(self, tiny, watch):
        good = tiny.weights("generator")
        collapse(tiny)
        health, context = watch()
        health.on_chunk(chunk(5))
        tiny.models.networks["generator"].model.set_weights(good)
        health.on_chunk(chunk(10))
        assert context.health.verdict == "ok"

    @pytest.mark.parametrize("count", [2, 10, 19])
    def test_data_of_a_few_images_are_looked_at_too(self, folder, tiny, watch, count):
        health, context = watch(images=REAL[:count])
        health.on_chunk(chunk(5))
        assert context.health.verdict == "ok"
        collapse(tiny)
        health.on_chunk(chunk(10))
        assert context.health.verdict == "collapsed" and folder.status()["health"]["diversity"] == 0

    @pytest.mark.parametrize(
        ("count", "drawn", "columns"), [(19, 128, ["diversity"]), (20, 20, ["diversity", "recall"])]
    )
    def test_recall_takes_twenty_real_images_and_as_many_generated_ones(self, watch, count, drawn, columns):
        health, context = watch(images=REAL[:count])
        health.on_chunk(chunk(5))
        shown = to_uint8(context.sampler_at(5).draw(drawn, "health"), "tanh")
        expected = {name: getattr(signs, name)(shown, health.real) for name in columns}
        assert context.health.seen == pytest.approx(expected)

    def test_it_looks_at_the_same_128_real_images_in_every_run(self, watch):
        images = np.repeat(REAL, 10, axis=0)
        order = generator_of(0, "health").permutation(240)
        np.testing.assert_array_equal(watch(images=images)[0].real, images[order[:128]])

    def test_one_image_cannot_be_judged_and_the_verdict_says_so(self, folder, tiny, watch):
        collapse(tiny)
        health, context = watch(images=REAL[:1])
        health.on_chunk(chunk(5))
        assert context.health.verdict == folder.status()["health"]["verdict"] == "not_judged"
        assert context.health.reason == "the training data have one image: nothing to compare"
        health.on_chunk(chunk(10, d_accuracy_real=0.0, d_accuracy_fake=0.0))  # losses are judged nevertheless
        assert context.health.verdict == "not_converged"

    @pytest.mark.parametrize("collapsing", [False, True])
    def test_before_enough_steps_the_verdict_is_too_early_and_tells_the_signs(self, folder, tiny, watch, collapsing):
        if collapsing:
            collapse(tiny)
        health, context = watch(every=2)
        health.on_chunk(chunk(4))
        signs = " (generated images differ 0.00 times as much as real ones)" if collapsing else ""
        assert (context.health.verdict, context.health.reason) == (
            "too_early",
            f"a verdict needs 5 steps; this is step 4{signs}",
        )
        assert folder.status()["health"]["verdict"] == "too_early"

    def test_divergence_is_told_at_any_step(self, watch):
        health, context = watch(every=2)
        health.on_chunk(chunk(1, d_loss=np.nan))
        assert context.health.verdict == "diverged"

    @pytest.mark.parametrize("kernel", [0.0, 1e4], ids=["all", "those of latents with a positive sum"])
    def test_images_that_are_not_finite_are_a_divergence_although_weights_and_losses_are(self, watch, kernel):
        layers = [{"Dense": {"units": 16, "activation": "exponential"}}, {"UnitNormalization": {}}, GENERATOR[1]]
        tiny = build(tiny_config(generator=layers, discriminator=DISCRIMINATOR), images=REAL)
        dense = tiny.models.networks["generator"].layers[0]
        # exp overflows, and infinity over infinity is no number
        dense.kernel.assign(np.full(dense.kernel.shape, kernel, np.float32))
        dense.bias.assign(np.full(16, 0.0 if kernel else 1e4, np.float32))
        health, context = watch(tiny=tiny)
        health.on_chunk(chunk(5))
        assert context.health.verdict == "diverged"
        assert context.health.reason == "generated images are not finite at step 5"

    def test_data_that_are_no_images_are_judged_by_their_losses_alone(self, folder, writer):
        points = np.random.default_rng(0).standard_normal((30, 2)).astype(np.float32)
        tiny = build(tiny_config(generator=[{"Dense": {"units": 2}}]), images=points)
        collapse(tiny)
        context = run_context(tiny, folder, writer)
        health = Health(context)
        health.on_chunk(chunk(10))
        assert context.health.verdict == "not_judged" and "diversity" not in folder.status()["health"]
        assert context.health.reason == "the training data are no images: nothing to compare"
        health.on_chunk(chunk(10, d_loss=np.nan))
        assert context.health.verdict == "diverged"

    def test_it_looks_every_few_steps_and_at_the_end(self, folder, watch):
        assert due(watch(every=4)[0], 10) == [4, 8, 10]
        watch()[0].on_chunk(chunk(4))
        assert folder.status() == {}


class TestWhatAProcessBeforeSaw:
    """A run that goes on knows what it knew at its checkpoint."""

    WON = MappingProxyType({"d_accuracy_real": 1.0, "d_accuracy_fake": 1.0, "d_loss": 1e-5})

    def test_its_verdict_holds_until_the_next_look(self, watch):
        context = watch(health=HealthReport("collapsed", "why"))[1]
        assert (context.health.verdict, context.health.reason) == ("collapsed", "why")

    def test_its_verdict_is_the_first_of_two_looks_that_agree(self, tiny, watch):
        collapse(tiny)
        for before, confirmed in (("collapsed", True), ("ok", False)):
            health, context = watch(health=HealthReport(before, sign=before))
            health.on_chunk(chunk(10))
            assert context.health.confirmed is confirmed

    def test_so_is_a_sign_that_came_too_early_for_a_verdict(self, tiny, watch):
        collapse(tiny)
        health, context = watch(health=HealthReport("too_early", "why", sign="collapsed"))
        health.on_chunk(chunk(10))
        assert (context.health.verdict, context.health.confirmed) == ("collapsed", True)

    @pytest.mark.parametrize(
        "facts", [{"verdict": "collapsed", "reason": "why"}, {"verdict": "too_early", "reason": None, "sign": "ok"}]
    )
    def test_a_report_comes_back_from_a_manifest(self, facts):
        report = HealthReport.of(facts)
        assert report.facts() == {"sign": facts["verdict"]} | facts and HealthReport.of(report.facts()) == report

    @pytest.mark.parametrize(
        "facts",
        [
            [],
            "ok",
            {"verdict": None},
            {"verdict": ["ok"]},
            {"verdict": "wonderful"},
            {"reason": 3},
            {"verdict": "ok", "sign": {}},
        ],
    )
    def test_facts_that_are_no_report_are_an_error(self, facts):
        with pytest.raises(ValueError, match=r"^no health report: verdict "):
            HealthReport.of(facts)

    def test_a_look_that_no_checkpoint_kept_is_not_one_of_two(self, folder, tiny, watch):
        collapse(tiny)
        watch()[0].on_chunk(chunk(5))  # and the process is killed: this step is trained again
        assert folder.status()["health"]["verdict"] == "collapsed"
        health, context = watch()
        health.on_chunk(chunk(5))
        assert context.health.verdict == "collapsed" and not context.health.confirmed

    def test_rows_since_its_last_look_are_looked_at_too(self, watch):
        health, context = watch(columns=COLUMNS)
        history = History(context)
        for part in (chunk(5, count=5, **self.WON), chunk(7, count=2)):
            health.on_chunk(part), history.on_chunk(part)
        resumed, context = watch(columns=COLUMNS)
        resumed.on_chunk(chunk(10, count=3, **self.WON))
        assert context.health.verdict == "ok"  # two of these five steps were still learning
        history.on_chunk(chunk(10, count=3, **self.WON))
        resumed, context = watch(columns=COLUMNS, total=20)
        resumed.on_chunk(chunk(15, count=5, **self.WON))
        assert context.health.verdict == "not_converged"

    def test_rows_before_its_last_look_are_not_looked_at_again(self, watch):
        health, context = watch(columns=COLUMNS)
        history = History(context)
        for part in (chunk(5, count=5), chunk(7, count=2, **self.WON)):
            health.on_chunk(part), history.on_chunk(part)
        resumed, context = watch(columns=COLUMNS)
        resumed.on_chunk(chunk(10, count=3, **self.WON))
        assert context.health.verdict == "not_converged"


class TestVerdict:
    def test_stopping_on_collapse_is_a_choice_and_takes_two_looks(self, folder, tiny, watch):
        collapse(tiny)
        health, context = watch(train={"stop_on": ["diverged", "collapsed"]})
        health.on_chunk(chunk(5)), Verdict(context).on_chunk(chunk(5))  # one look is no proof
        health.on_chunk(chunk(10))
        context.config = config_of()
        Verdict(context).on_chunk(chunk(10))
        context.config = config_of(train={"stop_on": ["collapsed"]})
        with pytest.raises(GanlabError) as caught:
            Verdict(context).on_chunk(chunk(10))
        expected = "stopped at step 10: collapsed: generated images differ 0.00 times as much as real ones"
        assert str(caught.value) == f"{folder.path}: {expected}"
