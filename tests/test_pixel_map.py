"""Pixel maps: files that come back as they went, refusals in one line, and mixing."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from safetensors.numpy import save as to_bytes

from livexpr import map_file, presets
from livexpr.errors import FormatError, LivexprError
from livexpr.pixel_map import PixelMap, load, mix, save

SIZE, MOUTH = 32, 16
FITTED = {"format": "1", "method": "drawn by a test"}


def drawn_map(seed: int = 0, *, size: int = SIZE, mouth: int | None = MOUTH) -> PixelMap:
    rng = np.random.default_rng(seed)
    layer = np.zeros((8, 8, 4)) if mouth is None else rng.uniform(0, 1.2, (mouth, mouth, 4))
    return PixelMap(
        offset_cm=rng.normal(0, 0.3, (468, 3)).astype(np.float32),
        log_gain=rng.uniform(-0.4, 0.4, (size, size, 3)).astype(np.float32),
        bias=rng.uniform(-0.05, 0.05, (size, size)).astype(np.float32),
        mask=rng.uniform(0, 1, (size, size)).astype(np.float32),
        mouth=layer.astype(np.float32),
        blendshapes={"mouthSmileLeft": 0.75, "jawOpen": -0.1},
        metadata={"method": "drawn by a test", "people": "3"},
    )


def tensors(size: int = SIZE) -> dict[str, np.ndarray]:
    """Return what a map of no change holds."""
    return {
        "offset": np.zeros((468, 3), np.float16),
        "gain": np.ones((size, size), np.float32),
        "bias": np.zeros((size, size), np.float32),
        "mask": np.ones((size, size), np.float32),
    }


def write(path: Path, changed: dict | None = None, metadata: dict | None = None) -> Path:
    content = {k: v for k, v in {**tensors(), **(changed or {})}.items() if v is not None}
    path.write_bytes(to_bytes(content, FITTED if metadata is None else metadata))
    return path


def refusal(path: Path) -> str:
    with pytest.raises(FormatError) as caught:
        load(path)
    message = str(caught.value)
    assert "\n" not in message
    assert str(path) in message, "the message names the file"
    return message


def test_a_map_comes_back_within_its_quantisation(tmp_path: Path) -> None:
    before = drawn_map()
    save(before, tmp_path / "a.safetensors")
    after = load(tmp_path / "a.safetensors")
    np.testing.assert_allclose(after.offset_cm, before.offset_cm, atol=1e-3)
    gain = np.exp(before.log_gain)
    for now, then in (
        (np.exp(after.log_gain), gain),
        (after.bias, before.bias),
        (after.mask, before.mask),
        (after.mouth, before.mouth),
    ):
        np.testing.assert_allclose(now, then, atol=0.51 * np.ptp(then) / 255)
    assert after.blendshapes == before.blendshapes
    assert after.metadata.items() >= before.metadata.items()


def test_a_loaded_map_is_saved_and_loaded_unchanged(tmp_path: Path) -> None:
    save(drawn_map(), tmp_path / "a")
    once = load(tmp_path / "a")
    save(once, tmp_path / "b")
    twice = load(tmp_path / "b")
    for name in ("offset_cm", "log_gain", "bias", "mask", "mouth"):
        np.testing.assert_allclose(getattr(twice, name), getattr(once, name), atol=1e-5)


def test_the_same_map_gives_the_same_bytes(tmp_path: Path) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    save(drawn_map(), one)
    backwards = dict(reversed(drawn_map().metadata.items()))
    save(replace(drawn_map(), metadata=backwards), other)
    assert one.read_bytes() == other.read_bytes()


@pytest.mark.parametrize("name", presets.known_maps())
def test_shipped_maps_keep_their_budget_and_say_where_they_come_from(name: str) -> None:
    path = presets.map_path(name)
    assert path.stat().st_size <= map_file.MAX_BYTES
    shipped = load(path)
    assert {"method", "size", "pairs", "livexpr", "attribution"} <= shipped.metadata.keys()
    # Feathered: nothing of the map may show at its border.
    rim = np.concatenate([shipped.mask[[0, -1]].ravel(), shipped.mask[:, [0, -1]].ravel()])
    assert not rim.any()


@pytest.mark.parametrize("extreme", [0.0, 1.0])
def test_maps_at_the_ends_of_their_ranges_can_be_loaded(tmp_path: Path, extreme: float) -> None:
    before = replace(drawn_map(), mask=np.full((SIZE, SIZE), extreme, np.float32))
    before.mask[3, 3] = 1 - extreme
    save(before, tmp_path / "a")
    np.testing.assert_allclose(load(tmp_path / "a").mask, before.mask, atol=1e-6)


@given(
    low=st.floats(-2, 1.75, width=32),
    span=st.floats(0, 0.125, width=32),
    at=st.integers(0, SIZE - 1),
)
def test_any_bias_survives_its_quantisation(tmp_path_factory, low, span, at) -> None:
    path = tmp_path_factory.mktemp("map") / "a"
    before = replace(drawn_map(), bias=np.full((SIZE, SIZE), low, np.float32))
    before.bias[at] += np.float32(span)
    save(before, path)
    np.testing.assert_allclose(load(path).bias, before.bias, atol=span / 500 + 1e-6)


def test_map_of_grey_gain_and_colour_bias_is_read(tmp_path: Path) -> None:
    path = write(tmp_path / "a", {"bias": np.full((SIZE, SIZE, 3), 0.02, np.float32)})
    grey = load(path)
    assert grey.log_gain.shape == (SIZE, SIZE, 3)
    np.testing.assert_allclose(grey.bias, 0.02, rtol=1e-6)
    assert not grey.mouth.any()


def test_missing_file_is_named(tmp_path: Path) -> None:
    assert "No such file" in refusal(tmp_path / "nowhere.safetensors")


def test_folder_is_refused(tmp_path: Path) -> None:
    refusal(tmp_path)


@pytest.mark.parametrize("kept", [0, 4, 8, 100, 2000, -1])
def test_truncated_file_is_refused(tmp_path: Path, kept: int) -> None:
    path = write(tmp_path / "a")
    path.write_bytes(path.read_bytes()[:kept])
    refusal(path)


def test_a_pickle_is_never_opened(tmp_path: Path) -> None:
    import pickle

    class Trap:
        def __reduce__(self):
            return (Path.touch, (tmp_path / "sprung",))

    path = tmp_path / "a.safetensors"
    path.write_bytes(pickle.dumps(Trap()))
    refusal(path)
    assert not (tmp_path / "sprung").exists()


@pytest.mark.parametrize(
    "content", [b"\x89PNG\r\n\x1a\n" * 40, b"\xff" * 64, b"\x00" * 64, b"{}", "ünlesbar".encode()]
)
def test_foreign_file_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a"
    path.write_bytes(content)
    assert "not a readable safetensors file" in refusal(path)


def test_oversized_file_is_refused_unread(tmp_path: Path) -> None:
    path = tmp_path / "a"
    with path.open("wb") as file:
        file.truncate(map_file.MAX_BYTES + 1)
    assert f"at most {map_file.MAX_BYTES}" in refusal(path)


@pytest.mark.parametrize("metadata", [{}, {"format": "2"}, {"format": "pt"}])
def test_safetensors_of_somebody_else_is_refused(tmp_path: Path, metadata: dict) -> None:
    assert "expected a livexpr pixel map" in refusal(write(tmp_path / "a", metadata=metadata))


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"offset": None}, "lacks offset"),
        ({"gain": None, "mask": None}, "lacks gain, mask"),
        ({"hidden": np.zeros(3, np.float32)}, "unknown tensor hidden"),
        ({"offset": np.zeros((478, 3), np.float32)}, r"offset must be (468, 3)"),
        ({"offset": np.zeros((468, 2), np.float32)}, r"offset must be (468, 3)"),
        ({"gain": np.ones((SIZE, SIZE + 1), np.float32)}, "gain must be"),
        ({"bias": np.zeros((SIZE, SIZE, 4), np.float32)}, "bias must be"),
        ({"mask": np.ones((SIZE, SIZE, 1), np.float32)}, "mask must be (S, S)"),
        ({"mask": np.ones((0, 0), np.float32)}, "mask must be (S, S)"),
        ({"mask": np.ones((), np.float32)}, "mask must be (S, S)"),
        ({"mouth": np.zeros((16, 16, 3), np.float32)}, "mouth must be (M, M, 4)"),
        ({"mouth": np.zeros((2, 2, 4), np.float32)}, "mouth must be (M, M, 4)"),
        ({"gain": np.zeros((SIZE, SIZE), np.float32)}, "gain must lie in"),
        ({"gain": -np.ones((SIZE, SIZE), np.float32)}, "gain must lie in"),
        ({"mask": np.full((SIZE, SIZE), 1.5, np.float32)}, "mask must lie in [0.0, 1.0]"),
        ({"offset": np.full((468, 3), 99, np.float32)}, "offset must lie in"),
        ({"bias": np.full((SIZE, SIZE), 3e38, np.float32)}, "bias must lie in"),
        ({"bias": np.full((SIZE, SIZE), 1e300)}, "bias holds numbers that are not finite"),
        ({"gain": np.ones((SIZE, SIZE), np.int32)}, "gain must hold floats or bytes"),
        ({"mask": np.ones((SIZE, SIZE), np.bool_)}, "mask must hold floats or bytes"),
    ],
)
def test_wrong_tensor_is_named(tmp_path: Path, changed: dict, said: str) -> None:
    message = refusal(write(tmp_path / "a", changed))
    assert said in message


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("name", ["offset", "gain", "bias", "mask"])
def test_numbers_that_are_not_finite_are_refused(tmp_path: Path, name: str, value: float) -> None:
    spoiled = tensors()[name].copy()
    spoiled[5, 2] = value
    assert f"{name} holds numbers" in refusal(write(tmp_path / "a", {name: spoiled}))


@pytest.mark.parametrize("ends", ["nan nan", "0 inf", "-1e308 1e308", "1e39 1e39"])
def test_ends_that_are_not_finite_are_refused(tmp_path: Path, ends: str) -> None:
    stored = {"bias": np.arange(SIZE * SIZE, dtype=np.uint8).reshape(SIZE, SIZE)}
    refusal(write(tmp_path / "a", stored, {**FITTED, "bias_range": ends}))


@pytest.mark.parametrize(
    "text",
    [
        *("not json", "[1, 2]", '{"a": "b"}', '{"a": [1]}', '{"a": NaN}', '{"a": 1e999}', "3"),
        pytest.param('{"a": 1' + "0" * 400 + "}", id="too large for a float"),
        pytest.param("[" * 50_000, id="too deep"),
    ],
)
def test_blendshapes_must_be_a_table_of_numbers(tmp_path: Path, text: str) -> None:
    path = write(tmp_path / "a", metadata={**FITTED, "blendshapes": text})
    assert "metadata 'blendshapes'" in refusal(path)


@given(at=st.floats(0, 1, exclude_max=True), byte=st.integers(0, 255))
def test_a_damaged_byte_is_refused_or_harmless(tmp_path_factory, at: float, byte: int) -> None:
    path = write(tmp_path_factory.mktemp("map") / "a")
    damaged = bytearray(path.read_bytes())
    damaged[int(at * len(damaged))] = byte
    path.write_bytes(damaged)
    with suppress(FormatError):
        assert np.isfinite(load(path).gain_bias()).all()


def test_unwritable_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "nowhere" / "a.safetensors"
    with pytest.raises(FormatError, match=r"cannot write the pixel map .*nowhere"):
        save(drawn_map(), path)


def test_a_map_out_of_range_is_not_written(tmp_path: Path) -> None:
    broken = drawn_map()
    broken.offset_cm[3] = np.nan
    with pytest.raises(FormatError, match="offset holds numbers that are not finite"):
        save(broken, tmp_path / "a")
    assert not (tmp_path / "a").exists()


def test_format_errors_are_value_errors_too() -> None:
    assert issubclass(FormatError, ValueError)
    assert issubclass(FormatError, LivexprError)


def test_a_mix_of_one_is_the_map() -> None:
    alone, only = drawn_map(), mix([drawn_map()], [1.0])
    np.testing.assert_allclose(only.offset_cm, alone.offset_cm)
    np.testing.assert_allclose(only.gain_bias(), alone.gain_bias(), atol=1e-7)
    np.testing.assert_allclose(only.mouth, alone.mouth, atol=1e-7)
    assert only.blendshapes == pytest.approx(alone.blendshapes)


@given(a=st.floats(-1, 2), b=st.floats(-1, 2))
def test_offsets_log_gains_and_biases_add(a: float, b: float) -> None:
    one, other = drawn_map(1), drawn_map(2)
    mixed = mix([one, other], [a, b])
    np.testing.assert_allclose(mixed.offset_cm, a * one.offset_cm + b * other.offset_cm, atol=1e-5)
    np.testing.assert_allclose(
        mixed.gain_bias(), a * one.gain_bias() + b * other.gain_bias(), atol=1e-5
    )
    assert mixed.blendshapes["mouthSmileLeft"] == pytest.approx(0.75 * (a + b))
    np.testing.assert_array_equal(mixed.mask, 1)


def test_order_does_not_matter() -> None:
    maps, amounts = [drawn_map(1), drawn_map(2), drawn_map(3)], [1.0, -0.5, 0.25]
    forwards, backwards = mix(maps, amounts), mix(maps[::-1], amounts[::-1])
    np.testing.assert_allclose(forwards.gain_bias(), backwards.gain_bias(), atol=1e-6)
    np.testing.assert_allclose(forwards.mouth, backwards.mouth, atol=1e-6)


def test_mouth_is_the_mean_of_those_that_open() -> None:
    """Weighted by how far they open it: what a mouth shows belongs to who opens it."""
    shut, one, other = drawn_map(2, mouth=None), drawn_map(1), drawn_map(3)
    shut = replace(shut, offset_cm=np.zeros_like(shut.offset_cm))
    opens = [float(np.subtract(*m.lips_of_mouth_cm()).max()) for m in (one, other)]
    assert min(opens) > 0
    mixed = mix([one, shut, other], [1.0, 2.0, 0.5])
    weights = opens[0], 0.5 * opens[1]
    expected = (weights[0] * one.mouth + weights[1] * other.mouth) / sum(weights)
    np.testing.assert_allclose(mixed.mouth[..., :3], expected[..., :3], atol=1e-6)
    assert (mixed.mouth[..., 3] <= expected[..., 3] + 1e-6).all()
    assert not mix([shut], [1.0]).mouth.any()
    assert not mix([one], [-1.0]).mouth.any()


def test_maps_of_different_sizes_mix_at_the_larger_size() -> None:
    small, large = drawn_map(1, size=16, mouth=8), drawn_map(2, size=31, mouth=24)
    mixed = mix([small, large], [1.0, 0.0])
    assert mixed.log_gain.shape == (31, 31, 3)
    assert mixed.mouth.shape == (24, 24, 4)
    # Corners lie on corners, so every second pixel of the larger is one of the smaller.
    np.testing.assert_allclose(mixed.gain_bias()[::2, ::2], small.gain_bias(), atol=1e-6)


def test_mixing_writes_to_no_map() -> None:
    one = drawn_map(1)
    before = one.log_gain.copy(), one.mouth.copy(), dict(one.blendshapes)
    mix([one, one], [1.0, 1.0])
    np.testing.assert_array_equal(one.log_gain, before[0])
    np.testing.assert_array_equal(one.mouth, before[1])
    assert one.blendshapes == before[2]


def test_blendshapes_are_stored_as_json(tmp_path: Path) -> None:
    save(drawn_map(), tmp_path / "a")
    assert json.loads(load(tmp_path / "a").metadata["blendshapes"]) == {
        "jawOpen": -0.1,
        "mouthSmileLeft": 0.75,
    }
