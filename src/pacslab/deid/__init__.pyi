from .audit.audit_key import AuditKey
from .audit.cohort import audit_cohort
from .audit.parallel_scan import ParallelScan, in_batches
from .audit.pixels.face_check import face_remains
from .audit.report.model import CheckId, CohortReport, DeidReport, Tally
from .audit.scan import FileScan, FileScanner
from .audit.study import audit_study
from .benchmark.scratch_orthanc import scratch_orthanc
from .benchmark.table import run_league
from .deidentify.folder import run_recipe
from .deidentify.study import deidentify_study
from .deidentify.text_detection.detector import can_read
from .dicom.output_folder import Listed, Source, parse_dicom, quiet_pydicom
from .dicom.output_sources import open_source
from .dicom.pixels import decode
from .reidentification.attacks import (
    follow_the_news,
    join_with_admissions,
    numbers_of,
    smallest_group,
    undo_date_shifts,
    undo_hashes,
)
from .reidentification.background_knowledge import Admission, Story, admissions, background_knowledge
from .reidentification.faces import (
    city_hospital,
    heads_of,
    match_faces,
    portraits_around,
    relief,
    render_faces,
    side_by_side,
    unlike,
)
from .reidentification.records import read_records, records_of
from .reidentification.tradeoff import Choices, read_choices, weigh
from .reidentification.weak_releases import Mistake, release_badly
from .worker_pool import in_order

__all__ = [
    "Admission",
    "AuditKey",
    "CheckId",
    "Choices",
    "CohortReport",
    "DeidReport",
    "FileScan",
    "FileScanner",
    "Listed",
    "Mistake",
    "ParallelScan",
    "Source",
    "Story",
    "Tally",
    "admissions",
    "audit_cohort",
    "audit_study",
    "background_knowledge",
    "can_read",
    "city_hospital",
    "decode",
    "deidentify_study",
    "face_remains",
    "follow_the_news",
    "heads_of",
    "in_batches",
    "in_order",
    "join_with_admissions",
    "match_faces",
    "numbers_of",
    "open_source",
    "parse_dicom",
    "portraits_around",
    "quiet_pydicom",
    "read_choices",
    "read_records",
    "records_of",
    "release_badly",
    "relief",
    "render_faces",
    "run_league",
    "run_recipe",
    "scratch_orthanc",
    "side_by_side",
    "smallest_group",
    "undo_date_shifts",
    "undo_hashes",
    "unlike",
    "weigh",
]
