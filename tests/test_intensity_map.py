"""Intensity maps: what they make of a canvas, files that come back as they went, refusals."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from safetensors.numpy import save as to_bytes

from livexpr import intensity_file, map_file, maps, pixel_map, presets
from livexpr.errors import FormatError, LivexprError
from livexpr.intensity_map import IntensityMap, Kind, inducing_intensities, predict

SIZE = 16
EVERYWHERE = np.ones((SIZE, SIZE), np.bool_)
KINDS: tuple[Kind, ...] = ("ridge", "located", "kernel")


def drawn_map(kind: Kind = "ridge", seed: int = 0, *, channels: int = 3) -> IntensityMap:
    rng = np.random.default_rng(seed)
    shape = (SIZE, SIZE, channels)
    values = {
        "gain": rng.uniform(0.2, 1.1, shape).astype(np.float32),
        "bias": rng.uniform(-0.1, 0.3, shape).astype(np.float32),
        "shift": rng.integers(-8, 9, (SIZE, SIZE, 2)).astype(np.int8),
        "curve": rng.uniform(0, 1, (4, *shape)).astype(np.float32),
    }
    names = {"ridge": ("gain", "bias"), "located": ("gain", "bias", "shift"), "kernel": ("curve",)}
    return IntensityMap(
        align="mesh" if kind == "kernel" else "crop",
        kind=kind,
        arrays={name: values[name] for name in names[kind]},
        min_max=kind == "located",
        kernel_width=0.4 if kind == "kernel" else 0.0,
        blendshapes={"jawOpen": -0.1, "mouthSmileLeft": 0.75},
        metadata={"method": "drawn by a test", "people": "3"},
    )


def canvas(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (SIZE, SIZE, 3)).astype(np.uint8)


class TestPredict:
    def test_ridge_is_gain_and_bias_clipped(self) -> None:
        one = drawn_map()
        expected = one.arrays["gain"] * (canvas() / 255) + one.arrays["bias"]
        np.testing.assert_allclose(
            predict(one, canvas(), EVERYWHERE), expected.clip(0, 1), atol=1e-6
        )

    def test_gain_one_and_bias_zero_change_nothing(self) -> None:
        ones = np.ones((SIZE, SIZE, 1), np.float32)
        same = replace(drawn_map(), arrays={"gain": ones, "bias": ones * 0})
        np.testing.assert_allclose(predict(same, canvas(), EVERYWHERE), canvas() / 255, atol=1e-6)

    def test_located_looks_where_it_says(self) -> None:
        shift = np.zeros((SIZE, SIZE, 2), np.int8)
        shift[5, 7] = (2, -3)
        shift[0, 0] = (-4, -4)  # out of the canvas: its nearest pixel
        ones = np.ones((SIZE, SIZE, 3), np.float32)
        looking = replace(
            drawn_map("located"),
            arrays={"gain": ones, "bias": ones * 0, "shift": shift},
            min_max=False,
        )
        seen = np.round(predict(looking, canvas(), EVERYWHERE) * 255).astype(np.uint8)
        expected = canvas().copy()
        expected[5, 7] = canvas()[7, 4]
        np.testing.assert_array_equal(seen, expected)

    def test_a_curve_goes_through_its_values(self) -> None:
        one = drawn_map("kernel")
        for k, intensity in enumerate(inducing_intensities(4)):
            grey = np.full((SIZE, SIZE, 3), round(255 * intensity), np.uint8)
            expected = one.arrays["curve"][k].clip(0, 1)
            np.testing.assert_allclose(predict(one, grey, EVERYWHERE), expected, atol=1e-4)

    def test_min_max_stretches_what_is_inside(self) -> None:
        inside = EVERYWHERE.copy()
        inside[:4] = False
        one = replace(drawn_map(), min_max=True)
        stretched = predict(one, canvas(), inside)
        assert stretched[inside].min() == 0
        assert stretched[inside].max() == pytest.approx(1)
        assert (stretched >= 0).all()
        assert (stretched <= 1).all()

    @given(
        kind=st.sampled_from(KINDS),
        channels=st.sampled_from([1, 3]),
        picture=arrays.arrays(np.uint8, (SIZE, SIZE, 3)),
    )
    def test_what_comes_out_is_an_intensity(self, kind, channels, picture) -> None:
        made = predict(drawn_map(kind, channels=channels), picture, EVERYWHERE)
        assert made.dtype == np.float32
        assert made.shape == picture.shape
        assert 0 <= made.min() <= made.max() <= 1


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("channels", [1, 3])
def test_a_map_comes_back_within_its_quantisation(tmp_path: Path, kind, channels) -> None:
    before = drawn_map(kind, channels=channels)
    maps.save(before, tmp_path / "a.safetensors")
    after = maps.load(tmp_path / "a.safetensors")
    assert isinstance(after, IntensityMap)
    for name, array in before.arrays.items():
        step = 0 if name == "shift" else np.ptp(array) / 255
        np.testing.assert_allclose(after.arrays[name], array, atol=0.51 * step)
    for name in ("align", "kind", "min_max", "kernel_width", "blendshapes", "size"):
        assert getattr(after, name) == getattr(before, name)
    assert after.n_parameters == sum(array.size for array in before.arrays.values())
    assert after.metadata.items() >= before.metadata.items()


def test_the_same_map_gives_the_same_bytes(tmp_path: Path) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    intensity_file.save(drawn_map("located"), one)
    backwards = drawn_map("located")
    backwards = replace(
        backwards,
        arrays=dict(reversed(backwards.arrays.items())),
        metadata=dict(reversed(backwards.metadata.items())),
    )
    intensity_file.save(backwards, other)
    assert one.read_bytes() == other.read_bytes()


def test_a_file_is_of_the_kind_that_it_is(tmp_path: Path) -> None:
    assert isinstance(maps.load(presets.map_path("happy")), pixel_map.PixelMap)
    intensity_file.save(drawn_map(), tmp_path / "a")
    with pytest.raises(FormatError, match="not a pixel map"):
        pixel_map.load(tmp_path / "a")
    with pytest.raises(FormatError, match="'align' must be crop or mesh, is missing"):
        intensity_file.load(presets.map_path("happy"))


METADATA = {"format": "1", "kind": "ridge", "align": "crop", "output": "clip"}


def content(kind: Kind = "ridge") -> dict[str, np.ndarray]:
    return dict(drawn_map(kind).arrays)


def write(path: Path, tensors: dict, metadata: dict | None = None) -> Path:
    kept = {name: tensor for name, tensor in tensors.items() if tensor is not None}
    path.write_bytes(to_bytes(kept, {**METADATA, **(metadata or {})}))
    return path


def refusal(path: Path) -> str:
    with pytest.raises(FormatError) as caught:
        maps.load(path)
    message = str(caught.value)
    assert "\n" not in message
    assert str(path) in message, "the message names the file"
    return message


@pytest.mark.parametrize(
    ("kind", "changed", "said"),
    [
        ("ridge", {"bias": None}, "not a ridge map: it lacks bias"),
        ("ridge", {"shift": np.zeros((SIZE, SIZE, 2), np.int8)}, "unknown tensor shift"),
        ("located", {"shift": None}, "not a located map: it lacks shift"),
        ("kernel", {"curve": None, "gain": np.ones((9, 9, 3))}, "it lacks curve"),
        ("ridge", {"gain": np.ones((SIZE, SIZE, 2), np.float32)}, r"gain must be (S, S, C)"),
        ("ridge", {"gain": np.ones((SIZE, 9, 3), np.float32)}, r"is (16, 9, 3)"),
        ("ridge", {"gain": np.ones((4, 4, 3), np.float32)}, "S from 8 to 256"),
        ("ridge", {"gain": np.zeros((0, 10**9, 3), np.float32)}, "gain must be"),
        ("ridge", {"bias": np.ones((SIZE, SIZE, 1), np.float32)}, r"bias must be (16, 16, 3)"),
        ("located", {"shift": np.zeros((SIZE, SIZE, 3), np.int8)}, "shift must be (16, 16, 2)"),
        ("located", {"shift": np.zeros((SIZE, SIZE, 2), np.float32)}, "int8, holds float32"),
        ("located", {"shift": np.full((SIZE, SIZE, 2), 99, np.int8)}, "must lie in [-64, 64]"),
        ("ridge", {"gain": np.full((SIZE, SIZE, 3), np.nan, np.float32)}, "not finite"),
        ("ridge", {"gain": np.full((SIZE, SIZE, 3), 1e30, np.float64)}, "gain must lie in"),
        ("ridge", {"bias": np.full((SIZE, SIZE, 3), -51, np.float32)}, "bias must lie in"),
        ("ridge", {"gain": np.ones((SIZE, SIZE, 3), np.int64)}, "floats or bytes, holds int64"),
        ("kernel", {"curve": np.zeros((1, SIZE, SIZE, 3), np.float32)}, "2 to 32 inducing"),
        ("kernel", {"curve": np.zeros((SIZE, SIZE, 3), np.float32)}, "curve must be (K, S, S, C)"),
        ("kernel", {"curve": np.full((4, SIZE, SIZE, 3), 11, np.float32)}, "[-10, 10]"),
    ],
)
def test_wrong_tensors_are_refused(tmp_path: Path, kind: Kind, changed, said: str) -> None:
    path = write(
        tmp_path / "a", {**content(kind), **changed}, {"kind": kind, "kernel_width": "0.4"}
    )
    assert said in refusal(path)


@pytest.mark.parametrize(
    ("metadata", "said"),
    [
        ({"kind": "forest"}, "'kind' must be ridge or located or kernel, is 'forest'"),
        ({"align": "eyes"}, "'align' must be crop or mesh, is 'eyes'"),
        ({"output": ""}, "'output' must be clip or min-max, is ''"),
        ({"format": "2"}, "format 1, its metadata say '2'"),
        ({"blendshapes": "[1"}, "not a table of numbers"),
        ({"blendshapes": '{"jawOpen": NaN}'}, "not finite"),
        ({"gain_range": "0 nan"}, None),
        ({"kind": "k" * 5000}, f"is '{'k' * 40}'"),
    ],
)
def test_wrong_metadata_are_refused(tmp_path: Path, metadata: dict, said: str | None) -> None:
    if said is None:  # a range is read for bytes only
        tensors = {name: np.zeros((SIZE, SIZE, 3), np.uint8) for name in ("gain", "bias")}
        said = "gain holds numbers that are not finite"
    else:
        tensors = content()
    assert said in refusal(write(tmp_path / "a", tensors, metadata))


@pytest.mark.parametrize("width", ["", "wide", "nan", "0", "-0.4", "0.01", "5", "inf"])
def test_a_kernel_that_its_curve_does_not_bear_is_refused(tmp_path: Path, width: str) -> None:
    metadata = {"kind": "kernel", "kernel_width": width}
    assert "'kernel_width'" in refusal(write(tmp_path / "a", content("kernel"), metadata))


def test_files_too_large_are_neither_read_nor_written(tmp_path: Path) -> None:
    with (tmp_path / "a").open("wb") as file:
        file.truncate(map_file.MAX_BYTES + 1)
    assert f"at most {map_file.MAX_BYTES}" in refusal(tmp_path / "a")
    large = np.zeros((6, 140, 140, 3), np.float32)
    with pytest.raises(FormatError, match=f"at most {map_file.MAX_BYTES}"):
        intensity_file.save(
            replace(drawn_map("kernel"), arrays={"curve": large}, kernel_width=0.3), tmp_path / "b"
        )
    assert not (tmp_path / "b").exists()


@pytest.mark.parametrize("wrong", [np.nan, np.inf, 51.0])
def test_a_map_out_of_range_is_not_written(tmp_path: Path, wrong: float) -> None:
    broken = drawn_map()
    broken.arrays["gain"][3, 3, 0] = wrong
    with pytest.raises(FormatError, match="gain"):
        intensity_file.save(broken, tmp_path / "a")
    assert not (tmp_path / "a").exists()


def test_unwritable_and_missing_files_are_named(tmp_path: Path) -> None:
    assert "No such file" in refusal(tmp_path / "nowhere.safetensors")
    with pytest.raises(FormatError, match="cannot write"):
        intensity_file.save(drawn_map(), tmp_path / "nowhere" / "a")


@given(data=st.data(), kind=st.sampled_from(KINDS))
def test_damaged_bytes_are_refused_or_read(tmp_path_factory, data, kind: Kind) -> None:
    path = tmp_path_factory.mktemp("map") / "a"
    intensity_file.save(drawn_map(kind), path)
    damaged = bytearray(path.read_bytes())
    header = 8 + int.from_bytes(damaged[:8], "little")
    for _ in range(data.draw(st.integers(1, 4))):
        damaged[data.draw(st.integers(0, header + 20))] = data.draw(st.integers(0, 255))
    path.write_bytes(damaged[: data.draw(st.integers(0, len(damaged)))])
    with suppress(LivexprError):
        loaded = maps.load(path)
        assert isinstance(loaded, IntensityMap)
        assert predict(loaded, canvas(), EVERYWHERE).shape == (SIZE, SIZE, 3)


@given(
    metadata=st.dictionaries(
        st.sampled_from(["kind", "align", "output", "kernel_width", "gain_range", "blendshapes"]),
        st.one_of(
            st.text(max_size=8),
            st.sampled_from(["ridge", "kernel", "located", "crop", "mesh", "clip", "0.4", "1 0"]),
            st.dictionaries(st.text(max_size=3), st.floats()).map(json.dumps),
        ),
    ),
    kind=st.sampled_from(KINDS),
)
def test_any_metadata_are_refused_or_read(tmp_path_factory, metadata, kind: Kind) -> None:
    path = tmp_path_factory.mktemp("map") / "a"
    write(path, content(kind), {"kind": kind, **metadata})
    with suppress(LivexprError):
        maps.load(path)
