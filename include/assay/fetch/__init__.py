"""For researchers: which recordings answer a question, as a table, and their files in a folder of one's own.

from assay.fetch import sessions
sessions('fatigue>=3 and hardware_model~"X1"').groupby("hardware_model")["fatigue"].mean()
"""

from assay.fetch.files import Fetched, fetch_files
from assay.fetch.frames import files, sessions

__all__ = ["Fetched", "fetch_files", "files", "sessions"]
