"""The pages of quarantine and recordings in the real Airflow UI, in a real Chromium.

That they ask for a login is in tests/dags/test_plugin.py.
"""

from __future__ import annotations

import shutil
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from assay.collect.imports import import_folder
from assay.ingest.arrive import sweep
from assay.orchestration.stack import LocalStack
from assay.process import judge_recordings, preprocess_recordings, process_arrived
from assay.settings import Settings
from assay.workspace import Workspace, open_workspace
from browser import Watched, chromium
from made_labs import METADATA, START, ship, write_folder
from real_recordings import BDF, EDF

pytestmark = [pytest.mark.full, pytest.mark.airflow, pytest.mark.enable_socket, pytest.mark.timeout(600)]

SOME = 12


def record(workspace: Workspace, folder: Path) -> None:
    """Recordings of a lab: a good one, one with another picture and an unknown key, a broken one, one with bad metadata."""
    made: list[dict[str, Any]] = [
        {"files": {"night.edf": EDF}},
        {"files": {"day.bdf": BDF, "x.bin": b"x"}, "metadata": f"{METADATA}mood: odd\n"},
        {"files": {"cut.edf": EDF.read_bytes()[:100_000]}},
        {"metadata": "fatigue: 12\nhardware_model: X1\nsampling_rate: 250 Hz\n"},
    ]
    for hour, what in enumerate(made):
        written = START + timedelta(hours=hour, minutes=30)
        ship(workspace, write_folder(folder, f"20240229_{16 + hour}1221", at=written, **what))
    sweep(workspace)
    judge_recordings(workspace)
    preprocess_recordings(workspace)


def look_at_recordings(page: Any, pictures: Path) -> None:
    """From the menu to the page, a question, an order, and back."""
    page.goto("/")
    page.get_by_role("button", name="Browse").click()
    page.get_by_role("menuitem", name="Recordings").click()
    inside = page.frame_locator("iframe")
    inside.locator("article").first.wait_for()
    assert inside.locator("h2").all_inner_texts() == ["20240229_191221", "20240229_181221", "20240229_171221", "20240229_161221"]
    assert inside.locator(".badge").all_inner_texts() == [
        "quarantined",
        "quarantined",
        "accepted with warnings",
        "accepted",
    ]
    for image in inside.locator("img").all():
        image.scroll_into_view_if_needed()
        image.evaluate("image => image.decode()")
        assert image.evaluate("image => image.naturalWidth") > 100
    page.screenshot(path=pictures / "recordings.png")
    inside.get_by_label("question").fill('fatigue>=3 and hardware_model~"x1" and not verdict=quarantined')
    inside.get_by_label("sort").select_option("started")
    inside.get_by_role("button", name="Show").click()
    inside.locator("h2", has_text="20240229_181221").wait_for(state="detached")
    assert inside.locator("h2").all_inner_texts() == ["20240229_161221", "20240229_171221"]
    inside.get_by_label("question").fill("fatigue>=")
    inside.get_by_role("button", name="Show").click()
    assert "at character" in inside.get_by_role("alert").inner_text()


def look_on_every_screen(browser: Any, base: str, cookies: Any, pictures: Path) -> None:
    """Nothing is cut off sideways, on a phone and on a desk, by day and by night."""
    for width, dark in ((390, False), (390, True), (1400, False), (1400, True)):
        watched = Watched(browser, base, width=width, height=900, dark=dark)
        watched.context.add_cookies(cookies)  # logged in as before
        watched.page.set_default_timeout(90_000)
        watched.page.goto("/assay-sessions/")
        watched.page.locator("article").first.wait_for()
        assert watched.page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
        for image in watched.page.locator("img").all():
            image.scroll_into_view_if_needed()
            image.evaluate("image => image.decode()")
        watched.page.screenshot(path=pictures / f"recordings-{width}-{'dark' if dark else 'light'}.png", full_page=True)
        assert watched.complaints == []
        watched.close()


def test_an_operator_finds_sessions_their_reasons_and_the_rules(settings: Settings, test_data: Path, tmp_path: Path) -> None:
    folder = tmp_path / "results"
    folder.mkdir()
    for file in sorted((test_data / "instance-benchmarks" / "2025-06-29").glob("*.json"))[-SOME:]:
        shutil.copy(file, folder)
    with chromium() as browser, LocalStack(settings) as stack:
        with open_workspace(settings=stack.settings) as workspace:
            import_folder(workspace, "aws-instance-benchmarks", folder)
            held = process_arrived(workspace).quarantined
            record(workspace, tmp_path / "lab")
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
        look_at_recordings(page, tmp_path)
        look_on_every_screen(browser, stack.url, page.context.cookies(), tmp_path)
