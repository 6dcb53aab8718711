"""What a recording session is: its folder, its metadata text and the rules of both. Runs on the lab machine and on the server.

Standard library and PyYAML only: no pandas, no Great Expectations, no database. The shipper calls `validate(folder, ...)` before
it sends a byte; the server calls `judge(recording, ...)`, the pure part of the same, on what has arrived. Both give findings that
name file, field, value and rule. A finding of severity `refused` keeps a folder from being shipped; any other ships with it.
"""

from assay.recording.date_string import format_date_string, in_utc, parse_date_string
from assay.recording.folder import Limits, RecordingFile
from assay.recording.judge import Judged, Recording, judge
from assay.recording.manifest import Lab, recording_manifest, recording_of
from assay.recording.rules import Finding, OnLab, OnServer
from assay.recording.schema import LabSchema, load_schema
from assay.recording.validate import Validated, validate
from assay.recording.values import Variable

__all__ = [
    "Finding",
    "Judged",
    "Lab",
    "LabSchema",
    "Limits",
    "OnLab",
    "OnServer",
    "Recording",
    "RecordingFile",
    "Validated",
    "Variable",
    "format_date_string",
    "in_utc",
    "judge",
    "load_schema",
    "parse_date_string",
    "recording_manifest",
    "recording_of",
    "validate",
]
