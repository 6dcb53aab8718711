"""Reads a published dataset: from a stable URL on any static host, or from a folder. It needs pandas and nothing else of Assay.

    from assay.client import Dataset

    dataset = Dataset("https://example.org/dataset/")
    dataset.results(benchmark="stream", metric="triad_bandwidth", architecture="graviton")
    dataset.compare(["c7g.large", "m7i.large"])

Every document is checked against the SHA-256 in the snapshot's manifest before a number is read from it.
"""

from assay.client.compare import MAX_COMPARED
from assay.client.dataset import Dataset
from assay.client.errors import ClientError, Corrupt, NotCached, NotPublished, Superseded, Unreachable

__all__ = ["MAX_COMPARED", "ClientError", "Corrupt", "Dataset", "NotCached", "NotPublished", "Superseded", "Unreachable"]
