"""Seconds of a Frechet distance from means and covariances, ours against the usual one by scipy's matrix root, interleaved.

    python benchmarks/frechet_speed.py --dimensions 64 512 2048

The usual form is |m1 - m2|^2 + trace(S1) + trace(S2) - 2 trace(sqrtm(S1 S2)), as the FID programs have it. Both get the same
covariances of random features with a decaying spectrum; the medians over repeats are compared, and so are the values.
"""

import argparse
import statistics
import time

import numpy as np
import scipy.linalg

from ganlab.metrics.distances import frechet_distance, moments_of


def usual(mean1, covariance1, mean2, covariance2) -> float:
    root = scipy.linalg.sqrtm(covariance1 @ covariance2).real
    shift = mean1 - mean2
    return float(shift @ shift + np.trace(covariance1) + np.trace(covariance2) - 2 * np.trace(root))


def samples(dimensions: int):
    """Means and covariances of two samples of 5,000, or of twice as many rows as dimensions."""
    generator = np.random.default_rng(0)
    scales = 1 / np.sqrt(1 + np.arange(dimensions))
    mixing = np.linalg.qr(generator.standard_normal((dimensions, dimensions)))[0]
    for spread in (1.0, 1.1):
        features = generator.standard_normal((max(5000, 2 * dimensions), dimensions)) * scales * spread
        moments = moments_of(features @ mixing + 0.1 * spread)
        yield moments.mean
        yield moments.covariance


def compare(dimensions: int, repeats: int) -> str:
    arguments = list(samples(dimensions))
    sides = {"ours": frechet_distance, "usual": usual}
    times: dict[str, list[float]] = {side: [] for side in sides}
    values = {}
    for _ in range(repeats):
        for side, distance in sides.items():
            start = time.perf_counter()
            values[side] = distance(*arguments)
            times[side].append(time.perf_counter() - start)
    ours, usually = (statistics.median(times[side]) for side in sides)
    ratio = statistics.median(u / o for o, u in zip(times["ours"], times["usual"], strict=True))
    difference = abs(values["ours"] - values["usual"]) / values["usual"]
    return f"| {dimensions} | {ours:.3f} | {usually:.3f} | {ratio:.1f} | {difference:.1e} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dimensions", type=int, nargs="+", default=[64, 512, 2048])
    parser.add_argument("--repeats", type=int, default=5)
    arguments = parser.parse_args()
    print(
        "| dimensions | ours, s | by sqrtm, s | times faster | relative difference |\n|---|---|---|---|---|", flush=True
    )
    for dimensions in arguments.dimensions:
        print(compare(dimensions, arguments.repeats), flush=True)


if __name__ == "__main__":
    main()
