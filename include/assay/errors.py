"""What Assay raises. Standard library only: the agent carries this file to the measured machine.

A message says which file, which field, what was found, what was expected and what to do.
"""


class AssayError(Exception):
    """Base of everything that Assay raises on purpose; the command line prints it as one line and exits with 1."""


class ManifestError(AssayError):
    """The bytes do not form a session: the manifest is missing, unreadable, or contradicts itself."""


class StorageConflict(AssayError):
    """A key that is written once already holds other bytes."""


class TooLarge(AssayError):
    """An input is larger than the limit for its kind; it was not read."""


class Unreadable(AssayError):
    """A raw file is not what its tool prints: truncated, empty, of another tool, or not text. Never a part is read."""


class SchemaMismatch(AssayError):
    """A document does not satisfy its published schema."""


class DatasetConflict(AssayError):
    """The request would mix what must stay apart: another licence, or another dataset."""


class PublicationError(AssayError):
    """The snapshot could not be published, or what was read back is not what was sent."""


class ArchiveError(AssayError):
    """An archive of raw sessions is missing, damaged, or not what was noted of it; nothing is deleted that it should hold."""


class NotWhole(PublicationError):
    """What was read back of a snapshot is not what was sent: nothing that it was made of may be removed."""


class NotificationFailed(AssayError):
    """Who is to be told of a published snapshot could not be told; the snapshot stays published, and a rerun tries again."""


class StorageError(AssayError):
    """A store cannot do what was asked: no space, no permission, no network, no credentials, or a key that is not allowed."""


class ProcessorDied(AssayError):
    """The process in which a processor runs was ended from outside, as where memory runs short; a rerun goes on."""


class DatabaseUnavailable(AssayError):
    """PostgreSQL cannot be started or reached, or went away in the middle; a rerun continues where it stopped."""


class PricesUnavailable(AssayError):
    """The price list cannot be asked, or says what it cannot mean; the prices known before stand."""


class FleetRefused(AssayError):
    """A run on EC2 is not started: what was asked for cannot be measured, or goes over a hard limit."""


class AwsUnavailable(AssayError):
    """AWS cannot be asked: no credentials, no permission, no network, or an answer that is not of the documented form."""
