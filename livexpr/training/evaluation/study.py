"""One evaluation: photographs, judges and methods, and every part of the results from them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from livexpr import pipeline, presets
from livexpr.maps import Map
from livexpr.pipeline import Effect
from livexpr.training import methods
from livexpr.training.evaluation import derived_faces, sheets, speed, stargan
from livexpr.training.evaluation.contenders import Contender, Image, method_contender
from livexpr.training.evaluation.cross_validation import all_but, ranked, split_people
from livexpr.training.evaluation.curve import learning_curve
from livexpr.training.evaluation.derived_faces import DerivedFace
from livexpr.training.evaluation.family_table import MEANT, Member, Source, judge_family
from livexpr.training.evaluation.groups import read_groups
from livexpr.training.evaluation.method_table import compare_methods, real_expressions
from livexpr.training.evaluation.portraits import Detect, Judge, Portrait, Portraits
from livexpr.training.evaluation.robustness import try_conditions
from livexpr.training.evaluation.unlike import find_faces, try_unlike
from livexpr.training.pair_observations import find_pairs
from livexpr.training.photo_pairs import fit_observations, leaves_mouth_shut, with_shut_mouth
from livexpr.types import FaceTrack, Frame, NoFace

CURVE_METHODS = ("pixel-rr", "pixel-kr", "ours")
ROBUST_METHODS = ("pixel-rr", "pixel-rr-mesh", "ours")
# Shown on the sheet: what differs to the eye.
SHEET_METHODS = ("pixel-rr", "pixel-rr-minmax", "pixel-kr", "pixel-rr-mesh", "located", "ours")
# So many people show what a disturbance does.
_ROBUST_PEOPLE = 20
_PLASTER_HEADS, _SHEET_HEADS = 12, 1
# The metadata of a map that photographs of people are in.
_FROM_PHOTOGRAPHS = "photographs_sha256"
# The map of a smile with the lips together: the pairs of some people, fitted as all are.
_CLOSED_MOUTH = "warm"


@dataclass
class Study:
    """What the parts of the results are measured with.

    Attributes
    ----------
    pairs_dir : Path
    expression : str
        Folder of the second photographs, as the classifiers name it.
    detect, judge : callable
    folds : int
    people : int or None
        So many at most.
    unlike : sequence of Path
        Folders of pictures that are no photographs.
    heads : Path or None
        The head model.
    on_progress : callable
        Told what is being done, now and again.
    """

    pairs_dir: Path
    expression: str
    detect: Detect
    judge: Judge
    folds: int = 5
    people: int | None = None
    unlike: Sequence[Path] = ()
    heads: Path | None = None
    on_progress: Callable[[str], None] = field(default=lambda doing: None)

    @cached_property
    def portraits(self) -> Portraits:
        """Everybody's portraits, looked at and judged."""
        pairs = find_pairs(self.pairs_dir, self.expression)
        chosen = ranked(pairs)[: self.people]
        portraits = Portraits({p: pairs[p] for p in sorted(chosen)}, self.detect, self.judge)
        portraits.look(lambda person: self.on_progress(f"looking at {person}"))
        return portraits

    @property
    def rejected(self) -> Mapping[str, str]:
        """Whose pairs no method is fitted on -> why; they may be judged all the same."""
        self.on_progress("looking at pairs")
        return methods.observed(self.pairs_dir, self.expression).rejected

    @cached_property
    def groups(self) -> Mapping[str, Mapping[str, str]]:
        """Person -> kind -> group."""
        return read_groups(self.pairs_dir)

    @cached_property
    def _split(self) -> list[list[str]]:
        return split_people(self.portraits.people, self.folds)

    def contenders(self, names: Collection[str]) -> list[Contender]:
        """Return the methods of these names; all photographs are looked at before any is timed."""
        self.on_progress("looking at pairs")
        methods.observed(self.pairs_dir, self.expression)
        return [method_contender(name, self.pairs_dir, self.expression) for name in names]

    def _fitted(self, names: Collection[str]) -> list[tuple[Contender, Map | None]]:
        """Return methods with their models of everybody but the first fold."""
        people = all_but(self._split, 0)
        return [(one, one.fit(people)) for one in self.contenders(names)]

    def measure_methods(self) -> dict[str, Any]:
        """See :func:`livexpr.training.evaluation.method_table.compare_methods`."""
        return compare_methods(
            self.portraits,
            self.contenders(methods.METHODS),
            self.judge,
            self.expression,
            folds=self.folds,
            on_progress=self.on_progress,
        )

    def measure_curve(self) -> dict[str, Any]:
        """See :func:`livexpr.training.evaluation.curve.learning_curve`."""
        return learning_curve(
            self.portraits,
            self.contenders(CURVE_METHODS),
            self.judge,
            self.expression,
            folds=self.folds,
            on_progress=self.on_progress,
        )

    def measure_robustness(self) -> dict[str, Any]:
        """See :func:`livexpr.training.evaluation.robustness.try_conditions`."""
        people = self._split[0][:_ROBUST_PEOPLE]
        return try_conditions(
            [one for _, one in self.portraits.chosen(people)],
            self._fitted(ROBUST_METHODS),
            self.judge,
            self.expression,
            on_progress=self.on_progress,
        )

    def measure_unlike(self) -> dict[str, Any] | None:
        """See :func:`livexpr.training.evaluation.unlike.try_unlike`; None without pictures."""
        sources: dict[str, tuple[list[Portrait], int]] = {}
        names = [folder.resolve().name for folder in self.unlike]
        for folder, name in zip(self.unlike, names, strict=True):
            alone = names.count(name) == 1
            sources[name if alone else str(folder)] = find_faces(
                folder, self.detect, self.judge, self.on_progress
            )
        if self.heads is not None:
            heads = derived_faces.rendered_heads(
                self.heads, _PLASTER_HEADS, self.detect, plaster=True
            )
            judged = [head.judged(self.judge) for head in heads]
            casts = [one for one in judged if not isinstance(one, NoFace)]
            sources["rendered plaster casts"] = casts, _PLASTER_HEADS
        if not any(faces for faces, _ in sources.values()):
            return None
        return try_unlike(
            sources,
            self._fitted(ROBUST_METHODS),
            self.judge,
            self.expression,
            on_progress=self.on_progress,
        )

    @cached_property
    def _fitted_anew(self) -> frozenset[str]:
        """The maps that can be fitted without some of the people whose photographs are in them."""
        observed = methods.observed(self.pairs_dir, self.expression)
        # Whoever is held out, somebody has to be left who smiles with the mouth shut.
        shut = self.expression == "happy" and all(
            any(map(leaves_mouth_shut, observed.of(all_but(self._split, number))))
            for number in range(self.folds)
        )
        return frozenset({self.expression, _CLOSED_MOUTH} if shut else {self.expression})

    def _fit_anew(self, people: Collection[str]) -> dict[str, Map]:
        """Return the maps of :attr:`_fitted_anew`, as they are shipped but for who is in them."""
        observations = methods.observed(self.pairs_dir, self.expression).of(people)
        fitted: dict[str, Map] = {self.expression: fit_observations(observations)}
        if _CLOSED_MOUTH in self._fitted_anew:
            fitted[_CLOSED_MOUTH] = fit_observations(with_shut_mouth(observations))
        return fitted

    def measure_family(self) -> dict[str, Any]:
        """See :func:`livexpr.training.evaluation.family_table.judge_family`."""
        return judge_family(
            self.portraits,
            family_members(self._fitted_anew),
            self._fit_anew,
            self.judge,
            self.groups,
            {self.expression: real_expressions(self.portraits, self.expression)},
            folds=self.folds,
            on_progress=self.on_progress,
        )

    def measure_speed(self) -> dict[str, Any]:
        """Return ``frame_ms`` of each method, and ``stargan`` (``ms`` null without PyTorch)."""
        frame, track = speed.demo_frame()
        frame_ms = {}
        for contender, model in self._fitted(methods.METHODS):
            self.on_progress(f"timing {contender.name}")
            if model is not None:
                frame_ms[contender.name] = speed.frame_ms(frame, track, model)
        star: dict[str, Any] = {
            "ms": None,
            "parameters": stargan.N_PARAMETERS,
            "bytes": stargan.N_BYTES,
        }
        if stargan.is_installed():
            self.on_progress("timing StarGAN's generator")
            star |= stargan.measure()
        return {"frame_ms": frame_ms, "stargan": star}

    def draw_sheets(self) -> dict[str, bytes]:
        """Return file name -> PNG of the methods and of the family, on faces of nobody."""
        self.on_progress("averaging faces")
        faces = derived_faces.average_faces(self.portraits, self.groups, self.detect)
        if not faces:
            frame, track = speed.demo_frame()
            faces = [DerivedFace("demo", frame.pixels, track)]
        heads, casts = (
            derived_faces.rendered_heads(self.heads, _SHEET_HEADS, self.detect, plaster=plaster)
            if self.heads is not None
            else []
            for plaster in (False, True)
        )
        self.on_progress("drawing sheets")
        of_methods = {
            one.name: _with_model(one, one.fit(self.portraits.people))
            for one in self.contenders(SHEET_METHODS)
        }
        of_family = {m.name: _with_maps(m) for m in family_members(self._fitted_anew)}
        return {
            "methods.png": sheets.draw_sheet([*faces, *casts], of_methods),
            "family.png": sheets.draw_sheet([*faces, *heads], of_family),
        }


def _with_model(contender: Contender, model: Map | None) -> sheets.FilterPicture:
    return lambda pixels, track: contender.apply(pixels, track, model)


def _with_maps(member: Member) -> sheets.FilterPicture:
    return lambda pixels, track: member.apply(pixels, track, {})


def family_members(fitted_anew: Collection[str]) -> list[Member]:
    """Return the shipped expressions that are judged, in the order of the table.

    Parameters
    ----------
    fitted_anew : collection of str
        Maps that can be fitted without some of the people whose photographs are in them.
    """
    members = []
    for name, meant in MEANT.items():
        if name in presets.expressions():
            effect = pipeline.load_effect(presets.from_expressions([name]))
            members.append(Member(name, meant, _source(effect, fitted_anew), effect_filter(effect)))
    return members


def _source(effect: Effect, fitted_anew: Collection[str]) -> Source:
    """Return what part photographs have in an effect."""
    photographed = {n for n, one in effect.maps.items() if _FROM_PHOTOGRAPHS in one.metadata}
    if photographed - set(fitted_anew):
        return "seen"
    return "held out" if photographed else "rendered"


def effect_filter(
    effect: Effect,
) -> Callable[[Image, FaceTrack, Mapping[str, Map]], Image]:
    """Return what filters a still picture by an effect, some of whose maps may be replaced."""

    def apply(pixels: Image, track: FaceTrack, fitted: Mapping[str, Map]) -> Image:
        replaced = {name: fitted.get(name, one) for name, one in effect.maps.items()}
        chosen = replace(effect, maps=replaced)
        state = pipeline.settled_state(chosen)
        return pipeline.process(Frame(pixels, 0, 0.0), track, chosen, state).frame.pixels

    return apply
