from .documents import (
    check_document,
    describe_invalid,
    did_you_mean,
    read_mapping,
    read_utf8,
    read_yaml,
)
from .loading import load_scenario, scenario_ids
from .models import AnswerCheck, DeidObjective, Id, Objective, ProbeCheck, Scenario, Severity, Stage
from .variant import STUDENT_ID, Stream, Variant, make_variant
from .weaknesses import Change

__all__ = [
    "STUDENT_ID",
    "AnswerCheck",
    "Change",
    "DeidObjective",
    "Id",
    "Objective",
    "ProbeCheck",
    "Scenario",
    "Severity",
    "Stage",
    "Stream",
    "Variant",
    "check_document",
    "describe_invalid",
    "did_you_mean",
    "load_scenario",
    "make_variant",
    "read_mapping",
    "read_utf8",
    "read_yaml",
    "scenario_ids",
]
