"""Waits for machines in the triggerer, where two hundred who wait take no worker."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from airflow.triggers.base import BaseTrigger, TriggerEvent

from assay.collect.fleet.launch import Launched
from assay.collect.fleet.wait import wait_for
from assay.settings import Settings


class ManifestTrigger(BaseTrigger):
    """Fires when a machine has uploaded its manifest, or when it is known that it never will.

    The event: `outcome` (`uploaded`, or a class of failure), `says`, a sentence, and `launched` as it was given, which is a
    `Launched.to_document`.
    """

    def __init__(self, launched: dict[str, Any]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.launched = launched

    def serialize(self) -> tuple[str, dict[str, Any]]:
        return f"{type(self).__module__}.{type(self).__qualname__}", {"launched": self.launched}

    async def run(self) -> AsyncIterator[TriggerEvent]:
        standing = await wait_for(Settings(), Launched(**self.launched), self.log)
        yield TriggerEvent(  # type: ignore[no-untyped-call]
            {"outcome": str(standing.outcome), "says": standing.says, "launched": self.launched}
        )
