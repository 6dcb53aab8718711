"""Raw and processed objects, in a local folder or in S3, behind one interface.

Keys are POSIX paths without a leading slash. The raw layer is written once (`write_once`), the processed layer may be replaced
(`write`). What a store cannot do is a StorageError with one sentence for the operator; a key that is not there is a
FileNotFoundError.
"""

from assay.storage.interface import Storage, StoredObject
from assay.storage.session import find_manifest, store_files, store_session

__all__ = ["Storage", "StoredObject", "find_manifest", "store_files", "store_session"]
