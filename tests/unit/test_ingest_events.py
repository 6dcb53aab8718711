"""What a queue's messages name: manifests of recordings, and nothing else whatever they hold."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote_plus

import pytest
from assay.ingest.events import manifest_keys
from hypothesis import given
from hypothesis import strategies as st

KEY = "raw/recording/2024/03/01/20240229T151221Z-3fa9c24be01d/manifest.json"


def s3_event(*keys: str) -> dict[str, Any]:
    return {"Records": [{"eventName": "ObjectCreated:Put", "s3": {"object": {"key": quote_plus(key, safe="/")}}} for key in keys]}


@pytest.mark.parametrize(
    "message",
    [
        s3_event(KEY),
        json.dumps(s3_event(KEY)),
        [s3_event(KEY), s3_event(KEY)],
        {"status": "success", "message_batch": [{"MessageId": "1", "Body": json.dumps(s3_event(KEY))}]},
        {"Type": "Notification", "Message": json.dumps(s3_event(KEY))},
        s3_event(f"a bucket's prefix/{KEY}", KEY.replace("manifest.json", "a.edf"), KEY),
    ],
    ids=["parsed", "text", "twice", "as Airflow hands it on", "through SNS", "below a prefix"],
)
def test_a_message_names_the_manifest_once(message: object) -> None:
    assert manifest_keys(message) == (KEY,)


@pytest.mark.parametrize(
    "message",
    [
        {"Service": "Amazon S3", "Event": "s3:TestEvent"},
        s3_event("raw/recording/2024/03/01/manifest.json", "raw/instance_benchmark/2024/03/01/x/manifest.json"),
        {"Records": [{"s3": {"object": {"key": 7}}}, {"s3": None}, 5]},
        {"Records": 3},
        "{not json",
        "[" * 5_000,
        None,
    ],
)
def test_any_other_message_names_none(message: object) -> None:
    assert manifest_keys(message) == ()


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: (
        st.lists(inner) | st.dictionaries(st.sampled_from(["Records", "Body", "Message", "s3", "object", "key"]), inner)
    ),
)


@given(anything)
def test_any_message_whatever_is_read_without_an_error(message: object) -> None:
    assert isinstance(manifest_keys(message), tuple)
