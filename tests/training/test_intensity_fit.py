"""The paper's methods: against scikit-learn, from parts as from the whole, on made-up pairs."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from kernels.moments import MOMENTS, accumulate
from livexpr import maps
from livexpr.blendshapes import BLENDSHAPE_NAMES
from livexpr.errors import LivexprError
from livexpr.intensity_map import gaussian_kernel, inducing_intensities, predict
from livexpr.training.intensity_fit import KERNEL_WIDTH, N_INDUCING, PENALTY, IntensityMethod
from livexpr.training.kernel_regression import KernelMoments, exact_prediction
from livexpr.training.located import locate
from livexpr.training.moments_accumulator import Moments
from livexpr.training.pair_observations import PairObservation
from livexpr.training.regression import ridge

sklearn_linear = pytest.importorskip("sklearn.linear_model", reason="an oracle: extra `test`")
sklearn_kernel = pytest.importorskip("sklearn.kernel_ridge", reason="an oracle: extra `test`")

SIDE, PEOPLE = 8, 30
Pictures = tuple[NDArray[np.float32], NDArray[np.float32]]


def pictures(seed: int, n: int = PEOPLE, side: int = SIDE) -> Pictures:
    """Return n pairs (x, y), (n, side, side, 3) in [0, 1]: a bent function of x, and noise."""
    rng = np.random.default_rng(seed)
    low = rng.uniform(0, 0.7, (side, side, 3))
    x = rng.uniform(low, low + rng.uniform(0.01, 0.3, low.shape), (n, *low.shape))
    y = (0.2 + 0.6 * x**2 + rng.normal(0, 0.03, x.shape)).clip(0, 1)
    return x.astype(np.float32), y.astype(np.float32)


def moments_of(x: NDArray[np.float32], y: NDArray[np.float32]) -> NDArray[np.float64]:
    sums = np.zeros((len(MOMENTS), *x.shape[1:]))
    for one, other in zip(x, y, strict=True):
        accumulate(sums, one, other, np.ones(one.shape[:2], np.float32))
    return sums


def observations(seed: int = 0, n: int = PEOPLE, side: int = SIDE) -> list[PairObservation]:
    x, y = ((255 * p).round().astype(np.uint8) for p in pictures(seed, n, side))
    nothing = np.zeros((2, 2, 3), np.uint8)
    raised = np.zeros(52, np.float32)
    raised[BLENDSHAPE_NAMES.index("jawOpen")] = 0.4
    raised[BLENDSHAPE_NAMES.index("browInnerUp")] = 0.01
    return [
        PairObservation(
            person=str(k),
            offset_cm=np.zeros((468, 3), np.float32),
            neutral=nothing,
            expressive=nothing,
            mouth=nothing,
            mouth_opening_cm=0.0,
            skin_luma=100.0,
            blendshapes=raised,
            canvases={"crop": (x[k], y[k]), "mesh": (x[k], y[k])},
        )
        for k in range(n)
    ]


class TestRidge:
    def test_it_is_scikit_learns_ridge_of_intensity_and_one(self) -> None:
        """Whose own intercept would go unpunished, unlike the paper's."""
        x, y = pictures(1)
        gain, bias = ridge(moments_of(x, y), PENALTY)
        for row, column, c in np.ndindex(SIDE, SIDE, 3):
            seen = x[:, row, column, c].astype(np.float64)
            oracle = sklearn_linear.Ridge(alpha=PENALTY, fit_intercept=False, solver="cholesky")
            oracle.fit(np.stack([seen, np.ones_like(seen)], axis=1), y[:, row, column, c])
            np.testing.assert_allclose(
                [gain[row, column, c], bias[row, column, c]], oracle.coef_, rtol=1e-8
            )

    def test_shared_channels_are_one_regression_of_all_three(self) -> None:
        pairs = observations()
        fitted = IntensityMethod("ridge", shared_channels=True).fit(pairs)
        x, y = (
            np.stack([o.canvases["crop"][k] for o in pairs])[:, 3, 5].ravel() / 255 for k in (0, 1)
        )
        oracle = sklearn_linear.Ridge(alpha=PENALTY, fit_intercept=False)
        oracle.fit(np.stack([x, np.ones_like(x)], axis=1), y)
        found = [fitted.arrays[name][3, 5, 0] for name in ("gain", "bias")]
        np.testing.assert_allclose(found, oracle.coef_, rtol=1e-5)

    def test_a_pixel_that_is_always_black_stays_black(self) -> None:
        nothing = np.zeros((5, 2, 2, 3), np.float32)
        gain, bias = ridge(moments_of(nothing, nothing), PENALTY)
        assert not gain.any()
        assert not bias.any()


class TestKernelRidge:
    @pytest.mark.parametrize("width", [0.1, 0.4])
    def test_the_exact_form_is_scikit_learns_kernel_ridge(self, width: float) -> None:
        x, y = pictures(2)
        at = np.random.default_rng(3).uniform(0, 1, (7, SIDE, SIDE, 3))
        predicted = exact_prediction(x, y, at, PENALTY, width)
        for row, column, c in np.ndindex(SIDE, SIDE, 3):
            oracle = sklearn_kernel.KernelRidge(
                alpha=PENALTY, kernel="rbf", gamma=1 / (2 * width**2)
            )
            pixel = np.s_[:, row, column, c]
            oracle.fit(x[pixel].astype(np.float64)[:, None], y[pixel])
            np.testing.assert_allclose(
                predicted[pixel], oracle.predict(at[pixel][:, None]), rtol=1e-8
            )

    def test_few_inducing_intensities_come_near_the_exact_form(self) -> None:
        x, y = pictures(4)
        exact = exact_prediction(x, y, x, PENALTY, KERNEL_WIDTH)
        shape = x.shape[1:]
        errors = []
        for n_inducing in (3, N_INDUCING, 6):
            moments = KernelMoments.of(
                zip(x, y, strict=True), (shape[0], shape[1], 3), n_inducing, KERNEL_WIDTH
            )
            curve = moments.curve(PENALTY)
            inducing = inducing_intensities(n_inducing)
            among = gaussian_kernel(inducing, inducing, KERNEL_WIDTH)
            weights = gaussian_kernel(x, inducing, KERNEL_WIDTH) @ np.linalg.inv(among)
            induced = np.einsum("n...k,k...->n...", weights, curve)
            errors.append(float(np.abs(induced - exact).mean()))
        assert errors[0] > errors[1] > errors[2]
        assert errors[1] < 0.5 / 255
        assert errors[2] < 0.02 / 255

    def test_where_people_are_the_inducing_intensities_it_is_exact(self) -> None:
        people = inducing_intensities(5)[:, None, None, None] * np.ones((1, 2, 2, 3))
        y = np.random.default_rng(0).uniform(0, 1, people.shape)
        moments = KernelMoments.of(
            zip(people.astype(np.float32), y.astype(np.float32), strict=True), (2, 2, 3), 5, 0.3
        )
        exact = exact_prediction(people, y, people, PENALTY, 0.3)
        np.testing.assert_allclose(moments.curve(PENALTY), exact, atol=1e-6)

    @given(cut=st.integers(0, PEOPLE), seed=st.integers(0, 5))
    def test_moments_of_parts_are_those_of_the_whole(self, cut: int, seed: int) -> None:
        pairs = list(zip(*pictures(seed), strict=True))
        whole, first, rest = (
            KernelMoments.of(part, (SIDE, SIDE, 3), 4, 0.4)
            for part in (pairs, pairs[:cut], pairs[cut:])
        )
        merged = first.merge(rest)
        np.testing.assert_allclose(merged.features, whole.features, rtol=1e-12, atol=1e-12)
        np.testing.assert_allclose(merged.targets, whole.targets, rtol=1e-12, atol=1e-12)
        ones = np.ones((SIDE, SIDE), np.float32)
        linear = [
            Moments.of(((x, y, ones) for x, y in part), (SIDE, SIDE, 3))
            for part in (pairs, pairs[:cut], pairs[cut:])
        ]
        for merged_map, whole_map in zip(
            ridge(linear[1].merge(linear[2]).sums, PENALTY),
            ridge(linear[0].sums, PENALTY),
            strict=True,
        ):
            np.testing.assert_allclose(merged_map, whole_map, rtol=1e-9, atol=1e-12)

    def test_moments_of_another_kernel_are_not_merged(self) -> None:
        one = KernelMoments.of([], (2, 2, 3), 4, 0.4)
        for other in (
            KernelMoments.of([], (2, 2, 3), 4, 0.5),
            KernelMoments.of([], (2, 2, 3), 5, 0.4),
        ):
            with pytest.raises(ValueError, match="another kernel"):
                one.merge(other)


class TestLocate:
    def test_a_moved_picture_is_found_where_it_came_from(self, rng) -> None:
        x = rng.uniform(0, 1, (40, 24, 24, 3)).astype(np.float32)
        y = np.roll(x, (2, -3), (1, 2))  # what is at (i, j) was at (i - 2, j + 3)
        shift = locate(x, 0.5 * y + 0.2, reach=5, locality=0.02)
        assert (shift[5:-5, 5:-5] == (-2, 3)).all()

    def test_every_choice_is_the_best_of_all_in_reach(self, rng) -> None:
        """By brute force, with NumPy's correlation coefficient of each pair of pixels."""
        x, y = (rng.uniform(0, 1, (12, 9, 9, 1)).astype(np.float32) for _ in range(2))
        shift = locate(x, y, reach=3, locality=0.1)
        steps = [(i, j) for i in range(-3, 4) for j in range(-3, 4) if i * i + j * j <= 9]
        near = [(i, j) for i in (-1, 0, 1) for j in (-1, 0, 1)]
        for row, column in np.ndindex(9, 9):
            scores = {
                (i, j): abs(np.corrcoef(x[:, row + i, column + j, 0], y[:, row, column, 0])[0, 1])
                + 0.1 / np.mean([np.hypot(i - a, j - b) for a, b in near])
                for i, j in steps
                if 0 <= row + i < 9 and 0 <= column + j < 9
            }
            chosen = scores[tuple(shift[row, column].tolist())]
            assert chosen == pytest.approx(max(scores.values()), abs=1e-5)

    def test_what_does_not_differ_between_people_stays(self) -> None:
        same = np.full((5, 10, 10, 3), 0.5, np.float32)
        assert not locate(same, same, reach=4, locality=0.02).any()

    @given(locality=st.floats(0, 1), seed=st.integers(0, 3))
    def test_it_never_looks_out_of_the_picture_or_beyond_its_reach(self, locality, seed) -> None:
        x, y = pictures(seed, 6, 8)
        shift = locate(x, y, reach=6, locality=locality).astype(int)
        looked_at = np.indices((8, 8)) + np.moveaxis(shift, -1, 0)
        assert looked_at.min() >= 0
        assert looked_at.max() < 8
        assert (shift**2).sum(axis=-1).max() <= 36


@pytest.mark.parametrize("kind", ["ridge", "kernel", "located"])
@pytest.mark.parametrize("align", ["crop", "mesh"])
@pytest.mark.parametrize("shared", [False, True])
def test_every_method_learns_what_the_pairs_have_in_common(kind, align, shared, tmp_path) -> None:
    pairs = observations(5, 40)
    fitted = IntensityMethod(kind, align, shared).fit(pairs[:30], {"expression": "made up"})
    assert (fitted.kind, fitted.align, fitted.size) == (kind, align, SIDE)
    everywhere = np.ones((SIDE, SIDE), np.bool_)
    errors = []
    maps.save(fitted, tmp_path / "a")
    loaded = maps.load(tmp_path / "a")
    for o in pairs[30:]:
        x, y = o.canvases[align]
        made = predict(loaded, x, everywhere)
        errors.append([np.abs(made - y / 255.0).mean(), np.abs(x / 255.0 - y / 255.0).mean()])
    made_error, unchanged_error = np.mean(errors, axis=0)
    assert made_error < 0.6 * unchanged_error
    assert fitted.blendshapes == {"jawOpen": 0.4}
    assert {"method", "livexpr", "size", "pairs", "expression"} <= fitted.metadata.keys()


def test_min_max_is_kept_in_the_map() -> None:
    fitted = IntensityMethod("ridge", min_max=True).fit(observations())
    assert fitted.min_max
    stretched = predict(fitted, np.full((SIDE, SIDE, 3), 90, np.uint8), np.ones((SIDE, SIDE), bool))
    assert stretched.min() == 0
    assert stretched.max() == pytest.approx(1)


def test_without_pairs_there_is_no_map() -> None:
    with pytest.raises(LivexprError, match="no usable pair"):
        IntensityMethod("ridge").fit([])
