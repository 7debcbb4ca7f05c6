"""Renderer of a cohort's images; parts that all images share are drawn once, on first use."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from pacslab.cohort.anatomy import cr, ct, mg, mr, us
from pacslab.cohort.plan.instance_kinds import Content
from pacslab.cohort.plan.sop_classes import CINE_FRAMES, COLOUR_FRAMES
from pacslab.cohort.recipe.traps import Trap
from pacslab.cohort.render import referral_letter, scanned_pages
from pacslab.cohort.render.burned_in_text import burn_in
from pacslab.cohort.render.head_slices import HeadSlice, slices_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pacslab.cohort.plan.plan import SeriesPlan, StudyPlan
    from pacslab.cohort.recipe.recipe import Recipe
    from pacslab.cohort.render.scanned_pages import Burned
    from pacslab.scenario import Variant

    Image = tuple[np.ndarray, list[Burned]]

WEIGHTING = {Content.MR_T1: "t1", Content.MR_T2: "t2", Content.MR_FLAIR: "flair"}
"""Weighting of each series of a head (see ``mr.WEIGHTINGS``)."""
FOLLOW_UP_SLICE = 11
"""First slice of a follow-up of two slices: the level of the heart."""
MAX_FIRST_SLICE = 3
"""Highest first slice of a chest of fewer slices, which leaves out the liver but no finding."""


class Renderer:
    """Renders the images of one cohort."""

    def __init__(self, recipe: Recipe, variant: Variant) -> None:
        self._recipe = recipe
        self._variant = variant
        self._tissues: tuple[StudyPlan, np.ndarray] | None = None
        self._slices: tuple[StudyPlan, list[HeadSlice]] | None = None

    @cached_property
    def _ct_noise(self) -> np.ndarray:
        return ct.noise_field(self._variant.stream("ct noise"))

    @cached_property
    def _chest(self) -> cr.Chest:
        return cr.draw_chest(self._variant.stream("chest"))

    @cached_property
    def _grain(self) -> np.ndarray:
        shape = (scanned_pages.ROWS, scanned_pages.COLUMNS)
        return self._variant.stream("grain").numpy().standard_normal(shape, dtype=np.float32)

    @cached_property
    def _stationery(self) -> scanned_pages.Stationery:
        return scanned_pages.make_stationery(self._recipe, self._grain)

    @cached_property
    def _letterhead(self) -> scanned_pages.Stationery:
        return referral_letter.make_letterhead(self._recipe, self._grain)

    @cached_property
    def _cohort_head(self) -> mr.Head:
        return mr.draw_head(self._variant.stream("head"))

    @cached_property
    def _breast(self) -> mg.Breast:
        return mg.draw_breast(self._variant.stream("breast"))

    @cached_property
    def _screen(self) -> us.Screen:
        return us.make_screen(self._variant.stream("speckle"))

    def images(self, study: StudyPlan, series: SeriesPlan) -> Iterator[Image]:
        """Yield pixels and burned-in identifiers of each instance of a series, in order.

        Pixels are of shape (rows, columns), (frames, rows, columns), or with colour (frames, rows, columns, 3).
        """
        rendered = self._render_methods[series.content](study, series)
        if Trap.BURNED_IN in study.traps and series.content.image and series.content.modality != "US":
            first, burned = next(rendered)
            stream = self._variant.stream("burned in", study.index, series.number)
            picture, more = burn_in(first, study, stream)
            yield picture, burned + more
        yield from rendered

    @cached_property
    def _render_methods(self) -> dict[Content, Callable[[StudyPlan, SeriesPlan], Iterator[Image]]]:
        return {
            Content.CT_SLICE: self._ct,
            Content.MR_T1: self._head,
            Content.MR_T2: self._head,
            Content.MR_FLAIR: self._head,
            Content.RADIOGRAPH: self._radiographs,
            Content.DIGITAL_RADIOGRAPH: self._radiographs,
            Content.MAMMOGRAM: self._mammograms,
            Content.CINE: self._cine,
            Content.COLOUR_CINE: self._colour_cine,
            Content.ULTRASOUND: self._ultrasound,
            Content.COVER_PAGE: self._cover_page,
            Content.LETTER: self._letter,
        }

    def head_slices(self, study: StudyPlan) -> list[HeadSlice]:
        """Return the face and brain regions of each slice of a study's head; all its series show the same head."""
        if self._slices is None or self._slices[0] is not study:
            self._slices = (study, slices_of(self._tissues_of(study)))
        return self._slices[1]

    def _tissues_of(self, study: StudyPlan) -> np.ndarray:
        if self._tissues is None or self._tissues[0] is not study:
            stream = self._variant.stream("head", study.person.index)
            self._tissues = (study, mr.patient_head(self._cohort_head, stream, study.finding.shape))
        return self._tissues[1]

    def _head(self, study: StudyPlan, series: SeriesPlan) -> Iterator[Image]:
        weighting = WEIGHTING[series.content]
        stream = self._variant.stream("mr", study.index, weighting)
        volume = mr.patient_series(self._cohort_head, self._tissues_of(study), stream, weighting)
        for plane in volume[: len(series.instances)]:
            yield plane, []

    def _radiographs(self, study: StudyPlan, series: SeriesPlan) -> Iterator[Image]:
        for instance in series.instances:
            stream, view = self._variant.stream("cr", study.index), cr.VIEWS[instance.number - 1]
            shape, sex = study.finding.shape, study.person.sex
            yield cr.patient_radiograph(self._chest, self._grain, stream, shape, sex, view), []

    def _ultrasound(self, study: StudyPlan, series: SeriesPlan) -> Iterator[Image]:
        for instance in series.instances:
            stream = self._variant.stream("us", study.index, instance.number)
            picture = us.patient_image(self._screen, stream, study.finding.shape, instance.number)
            yield picture, self._banner(picture, study)

    def _cine(self, study: StudyPlan, _series: SeriesPlan) -> Iterator[Image]:
        stream = self._variant.stream("cine", study.index)
        loop = us.patient_loop(self._screen, stream, study.finding.shape, 1, CINE_FRAMES)
        burned = self._banner(loop[0], study)
        top = us.BANNER[3] + 1
        loop[1:, :top] = loop[0, :top]
        yield loop, burned

    def _colour_cine(self, study: StudyPlan, _series: SeriesPlan) -> Iterator[Image]:
        stream = self._variant.stream("colour cine", study.index)
        liver = us.number_of("liver", study.finding.shape)
        loop = us.patient_loop(self._screen, stream, study.finding.shape, liver, COLOUR_FRAMES)
        coloured = us.in_colour(loop, stream)
        burned = self._banner(coloured[0], study)
        top = us.BANNER[3] + 1
        coloured[1:, :top] = coloured[0, :top]
        yield coloured, burned

    def _mammograms(self, study: StudyPlan, series: SeriesPlan) -> Iterator[Image]:
        for laterality, view in mg.VIEWS[: len(series.instances)]:
            stream, scan = self._variant.stream("mg", study.person.index), self._variant.stream("mg scan", study.index)
            yield mg.patient_mammogram(self._breast, stream, study.finding.shape, laterality, view, scan=scan), []

    def _banner(self, picture: np.ndarray, study: StudyPlan) -> list[Burned]:
        return scanned_pages.burn_banner(picture, self._recipe, study, named=Trap.BANNER in study.traps)

    def _cover_page(self, study: StudyPlan, _series: SeriesPlan) -> Iterator[Image]:
        stream = self._variant.stream("cover page", study.index)
        yield scanned_pages.cover_page(self._stationery, study, stream)

    def _letter(self, study: StudyPlan, _series: SeriesPlan) -> Iterator[Image]:
        stream = self._variant.stream("letter", study.index)
        yield referral_letter.referral_letter(self._letterhead, self._recipe, study, stream)

    def _ct(self, study: StudyPlan, series: SeriesPlan) -> Iterator[Image]:
        stream, scan = self._variant.stream("ct", study.person.index), self._variant.stream("ct scan", study.index)
        shape = study.finding.shape
        volume = ct.patient_volume(ct.body_for(shape), self._ct_noise, stream, shape, study.person.sex, scan=scan)
        count = len(series.instances)
        first = min(ct.SLICES - count, MAX_FIRST_SLICE) if count > 2 else FOLLOW_UP_SLICE
        for plane in volume[first : first + count]:
            yield plane, []
