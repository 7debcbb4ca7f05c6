from .answer_key import (
    AGE_TOP_CODE,
    AnswerKey,
    Box,
    Identifier,
    InstanceKey,
    Keeping,
    Location,
    Origin,
    PatientKey,
    PlantedIdentifier,
    Region,
    RetainedValue,
    StudyKey,
)
from .answer_key_formats import Canaries, from_compact
from .build import Cohort, build_cohort, is_synthetic
from .encoding.explicit_vr import tag_text
from .export import write_cohort, write_key
from .pixel_digests import BOX_MARGIN, digest_outside, digest_within, without_boxes
from .plan.plan import StudyPlan
from .provenance import (
    GENERATOR_VERSION,
    describe_key_origin,
    describe_this_machine,
    origin_of,
    other_patients,
)
from .recipe.recipe import load_recipe, recipe_names
from .recipe.traps import Trap
from .render.burned_in_text import burn_in
from .render.portraits import PORTRAIT_PIXEL_MM, Portrait, portraits
from .render.scanned_pages import letters

__all__ = [
    "AGE_TOP_CODE",
    "BOX_MARGIN",
    "GENERATOR_VERSION",
    "PORTRAIT_PIXEL_MM",
    "AnswerKey",
    "Box",
    "Canaries",
    "Cohort",
    "Identifier",
    "InstanceKey",
    "Keeping",
    "Location",
    "Origin",
    "PatientKey",
    "PlantedIdentifier",
    "Portrait",
    "Region",
    "RetainedValue",
    "StudyKey",
    "StudyPlan",
    "Trap",
    "build_cohort",
    "burn_in",
    "describe_key_origin",
    "describe_this_machine",
    "digest_outside",
    "digest_within",
    "from_compact",
    "is_synthetic",
    "letters",
    "load_recipe",
    "origin_of",
    "other_patients",
    "portraits",
    "recipe_names",
    "tag_text",
    "without_boxes",
    "write_cohort",
    "write_key",
]
