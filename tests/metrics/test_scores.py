"""Inception Score, precision, recall, density and coverage against cases whose value is known."""

import numpy as np
import pytest

from ganlab.metrics.scores import density_coverage, inception_score, nearest, precision_recall, share_of_copies


def test_predictions_that_are_all_the_same_score_one():
    assert inception_score(np.full((100, 10), 0.1)) == (pytest.approx(1), pytest.approx(0))
    assert inception_score(np.eye(10)[np.zeros(100, int)]) == (pytest.approx(1), pytest.approx(0))


@pytest.mark.parametrize("classes", [2, 10, 1008])
def test_certain_predictions_over_balanced_classes_score_their_number(classes):
    predictions = np.tile(np.eye(classes), (10, 1))
    assert inception_score(predictions) == (pytest.approx(classes), pytest.approx(0, abs=1e-9))


@pytest.mark.parametrize(("splits", "score"), [(1, 4), (4, 1)])
def test_one_split_is_the_whole_sample_and_a_split_of_one_row_scores_one(splits, score):
    assert inception_score(np.eye(4), splits) == (pytest.approx(score), pytest.approx(0))


def test_rows_may_miss_one_by_a_thousandth():
    inception_score(np.full((20, 2), 1.0009 / 2))
    with pytest.raises(ValueError, match="sum to 1"):
        inception_score(np.full((20, 2), 1.0015 / 2))


def test_the_deviation_over_splits_has_no_degree_of_freedom_taken_off():
    predictions = np.concatenate([np.eye(2)[np.zeros(50, int)], np.tile(np.eye(2), (25, 1))])
    assert inception_score(predictions, splits=2) == (pytest.approx(1.5), pytest.approx(0.5))


def test_sizes_that_the_splits_do_not_divide_use_every_row():
    predictions = np.random.default_rng(0).dirichlet(np.ones(5), size=23)
    sizes = [5, 5, 5, 4, 4]
    scores = []
    for part in np.split(predictions, np.cumsum(sizes)[:-1]):
        divergences = np.sum(part * np.log(part / part.mean(axis=0)), axis=1)
        scores.append(np.exp(divergences.mean()))
    assert inception_score(predictions, splits=5) == (
        pytest.approx(np.mean(scores), rel=1e-12),
        pytest.approx(np.std(scores), rel=1e-10),
    )


@pytest.mark.parametrize(
    ("predictions", "message"),
    [
        (np.full((5, 2), 0.5), "splits"),
        (np.full(20, 0.5), "splits"),
        (np.full((20, 3), 0.5), "sum to 1"),
        (np.full((20, 2), np.nan), "sum to 1"),
        (np.concatenate([np.full((19, 2), 0.5), np.full((1, 2), 0.4)]), "sum to 1"),
        (np.tile([1.5, -0.5], (20, 1)), "sum to 1"),
    ],
)
def test_what_is_no_prediction_is_refused(predictions, message):
    with pytest.raises(ValueError, match=message):
        inception_score(predictions)


def brute_force(real, fake, precision_recall_k=3, density_coverage_k=5):
    """The four definitions word by word, by exact differences."""

    def distances(left, right):
        return np.linalg.norm(left[:, None].astype(np.float64) - right[None], axis=2)

    def radii(points, k):
        return np.sort(distances(points, points), axis=1)[:, k]

    between = distances(real, fake)
    small, large = radii(real, precision_recall_k), radii(real, density_coverage_k)
    return (
        (between <= small[:, None]).any(axis=0).mean(),
        (between <= radii(fake, precision_recall_k)[None]).any(axis=1).mean(),
        (between < large[:, None]).sum() / (density_coverage_k * len(fake)),
        (between < large[:, None]).any(axis=1).mean(),
    )


@pytest.mark.parametrize("block", [2**23, 150])
@pytest.mark.parametrize("offset", [0, 1000])
def test_neighbour_scores_are_their_definitions_in_any_block_size(monkeypatch, block, offset):
    monkeypatch.setattr("ganlab.metrics.scores._BLOCK_ELEMENTS", block)
    generator = np.random.default_rng(1)
    real = (generator.normal(size=(120, 4)) + offset).astype(np.float32)
    fake = (generator.normal(0.5, 0.8, size=(90, 4)) + offset).astype(np.float32)
    scores = precision_recall(real, fake) + density_coverage(real, fake)
    assert scores == pytest.approx(brute_force(real, fake))
    assert all(0 < score < 2 for score in scores)


def test_a_perfect_copy_has_full_precision_recall_and_coverage():
    real = np.random.default_rng(2).normal(size=(200, 16)).astype(np.float32)
    copy = np.random.default_rng(3).permutation(real)
    density, coverage = density_coverage(real, copy)
    assert precision_recall(real, copy) == (1, 1)
    assert coverage == 1
    assert density == pytest.approx(brute_force(real, copy)[2])


def test_disjoint_samples_score_zero():
    generator = np.random.default_rng(4)
    real, fake = generator.normal(size=(2, 100, 8))
    assert precision_recall(real, fake + 100) == (0, 0)
    assert density_coverage(real, fake + 100) == (0, 0)


def test_collapse_onto_one_real_image_has_precision_but_hardly_recall():
    real = np.random.default_rng(5).normal(size=(300, 8)).astype(np.float32)
    fake = np.repeat(real[:1], 300, axis=0)
    precision, recall = precision_recall(real, fake)
    assert precision == 1
    assert recall == 1 / 300
    assert density_coverage(real, fake)[1] < 0.1


def test_losing_half_of_the_modes_halves_the_recall():
    generator = np.random.default_rng(6)
    real = np.concatenate([generator.normal(size=(200, 4)), generator.normal(50, 1, size=(200, 4))])
    precision, recall = precision_recall(real, generator.normal(size=(400, 4)))
    assert precision > 0.9
    assert 0.4 < recall <= 0.5


@pytest.mark.parametrize("value", [0.0, 0.1, 12345.678])
def test_samples_that_are_one_and_the_same_point_lie_in_each_others_balls(value):
    points = np.full((20, 32), value, np.float32)
    assert precision_recall(points, points[:10]) == (1, 1)
    assert density_coverage(points, points[:10]) == (0, 0)  # whose balls have no border, here no inside either


def test_a_point_on_a_border_counts_for_precision_and_not_for_density():
    real, fake = np.arange(8.0)[:, None], np.full((4, 1), 8.0)  # the ball of 7 reaches to 8 with k = 1
    fake[1:, 0] = 100, 200, 300
    assert precision_recall(real, fake, k=1)[0] == 0.25
    assert density_coverage(real, fake, k=1) == (0, 0)
    fake[0] = 7.5
    assert density_coverage(real, fake, k=1) == (0.25, 1 / 8)


class TestCopies:
    TRAIN = np.arange(100.0)[:, None] * 10
    HELD_OUT = TRAIN[:, :] + np.linspace(1, 4, 100)[:, None]  # at distances of 1 to 4

    @pytest.mark.parametrize(("shift", "share"), [(0.0, 1.0), (0.9, 1.0), (2.5, 0.0), (4.9, 0.0)])
    def test_are_nearer_to_a_training_point_than_nearly_all_held_out_points(self, shift, share):
        found, threshold = share_of_copies(self.TRAIN, self.HELD_OUT, self.TRAIN[:37] + shift)
        assert found == share and 1 <= threshold < 1.1

    def test_at_the_threshold_are_none(self):
        found = share_of_copies(self.TRAIN, self.TRAIN[:50] + 2, self.TRAIN[:37] - 2)
        assert found == (0, pytest.approx(2))

    def test_among_held_out_points_have_the_share_of_the_quantile(self):
        generator = np.random.default_rng(0)
        train, held_out, fake = (generator.normal(size=(5000, 3)) for _ in range(3))
        assert share_of_copies(train, held_out, fake, 0.1)[0] == pytest.approx(0.1, abs=0.02)
        assert share_of_copies(train, held_out, held_out)[0] == pytest.approx(0.01, abs=1e-3)

    def test_are_counted_in_any_block_size(self, monkeypatch):
        generator = np.random.default_rng(0)
        samples = [generator.normal(size=(count, 3)).astype(np.float32) for count in (80, 70, 60)]
        expected = share_of_copies(*samples, 0.3)
        monkeypatch.setattr("ganlab.metrics.scores._BLOCK_ELEMENTS", 150)
        assert share_of_copies(*samples, 0.3) == pytest.approx(expected)


@pytest.mark.parametrize("count", [1, 3])
def test_the_nearest_of_few_points(count):
    rows, squared = nearest(np.array([[2.0, 0.0]]), np.array([[0.0, 1.0], [9.0, 9.0], [-7.0, 9.0]])[:count])
    assert (rows, squared) == (0, pytest.approx(5))


def test_points_next_to_a_repeated_point_are_not_taken_for_it():
    real = np.zeros((20, 8), np.float32)
    real[10:] = np.random.default_rng(7).normal(size=(10, 8)) * 100
    near = np.full((10, 8), 1e-3, np.float32)
    assert precision_recall(real[:10], near) == (0, 0)


@pytest.mark.parametrize(("square", "is_same"), [(0.5e-13, True), (2.5e-13, False)])
def test_points_are_one_up_to_a_ten_trillionth_of_their_squares(square, is_same):
    """Squared distances are differences of squares, of which rounding leaves about that much."""
    real = np.repeat([[1.0], [-1.0]], 10, axis=0)  # balls of radius 0 around two points, with their mean at 0
    near = real + real * np.sqrt(2 * square)  # |x|^2 + |y|^2 is 2
    assert precision_recall(real, near) == ((1, 1) if is_same else (0, 0))


@pytest.mark.parametrize("score", [precision_recall, density_coverage])
@pytest.mark.parametrize(
    ("real", "fake", "message"),
    [
        (np.zeros((20, 3)), np.zeros((20, 4)), "received"),
        (np.zeros((20, 3)), np.zeros((3, 3)), "at least"),
        (np.zeros((20, 3)), np.full((20, 3), np.inf), "finite"),
    ],
)
def test_what_is_no_pair_of_samples_is_refused(score, real, fake, message):
    with pytest.raises(ValueError, match=message):
        score(real, fake)
