"""The quarantine in the real Airflow UI, in a real Chromium. That it asks for a login is in tests/dags/test_plugin.py."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from assay.collect.imports import import_folder
from assay.orchestration.stack import LocalStack
from assay.process import process_arrived
from assay.settings import Settings
from assay.workspace import open_workspace
from browser import chromium

pytestmark = [pytest.mark.full, pytest.mark.airflow, pytest.mark.enable_socket, pytest.mark.timeout(600)]

SOME = 12


def test_an_operator_finds_a_session_its_reason_and_the_rule(settings: Settings, test_data: Path, tmp_path: Path) -> None:
    folder = tmp_path / "results"
    folder.mkdir()
    for file in sorted((test_data / "instance-benchmarks" / "2025-06-29").glob("*.json"))[-SOME:]:
        shutil.copy(file, folder)
    with chromium() as browser, LocalStack(settings) as stack:
        with open_workspace(settings=stack.settings) as workspace:
            import_folder(workspace, "aws-instance-benchmarks", folder)
            held = process_arrived(workspace).quarantined
        assert held > 0
        page = browser.new_context(viewport={"width": 1400, "height": 900}, base_url=stack.url).new_page()
        page.set_default_timeout(90_000)
        page.goto("/")
        page.get_by_role("button", name="Browse").click()
        page.get_by_role("menuitem", name="Quarantine").click()
        inside = page.frame_locator("iframe")
        inside.locator("article").first.wait_for()
        assert inside.locator("article").count() == held
        assert inside.locator("p").first.inner_text().startswith(f"{held} session")
        page.screenshot(path=tmp_path / "quarantine.png")
        inside.locator("select[name=rule]").select_option("fabrication.same-vector")
        inside.get_by_role("button", name="Show").click()
        link = inside.get_by_role("link", name="fabrication.same-vector").first
        link.click()
        inside.get_by_role("heading", name="Rules").wait_for()
        assert inside.locator('td[id="fabrication.same-vector"]').is_visible()
        page.screenshot(path=tmp_path / "rules.png")
