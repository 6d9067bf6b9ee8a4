"""The paper's claims and our own goals, each with a verdict computed from the results."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from livexpr.training.evaluation.family_table import RECOGNISED
from livexpr.training.evaluation.markdown import number, percent

OURS, PAPER = "ours", "pixel-rr"
HOLDS, FAILS, UNMEASURED = "yes", "no", "not measured"
STILL_RISING = "gets better with more than there are here"
# "Two orders of magnitude" is taken to be 100 times, rounded as people round: from 10^1.5 on one
# would say so; both numbers are given.
_ORDERS = 10**1.5
# People suffice if all others make it better by no more than this, in the column's own unit; less
# than nothing where less is better.
_ENOUGH: Mapping[str, float] = {RECOGNISED: 0.05, "rest psnr": 0.5, "identity": -0.05}

# The better direction of each column of the methods' table.
COLUMNS: Mapping[str, tuple[str, bool]] = {
    "own psnr": ("PSNR, own mesh", True),
    "own ssim": ("SSIM, own mesh", True),
    "rest psnr": ("PSNR, neutral's mesh", True),
    "rest ssim": ("SSIM, neutral's mesh", True),
    "shape error": ("shape error", False),
    "fer score": ("fer score", True),
    "facex score": ("facex score", True),
    "fer recognised": ("recognised by fer", True),
    "facex recognised": ("recognised by facex", True),
    RECOGNISED: ("recognised by both", True),
    "identity median": ("identity distance, median", False),
    "identity max": ("identity distance, largest", False),
    "sharpness": ("sharpness", True),
    "parameters": ("parameters", False),
    "bytes": ("bytes", False),
    "fit_s": ("seconds to fit", False),
    "frame_ms": ("ms a frame", False),
}


# Beside face space, the paper's own crop, in which its methods were fitted.
CROP_COLUMNS: Mapping[str, tuple[str, bool]] = {
    "crop psnr": ("PSNR", True),
    "crop ssim": ("SSIM", True),
}


@dataclass(frozen=True, slots=True)
class Claim:
    """What is claimed, what was measured, and whether it holds."""

    claim: str
    measured: str
    verdict: str


def paper_claims(results: Mapping[str, Any]) -> list[Claim]:
    """Return the paper's claims, each for its own method and for ours."""
    return [
        *_few_images(results),
        _out_of_dataset(results),
        *_smaller(results),
        *_fast(results),
    ]


def _few_images(results: Mapping[str, Any]) -> Iterator[Claim]:
    claim = "a few hundred images suffice"
    curve = results.get("curve", {"rows": {}})
    for name in (PAPER, OURS):
        rows = curve["rows"].get(name)
        if not rows:
            yield Claim(f"{claim}: {name}", "", UNMEASURED)
            continue
        sizes, last = curve["sizes"], rows[-1]
        good = [_as_good(row, last) for row in rows]
        if not good[-1]:
            yield Claim(f"{claim}: {name}", "", UNMEASURED)
            continue
        enough = next(size for k, size in enumerate(sizes) if all(good[k:]))
        text = (
            f"with {sizes[-1]} people ({2 * sizes[-1]} images) {percent(last[RECOGNISED])} "
            f"recognised, {number(last['rest psnr'], '.1f')} dB, identity distance "
            f"{number(last['identity'], '.2f')}; from {enough} people on no worse than that by "
            "more than 5 points, half a dB or 0.05"
        )
        yield Claim(f"{claim}: {name}", text, HOLDS if enough < sizes[-1] else STILL_RISING)


def _as_good(row: Mapping[str, Any], last: Mapping[str, Any]) -> bool:
    """Tell whether a row, of which nothing is missing, falls short of the last by little."""
    for column, most in _ENOUGH.items():
        value, best = row.get(column), last.get(column)
        if value is None or best is None:
            return False
        if math.copysign(1.0, most) * (best - value) > abs(most):
            return False
    return True


def _out_of_dataset(results: Mapping[str, Any]) -> Claim:
    claim = "better than its peers out of the dataset"
    unlike = results.get("unlike")
    if not unlike or not {OURS, PAPER} <= set(unlike["rows"]):
        return Claim(claim, "", UNMEASURED)
    ours, paper = unlike["rows"][OURS], unlike["rows"][PAPER]
    text = (
        f"{unlike['faces']} faces that are no photographs, ours against {PAPER}: recognised "
        f"{percent(ours[RECOGNISED])} and {percent(paper[RECOGNISED])}, sharpness "
        f"{number(ours['sharpness'], '.2f')} and {number(paper['sharpness'], '.2f')}, colour "
        f"changed where nothing should {number(ours['colour change'], '.1f')} and "
        f"{number(paper['colour change'], '.1f')}. GANs have no weights here to be tried"
    )
    columns = (RECOGNISED, "sharpness", "colour change")
    if any(row[column] is None for row in (ours, paper) for column in columns):
        return Claim(claim, text, UNMEASURED)
    better = (
        ours[RECOGNISED] >= paper[RECOGNISED]
        and ours["sharpness"] > paper["sharpness"]
        and ours["colour change"] < paper["colour change"]
    )
    return Claim(claim, text, "ours, of the two: " + (HOLDS if better else FAILS))


def _smaller(results: Mapping[str, Any]) -> Iterator[Claim]:
    claim = "two orders of magnitude smaller than StarGAN's generator"
    rows = results.get("methods", {}).get("rows", {})
    star = results.get("speed", {}).get("stargan", {})
    for name in (PAPER, OURS):
        row = rows.get(name)
        if not row or not star:
            yield Claim(f"{claim}: {name}", "", UNMEASURED)
            continue
        times = [star[what] / row[what] for what in ("parameters", "bytes")]
        text = (
            f"{row['parameters']:,.0f} parameters against {star['parameters']:,} "
            f"({times[0]:.0f} times), {row['bytes']:,.0f} bytes against {star['bytes']:,} "
            f"({times[1]:.0f} times); {_ORDERS:.0f} times or more round to two orders"
        )
        yield Claim(f"{claim}: {name}", text, HOLDS if min(times) >= _ORDERS else FAILS)


def _fast(results: Mapping[str, Any]) -> Iterator[Claim]:
    speed = results.get("speed", {})
    star_ms = speed.get("stargan", {}).get("ms")
    for name in (PAPER, OURS):
        frame_ms = speed.get("frame_ms", {}).get(name)
        claim = f"fast on a CPU: {name}"
        if frame_ms is None:
            yield Claim(claim, "", UNMEASURED)
            continue
        text = f"{frame_ms:.1f} ms for a frame of 1280x720"
        if star_ms is None:
            yield Claim(claim, f"{text}; PyTorch was not installed to compare with", UNMEASURED)
            continue
        text += f", StarGAN's generator {star_ms:.0f} ms for a picture of 128x128"
        text += f" ({star_ms / frame_ms:.0f} times)"
        yield Claim(claim, text, HOLDS if star_ms > frame_ms else FAILS)


# Expression -> least rate of recognition, largest median and maximum of the identity distance.
_GOALS: Mapping[str, tuple[float | None, float, float]] = {
    "happy": (0.9, 0.30, 0.45),
    "warm": (None, 0.30, 0.45),
    "sad": (0.9, 0.30, 0.45),
    "surprised": (0.9, 0.38, 0.50),
    "disgusted": (0.9, 0.38, 0.50),
    "angry": (0.75, 0.38, 0.50),
    "fearful": (0.75, 0.38, 0.50),
    "contempt": (None, 0.38, 0.50),
    "calm": (None, 0.38, 0.50),
    "attentive": (None, 0.38, 0.50),
}
_MOST_POINTS = 10.0
_LEAST_SHARPNESS = 0.9


def goals(results: Mapping[str, Any]) -> list[Claim]:
    """Return what was to be reached, each with whether it was."""
    family = results.get("family", {"rows": {}, "groups": {}})
    made: list[Claim] = []
    for name, goal in _GOALS.items():
        if row := family["rows"].get(name):
            made += _family_goals(name, row, goal)
    for kind, table in family["groups"].items():
        if spread := table["spread"]["all"]:
            best, worst = (spread[end].replace("_", " ") for end in ("best", "worst"))
            text = (
                f"{spread['points']:.0f} points: {best} against {worst}; "
                f"as much by chance in {percent(spread['by_chance'])} of drawings"
            )
            reached = spread["points"] <= _MOST_POINTS
            made.append(
                Claim(
                    f"{kind}: worst group against best within {_MOST_POINTS:.0f} points",
                    text,
                    HOLDS if reached else FAILS,
                )
            )
    rows = results.get("methods", {}).get("rows", {})
    if OURS in rows:
        sharp = rows[OURS]["sharpness"]
        made.append(
            Claim(
                f"sharpness of skin against the input at least {_LEAST_SHARPNESS}",
                number(sharp, ".2f"),
                HOLDS if sharp >= _LEAST_SHARPNESS else FAILS,
            )
        )
    if {OURS, PAPER} <= set(rows):
        made += _every_column(with_frame_ms(results))
    return made


def _family_goals(
    name: str, row: Mapping[str, Any], goal: tuple[float | None, float, float]
) -> Iterator[Claim]:
    least, median, largest = goal
    if least is not None:
        rate = row[RECOGNISED]
        yield Claim(
            f"{name}: recognised at least {percent(least)}",
            f"{percent(rate)} (fer {percent(row['fer recognised'])}, "
            f"facex {percent(row['facex recognised'])})",
            HOLDS if rate >= least else FAILS,
        )
    near = row["identity median"] <= median and row["identity max"] <= largest
    yield Claim(
        f"{name}: identity distance, median at most {median:.2f}, largest {largest:.2f}",
        f"{number(row['identity median'])}, {number(row['identity max'])}",
        HOLDS if near else FAILS,
    )


def with_frame_ms(results: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the methods' rows with their ``frame_ms``, where it was measured."""
    frame_ms = results.get("speed", {}).get("frame_ms", {})
    rows = results.get("methods", {}).get("rows", {})
    return {name: {**row, "frame_ms": frame_ms.get(name)} for name, row in rows.items()}


def _every_column(rows: Mapping[str, Mapping[str, Any]]) -> Iterator[Claim]:
    for where, columns in (("", COLUMNS), (" in the paper's crop", CROP_COLUMNS)):
        worse = list(worse_columns(rows[OURS], rows[PAPER], columns))
        yield Claim(
            f"ours better than {PAPER}{where} in every column but parameters",
            f"not better in: {', '.join(worse)}" if worse else "in every one",
            FAILS if set(worse) - {"parameters"} else HOLDS,
        )


def worse_columns(
    ours: Mapping[str, Any], other: Mapping[str, Any], columns: Mapping[str, tuple[str, bool]]
) -> Sequence[str]:
    """Return the titles of the columns in which `ours` is not better than `other`."""
    worse = []
    for column, (title, more_is_better) in columns.items():
        a, b = ours.get(column), other.get(column)
        if a is None or b is None:
            continue
        if not (a > b if more_is_better else a < b):
            worse.append(title)
    return worse
