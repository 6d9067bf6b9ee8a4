"""Several expressions at once, in parts of the face, from -1 to 2: nothing tears, nothing jumps."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from livexpr import effect, face_mesh, folds, head_pose, pipeline, pixel_map, presets
from livexpr.effect import Effect
from livexpr.margins import LEAST_LID_OPENING
from livexpr.pixel_map import PixelMap
from livexpr.placement import Placement, place
from livexpr.presets import Feel, Preset
from livexpr.regions import landmark_amounts, region_fields
from livexpr.types import FaceTrack, Frame

REST = face_mesh.load().rest_cm
UPPER, LOWER = list(face_mesh.INNER_LIP_UPPER), list(face_mesh.INNER_LIP_LOWER)
FRAME_S = 1 / 30


def offsets_only(offset_cm: NDArray, like: PixelMap) -> PixelMap:
    """Return a map that moves the skin and shades nothing."""
    return replace(
        like,
        offset_cm=offset_cm.astype(np.float32),
        log_gain=np.zeros_like(like.log_gain),
        bias=np.zeros_like(like.bias),
        mouth=np.zeros_like(like.mouth),
        blendshapes={},
    )


def bumps(seed: int, like: PixelMap) -> PixelMap:
    """Return a smooth expression that nobody has: six places of the face pulled anyhow."""
    rng = np.random.default_rng(seed)
    offset = np.zeros((face_mesh.N_LANDMARKS, 3))
    for centre in REST[rng.integers(0, face_mesh.N_LANDMARKS, 6)]:
        distance = np.linalg.norm(REST - centre, axis=1)
        reach = rng.uniform(1.2, 2.5)
        offset += rng.normal(0, 0.35, 3) * np.exp(-((distance / reach) ** 2))[:, None]
    return offsets_only(offset, like)


def jaw_drop(like: PixelMap, drop_cm: float = 1.5) -> PixelMap:
    """Return the lower lip and the chin falling, the corners of the mouth less."""
    offset = np.zeros((face_mesh.N_LANDMARKS, 3))
    mouth_y = REST[UPPER, 1].min()
    below = REST[:, 1] < mouth_y - 0.4
    below[LOWER[1:-1]] = True
    offset[below, 1] = -drop_cm * np.exp(-((REST[below, 0] / 3) ** 2))
    return offsets_only(offset, like)


@pytest.fixture(scope="module")
def happy() -> PixelMap:
    return pixel_map.load(presets.map_path("happy"))


def facing_areas(track: FaceTrack, result: Placement) -> tuple[NDArray, NDArray]:
    """Return areas of the target's and the live triangles that face the camera."""
    live = result.values[:, :2]
    scale = head_pose.scale_px_per_cm(track.frame_from_head)
    facing = folds.facing(live, scale) == 1
    return folds.doubled_areas(result.target_px)[facing], folds.doubled_areas(live)[facing]


@given(
    seeds=st.lists(st.integers(0, 40), min_size=0, max_size=3),
    amounts=st.tuples(*[st.floats(-1, 2)] * 4),
    weights=st.tuples(*[st.floats(0, 2)] * 4),
    yaw_rad=st.floats(-0.6, 0.6),
    pitch_rad=st.floats(-0.35, 0.35),
    mouth_cm=st.floats(0, 2),
)
def test_any_mix_of_up_to_four_maps_keeps_the_face_whole(
    synthetic_face, happy, seeds, amounts, weights, yaw_rad, pitch_rad, mouth_cm
) -> None:
    track = synthetic_face.track(
        px_per_cm=15, yaw_rad=yaw_rad, pitch_rad=pitch_rad, mouth_cm=mouth_cm
    )
    maps = [happy, *(bumps(seed, happy) for seed in seeds)]
    mix = pixel_map.mix(maps, amounts[: len(maps)])
    result = place(track, mix, landmark_amounts(1.0, weights))
    assert np.isfinite(result.target_px).all()
    assert np.isfinite(result.values).all()
    target, _ = facing_areas(track, result)
    assert (target > 0).all(), "folded"
    down = -track.frame_from_head[:2, 1] / np.linalg.norm(track.frame_from_head[:2, 1])
    live = track.landmarks_px[:, :2]
    lips = (result.target_px[LOWER] - result.target_px[UPPER]) @ down
    assert (lips >= -0.01).all()
    lids = [list(ring) for ring in (face_mesh.UPPER_LIDS, face_mesh.LOWER_LIDS)]
    opening, opening_live = ((p[lids[1]] - p[lids[0]]) @ down for p in (result.target_px, live))
    assert (opening >= LEAST_LID_OPENING * opening_live - 0.05).all()


@pytest.mark.parametrize("amount", [-1.0, 1.0, 2.0])
@pytest.mark.parametrize("yaw_rad", [0.0, 0.5])
def test_a_dropped_jaw_and_a_smile_fold_nothing(synthetic_face, happy, amount, yaw_rad) -> None:
    track = synthetic_face.track(px_per_cm=20, yaw_rad=yaw_rad)
    mix = pixel_map.mix([jaw_drop(happy), happy], [amount, amount])
    target, live = facing_areas(track, place(track, mix, landmark_amounts(1.0, (1, 1, 1, 1))))
    assert (target > 0.02 * live).all()


def test_an_open_mouth_is_not_closed_by_an_expression_that_opens_it(synthetic_face, happy) -> None:
    """However far the jaw of the expression drops, the target opens on with the live mouth."""
    gaps = []
    for mouth_cm in np.linspace(0, 3, 61):
        track = synthetic_face.track(px_per_cm=10, mouth_cm=float(mouth_cm))
        result = place(track, jaw_drop(happy), landmark_amounts(1.0, (1, 1, 1, 1)))
        gaps.append(result.target_px[14, 1] - result.target_px[13, 1])
    assert (np.diff(gaps) >= -0.05).all()
    assert gaps[0] > 10


def test_a_shut_jaw_does_not_rise(synthetic_face, happy) -> None:
    track = synthetic_face.track(px_per_cm=20)
    live = track.landmarks_px[:, :2]
    result = place(track, jaw_drop(happy), landmark_amounts(-1.0, (1, 1, 1, 1)))
    chin, gap = 152, float(live[14, 1] - live[13, 1])
    assert live[chin, 1] - result.target_px[chin, 1] <= gap + 2


def test_borders_of_regions_are_soft() -> None:
    """From one landmark to the next a weight changes by no more than the way between them."""
    triangles = face_mesh.load().triangles
    triangles = triangles[(triangles < face_mesh.N_LANDMARKS).all(axis=1)]
    fields = region_fields()
    for one, other in ((0, 1), (1, 2), (2, 0)):
        a, b = triangles[:, one], triangles[:, other]
        way = np.linalg.norm(REST[a] - REST[b], axis=1)[:, None]
        assert (np.abs(fields[a] - fields[b]) <= 0.75 * way + 0.01).all()


def test_the_mouth_picture_keeps_its_size_beside_maps_that_leave_the_mouth_alone(happy) -> None:
    """Half a smile under raised brows shows as much of the teeth as half a smile does."""
    brows = np.zeros((face_mesh.N_LANDMARKS, 3))
    brows[REST[:, 1] > 4, 1] = 0.5
    mix = pixel_map.mix([happy, offsets_only(brows, happy)], [0.5, 1.0])
    np.testing.assert_allclose(mix.mouth, happy.mouth, atol=1e-6)
    np.testing.assert_allclose(mix.lips_of_mouth_cm(), happy.lips_of_mouth_cm(), atol=1e-6)


def test_the_mouth_picture_fades_where_another_map_closes_the_mouth(happy) -> None:
    closing = offsets_only(-happy.offset_cm, happy)
    shown = [
        float(pixel_map.mix([happy, closing], [1.0, against]).mouth[..., 3].max())
        for against in np.linspace(0, 1.2, 61)
    ]
    assert shown[0] == pytest.approx(happy.mouth[..., 3].max())
    assert shown[-1] == 0
    assert np.abs(np.diff(shown)).max() < 0.06


def test_a_preset_that_reverses_another_takes_over_without_a_jump(synthetic_face, happy) -> None:
    """The sign of the larger amount turns over on the way; the picture does not."""
    track = synthetic_face.track(px_per_cm=10, mouth_cm=0.2)
    picture = synthetic_face.draw(track)
    feel = Feel(easing_s=1.0)
    other = replace(happy, mouth=happy.mouth[::-1].copy(), offset_cm=happy.offset_cm * 0.8)
    smile = Effect(Preset("smile", {"smile": 1.0}, feel=feel), {"smile": happy}, 1.0)
    reverse = Effect(Preset("other", {"other": -1.0}, feel=feel), {"other": other}, 1.0)
    state, frames = effect.settled_state(smile), []
    for k in range(60):
        wanted = smile if k < 2 else reverse
        result = pipeline.process(Frame(picture, k, k * FRAME_S), track, wanted, state)
        state = result.state
        frames.append(result.frame.pixels.astype(np.int16))
    changes = [float(np.abs(a - b).mean()) for a, b in pairwise(frames)]
    whole = float(np.abs(frames[1] - frames[-1]).mean())
    # By easing alone, the first step is the largest: a tenth of the way.
    assert max(changes[2:]) < 0.16 * whole
    assert result.strength < -0.9
