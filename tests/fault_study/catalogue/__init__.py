"""The project's own catalogue of data faults: what systems and people do to feeds overnight, each as one change of landed files.

FAULTS is a dict of name -> (feed, what happened, function of the hospital's landing folder). A catalogue of the same form can be
given to `make fault-study FAULTS=file.py`.
"""

from tests.fault_study.catalogue import (
    all_feeds,
    any_file,
    follow_up,
    new_patients,
    pathology,
    registry,
    treatments,
    vital_status,
)
from tests.fault_study.catalogue.listing import FAULTS

__all__ = [
    "FAULTS",
    "all_feeds",
    "any_file",
    "follow_up",
    "new_patients",
    "pathology",
    "registry",
    "treatments",
    "vital_status",
]
