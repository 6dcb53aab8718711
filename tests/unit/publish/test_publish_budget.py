"""What a snapshot costs is known, and refused, before anything is sent."""

from __future__ import annotations

import logging
import os

import pytest
from assay.errors import PublicationError
from assay.publish.budget import Budget, Cost, cost, require_affordable
from assay.publish.target import blob_id

MB = 1_000_000


def test_each_new_content_counts_once_and_what_is_there_does_not() -> None:
    noise = os.urandom(100_000)
    found = cost(
        {"latest/a": noise, "dated/a": noise, "b": b"0" * 300_000, "c": b"known" * 100_000}, {blob_id(b"known" * 100_000)}
    )
    assert (found.largest, found.largest_bytes) == ("b", 300_000)
    assert 100_000 < found.growth_bytes < 103_000
    assert cost({}, set()) == Cost("", 0, 0)


def test_over_a_budget_is_refused_with_advice() -> None:
    budget = Budget(50 * MB, 200 * MB)
    with pytest.raises(PublicationError, match=r"trends.json has 50.1 MB.*ASSAY_SNAPSHOT_FILE_BYTES.*nothing was published"):
        require_affordable(Cost("trends.json", 50_100_000, MB), budget)
    with pytest.raises(PublicationError, match=r"grow by 201.0 MB.*ASSAY_SNAPSHOT_GROWTH_BYTES.*nothing was published"):
        require_affordable(Cost("trends.json", MB, 201 * MB), budget)


def test_near_a_budget_is_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    require_affordable(Cost("trends.json", 39 * MB, 159 * MB), Budget(50 * MB, 200 * MB))
    assert not caplog.records
    require_affordable(Cost("trends.json", 41 * MB, 161 * MB), Budget(50 * MB, 200 * MB))
    assert [record.message.split(":")[0] for record in caplog.records] == [
        "trends.json",
        "the growth of the repository, compressed,",
    ]
