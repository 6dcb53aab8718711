"""The explorer in a real Chromium, over trees as they are published: what it shows is what the documents say."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import quote

import orjson
import pytest
from assay.collect.imports import import_folder
from assay.dataset.build import build_documents
from assay.dataset.content import DatasetContent
from assay.process import process_arrived
from assay.publish.local import LocalRepository
from assay.publish.plan import Plan, plan
from assay.publish.snapshot import publish_snapshot
from assay.reference.prices.known import price_frame
from assay.reference.prices.offline import offline_price
from assay.settings import Settings
from assay.workspace import open_workspace
from browser import Watched, checkout, chromium, static_host
from dataset_content import Series, fleet, make_content, simple, stream

pytestmark = [pytest.mark.full, pytest.mark.enable_socket]

REGION = "us-east-1"
LATEST = "data/processed/latest"
HOSTILE = "<img src=x onerror=\"document.title='taken'\"><script>document.title='taken'</script>"
VIEWS = (
    "",
    "#/explore?chart=none&q=large",
    "#/type/{type}",
    "#/compare?pick={type},{other}",
    "#/quarantine",
    "#/source/{type}/{metric}",
    "#/about",
    "#/type/no-such-type",
)


class Site:
    """A published tree on a static host, and what its documents say."""

    def __init__(self, folder: Path, base: str) -> None:
        self.folder, self.base = folder, base
        self.documents: dict[str, Any] = {
            path.name: orjson.loads(path.read_bytes()) for path in (folder / LATEST).glob("*.json") if path.name != "bundle.json"
        }

    def cells(self, document: str, benchmark: str, field: str, configuration: str) -> dict[str, Any]:
        """Every quantity of one configuration, by type, wherever the document has it; `provisional` says where."""
        found: dict[str, Any] = {}
        data = self.documents[document]
        for part in ("benchmarks", "provisional"):
            for instance, entry in data[part].get(benchmark, {}).items():
                if field in entry and entry[field]["configuration"] == configuration:
                    found[instance] = entry[field] | {"provisional": part == "provisional"}
        for instance, fields in data["variants"].get(benchmark, {}).get(configuration, {"instances": {}})["instances"].items():
            if field in fields:
                found[instance] = fields[field] | {"provisional": "confidence_interval" not in fields[field]}
        return found


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as running:
        yield running


def published(content: DatasetContent, folder: Path) -> Path:
    """The tree of a content as it is committed, with its documents over time."""
    over_time: dict[str, bytes] = {}
    documents = build_documents(content, over_time.__setitem__)
    target = LocalRepository(folder / "dataset.git")
    planned = plan(target, documents)
    assert isinstance(planned, Plan)
    target.commit(planned.change, "made", expected=None, tag=planned.name)
    tree = checkout(target.path, folder / "tree")
    for path, data in over_time.items():
        (tree / "data/processed" / path).parent.mkdir(parents=True, exist_ok=True)
        (tree / "data/processed" / path).write_bytes(data)
    return tree


def market() -> DatasetContent:
    """Five sizes of three families, a burstable one and a host, with the prices of the offline table in two regions."""
    series: list[Series] = []
    for family, level in (("m7i", 11.0), ("c7g", 13.0), ("r7a", 15.0), ("t3", 6.0)):
        for size, vcpus in (("large", 2), ("xlarge", 4), ("2xlarge", 8), ("4xlarge", 16), ("8xlarge", 32)):
            if family == "t3" and vcpus > 8:
                continue
            series += stream(f"{family}.{size}", level * vcpus**0.9)
            series.append(simple(f"{family}.{size}", "hpl", "gflops", "GFLOPS", 16.0 * vcpus))
            series.append(simple(f"{family}.{size}", "launch", "boot_time", "seconds", 9.0 + level + vcpus / 10))
    series += [*stream("host-1a2b3c4d", 20.0), *stream("c7a.large", 21.0, 1, 2)]
    names = sorted({one.subject for one in series if not one.subject.startswith("host-")})
    prices = price_frame(offline_price(name, region) for name in names for region in (REGION, "eu-central-1"))
    return replace(make_content(series), prices=prices)


@pytest.fixture(scope="module")
def priced(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A tree whose types have prices and whose families have sizes that were not measured."""
    tree = published(market(), tmp_path_factory.mktemp("priced"))
    with static_host(tree) as base:
        yield Site(tree, base)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A small tree: four types, a host, values over three days, and a quarantine that quotes HTML."""
    drifting = simple("m7i.large", "stream", "triad_bandwidth", "GB/s", 47.9, 50, size_policy="fixed", implementation="daily")
    tree = published(make_content([*fleet(), drifting]), tmp_path_factory.mktemp("made"))
    quarantine = orjson.loads((tree / LATEST / "quarantine.json").read_bytes())
    quarantine[0]["reasons"][0] |= {"message": HOSTILE, "value": HOSTILE}
    (tree / LATEST / "quarantine.json").write_bytes(orjson.dumps(quarantine))
    with static_host(tree) as base:
        yield Site(tree, base)


@pytest.fixture(scope="module")
def real(test_data: Path, settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The published tree of other people's real results."""
    with open_workspace("sc", settings) as workspace:
        import_folder(workspace, "spare-cores", test_data / "spare-cores")
        process_arrived(workspace)
        publish_snapshot(workspace)
        tree = checkout(settings.git_repository("sc"), tmp_path_factory.mktemp("real") / "tree")
    with static_host(tree) as base:
        yield Site(tree, base)


@pytest.fixture
def visit(browser: Any) -> Iterator[Callable[..., Watched]]:
    """Opens watched pages; nothing may have complained when the test ends, and nothing may have been asked of another host."""
    opened: list[Watched] = []

    def open_page(site: Site, **options: Any) -> Watched:
        opened.append(Watched(browser, site.base, **options))
        return opened[-1]

    yield open_page
    for watched in opened:
        watched.close()
    assert [complaint for watched in opened for complaint in watched.complaints] == []
    assert [url for watched in opened for url in watched.requested if not url.startswith((watched.base, "about:"))] == []


def shown(page: Any) -> list[dict[str, Any]]:
    """The rows of the measured table: type, exact value, text, tag, rank."""
    return list(
        page.locator(".results > .sheet tbody").evaluate(
            """body => [...body.rows].map(row => ({
                type: row.querySelector('th a').textContent,
                value: Number(row.querySelector('a.figure data').value),
                text: row.querySelector('a.figure data').textContent,
                bounds: [...row.querySelectorAll('td > .interval data')].map(one => Number(one.value)),
                provisional: row.querySelector('td > .tag.provisional') !== null,
                cells: row.textContent,
            }))"""
        )
    )


def test_numbers_intervals_and_marks_are_those_of_the_documents(real: Site, visit: Callable[..., Watched]) -> None:
    page = visit(real).open("#/explore?metric=passmark.cpu_mm&rows=all")
    rows = shown(page)
    cells = real.cells("cpu-benchmarks.json", "passmark", "cpu_mm", page.get_by_label("Configuration").input_value())
    assert len(cells) > 100
    assert {row["type"]: row["value"] for row in rows} == {name: cell["value"] for name, cell in cells.items()}
    for row in rows:
        cell = cells[row["type"]]
        decimals = len(row["text"].partition(".")[2])
        assert float(row["text"].replace(",", "")) == pytest.approx(cell["value"], abs=0.5 * 10**-decimals + 1e-9)
        assert row["provisional"] == cell["provisional"]
        assert row["bounds"] == cell.get("confidence_interval", [])
    assert any(row["provisional"] for row in rows)
    assert not all(row["provisional"] for row in rows)


def test_headers_sort_and_the_back_button_undoes_it(real: Site, visit: Callable[..., Watched]) -> None:
    watched = visit(real)
    page = watched.open("#/explore?metric=launch.boot_time")
    value = page.locator("th[aria-sort]")
    assert value.get_attribute("aria-sort") == "ascending"  # less is better
    page.get_by_role("button", name="Median, seconds").click()
    page.locator("th[aria-sort=descending]").wait_for()
    assert [row["value"] for row in shown(page)] == sorted((row["value"] for row in shown(page)), reverse=True)
    page.get_by_role("button", name="Type", exact=True).focus()
    page.keyboard.press("Enter")
    page.locator("th[aria-sort=ascending]", has_text="Type").wait_for()
    assert page.evaluate("document.activeElement.dataset.focus") == "sort-type"
    page.go_back()
    page.locator("th[aria-sort=descending]", has_text="Median").wait_for()
    page.go_back()
    page.locator("th[aria-sort=ascending]", has_text="Median").wait_for()


def test_filters_narrow_the_table_and_make_a_link(real: Site, visit: Callable[..., Watched]) -> None:
    watched = visit(real)
    page = watched.open("#/explore?metric=passmark.cpu_mm&chart=none&rows=all")
    everything = shown(page)
    page.get_by_label("Find a type").press_sequentially("large", delay=5)
    page.wait_for_url(re.compile("q=large"))
    assert {row["type"] for row in shown(page)} == {row["type"] for row in everything if "large" in row["type"]}
    page.get_by_role("checkbox", name="Graviton").check()
    page.wait_for_url(re.compile("arch=graviton"))
    page.get_by_role("checkbox", name="AMD").check()
    page.wait_for_url(re.compile("arch=graviton,amd"))
    narrowed = shown(page)
    assert 0 < len(narrowed) < len(everything)
    assert all(re.search("Graviton|AMD", row["cells"]) for row in narrowed)
    other = visit(real).open(page.url.removeprefix(real.base))
    assert shown(other) == narrowed
    page.get_by_label("Find a type").fill("zzz")
    page.get_by_text("No measured type passes these filters.").wait_for()
    page.get_by_role("button", name="Clear the filters").first.click()
    page.locator(".results > .sheet").wait_for()
    assert len(shown(page)) == len(everything)


def test_only_with_an_interval_leaves_the_provisional_out(real: Site, visit: Callable[..., Watched]) -> None:
    page = visit(real).open("#/explore?metric=launch.boot_time&only=interval")
    rows = shown(page)
    assert {row["type"] for row in rows} == real.documents["cpu-benchmarks.json"]["benchmarks"]["launch"].keys()
    assert not any(row["provisional"] for row in rows)


def test_five_types_can_be_compared_and_a_sixth_is_refused_in_words(real: Site, visit: Callable[..., Watched]) -> None:
    watched = visit(real)
    page = watched.open("#/explore?metric=launch.boot_time&chart=none&only=interval")
    names = [row["type"] for row in shown(page)][:6]
    for name in names[:5]:
        page.get_by_role("checkbox", name=f"Compare {name}", exact=True).check()
        page.get_by_role("button", name=f"Remove {name}", exact=True).wait_for()
    page.get_by_role("checkbox", name=f"Compare {names[5]}", exact=True).click()
    page.get_by_role("status").get_by_text("5 types are chosen already").wait_for()
    page.get_by_role("link", name="Compare", exact=True).last.click()
    page.get_by_role("heading", name="Compare").wait_for()
    watched.settle()
    launched = real.documents["cpu-benchmarks.json"]["benchmarks"]["launch"]
    row = page.get_by_role("row", name=re.compile("^Boot time"))
    values = row.locator("a.figure data").evaluate_all("all => all.map(one => Number(one.value))")
    assert values == [launched[name]["boot_time"]["value"] for name in names[:5]]
    first = launched[names[0]]["boot_time"]
    for name, said in zip(names[1:5], row.locator(".against").all_text_contents()[1:], strict=True):
        low, high = launched[name]["boot_time"]["confidence_interval"]
        apart = low > first["confidence_interval"][1] or high < first["confidence_interval"][0]
        ratio = launched[name]["boot_time"]["value"] / first["value"]
        times, word = re.fullmatch(r"([\d.]+)\u00d7 (faster|slower)", said).groups() if apart else ("", "")
        assert apart or said == "no difference"
        assert not apart or float(times) == pytest.approx(max(ratio, 1 / ratio), rel=0.005)
        assert not apart or word == ("slower" if ratio > 1 else "faster")


def test_prices_and_what_a_dollar_buys_are_those_of_the_documents(priced: Site, visit: Callable[..., Watched]) -> None:
    instances = priced.documents["price-performance.json"]["instances"]
    for region in (REGION, "eu-central-1"):
        page = visit(priced).open(f"#/explore?metric=stream.triad_bandwidth&chart=none&region={region}")
        heads = page.locator(".results > .sheet thead th").all_inner_texts()
        price, worth = (next(at for at, head in enumerate(heads) if word in head) for word in ("USD an hour", "Per dollar"))
        found = page.locator(".results > .sheet tbody tr").evaluate_all(
            """(rows, [price, worth]) => rows.map(row => [
                row.querySelector("th a").textContent,
                ...[price, worth].map(at => row.cells[at].querySelector("data")?.value ?? null),
            ])""",
            [price, worth],
        )
        assert len(found) == 20
        for name, hourly, bought in found:
            entry = instances.get(name, {}).get(region, {"hourly_price": None})
            value = entry.get("value_per_dollar", {}).get("triad_bandwidth", {}).get("value")
            assert (None if hourly is None else float(hourly)) == (entry["hourly_price"] or {}).get("value"), name
            assert (None if bought is None else float(bought)) == value, name
        assert sum(bought is not None for _, _, bought in found) >= 10
        page.get_by_role("button", name="Per dollar").click()
        page.locator("th[aria-sort=descending]", has_text="Per dollar").wait_for()
        bought = [float(value) for value in page.locator("td.worth data").evaluate_all("all => all.map(one => one.value)")]
        assert bought == sorted(bought, reverse=True)


def test_the_price_columns_are_in_sight_on_a_common_screen(priced: Site, visit: Callable[..., Watched]) -> None:
    page = visit(priced, width=1280).open("#/explore?metric=stream.triad_bandwidth")
    assert page.get_by_role("button", name="Per dollar").bounding_box()["x"] < 1280 - 60
    sheet = page.locator(".results .scroll").first
    assert sheet.evaluate("one => one.scrollWidth - one.clientWidth") <= 0


def test_every_point_against_price_is_a_published_value_and_its_price(priced: Site, visit: Callable[..., Watched]) -> None:
    page = visit(priced, height=1600).open("#/explore?metric=stream.triad_bandwidth&chart=price")
    instances = priced.documents["price-performance.json"]["instances"]
    triads = priced.documents["memory-benchmarks.json"]["benchmarks"]["stream"]
    few = priced.documents["memory-benchmarks.json"]["provisional"]["stream"]
    seen = {}
    points = page.locator(".canvas svg .mark-symbol.role-mark path")
    for at in range(points.count()):
        # The pointer is put there, whatever lies above it.
        points.nth(at).dispatch_event("pointermove", {"bubbles": True})
        tip = page.locator("#bubble").text_content()
        name, value, price = re.fullmatch(r"(\S+): ([\d.,]+) GB/s.*; ([\d.]+) USD an hour", tip).groups()
        triad = (triads.get(name) or few[name])["triad_bandwidth"]["value"]
        assert float(value.replace(",", "")) == pytest.approx(triad, rel=5e-4)
        assert ("provisional" in tip) == (name not in triads)
        seen[name] = float(price)
    expected = {name: entry[REGION]["hourly_price"] for name, entry in instances.items()}
    assert seen == {name: price["value"] for name, price in expected.items() if price}
    assert len(seen) >= 15
    page.get_by_text("without a price there").wait_for()


def test_the_first_view_does_not_wait_for_prices_and_has_them_when_they_come(priced: Site, visit: Callable[..., Watched]) -> None:
    watched = visit(priced)
    held: list[Any] = []
    watched.page.route("**/price-performance.json", lambda route: held.append(route))
    watched.page.goto(f"{priced.base}#/explore?metric=stream.triad_bandwidth&chart=none")
    watched.page.locator(".results > .sheet").wait_for()
    watched.page.get_by_text("Prices and estimates are on their way.").wait_for()
    assert len(shown(watched.page)) == 20
    watched.page.get_by_role("checkbox", name="Compare m7i.large", exact=True).focus()
    held[0].continue_()
    watched.page.get_by_role("button", name="Per dollar").wait_for()
    watched.settle()
    assert watched.page.evaluate("document.activeElement.dataset.focus") == "pick-m7i.large"
    assert watched.page.get_by_text("on their way").count() == 0


def test_a_price_limit_leaves_the_dearer_out(priced: Site, visit: Callable[..., Watched]) -> None:
    page = visit(priced).open("#/explore?metric=stream.triad_bandwidth&chart=none")
    page.get_by_label("At most, USD an hour").fill("0.4")
    page.wait_for_url(re.compile("price=0.4"))
    instances = priced.documents["price-performance.json"]["instances"]
    hourly = {name: (entry[REGION]["hourly_price"] or {"value": 99})["value"] for name, entry in instances.items()}
    assert {row["type"] for row in shown(page)} == {name for name, price in hourly.items() if price <= 0.4}


def test_estimates_stand_apart_and_are_those_of_the_document(priced: Site, visit: Callable[..., Watched]) -> None:
    page = visit(priced).open("#/explore?metric=stream.triad_bandwidth&chart=none&family=m7i,c7g")
    estimates = priced.documents["predictions.json"]["estimates"]
    rows = page.locator("section.estimates tbody tr").evaluate_all(
        """rows => rows.map(row => [
            row.querySelector("th").textContent,
            ...[...row.querySelectorAll(":scope > td > data, .estimate data")].map(one => Number(one.value)),
        ])"""
    )
    expected = {
        name: [
            one["vcpus"],
            one["estimate"],
            *one["prediction_interval"],
            estimates[family]["triad_bandwidth"]["mean_left_out_percent"],
        ]
        for family in ("m7i", "c7g")
        for name, one in estimates[family]["triad_bandwidth"]["instances"].items()
    }
    assert {name: numbers for name, *numbers in rows} == expected
    assert len(expected) >= 4
    measured = {row["type"] for row in shown(page)}
    assert measured.isdisjoint(expected)
    page.get_by_role("heading", name="Estimated, not measured").wait_for()
    page.locator("section.estimates th a").first.click()
    page.get_by_text("This type was not measured.").wait_for()


def test_a_burstable_type_is_marked_wherever_it_is_compared(priced: Site, visit: Callable[..., Watched]) -> None:
    page = visit(priced).open("#/explore?metric=stream.triad_bandwidth&chart=none")
    marked = {row["type"] for row in shown(page) if "burstable" in row["cells"]}
    assert marked == {"t3.large", "t3.xlarge", "t3.2xlarge"}
    assert "3 burstable" in page.locator(".summary").text_content()
    page = visit(priced).open("#/type/t3.large")
    assert "CPU credits" in page.locator("main").text_content()
    page = visit(priced).open("#/compare?pick=m7i.large,t3.large&metric=launch.boot_time")
    heads = page.locator(".matrix thead").first.locator("th").all_text_contents()
    assert ["burstable" in head for head in heads] == [False, False, True]
    row = page.get_by_role("row", name=re.compile("^Boot time"))
    assert re.search(r"\u00d7 faster", row.inner_text())


def test_a_number_leads_to_its_raw_files(real: Site, visit: Callable[..., Watched]) -> None:
    watched = visit(real)
    page = watched.open("#/explore?metric=launch.boot_time&chart=none&only=interval")
    row = shown(page)[0]
    page.locator(".results a.figure").first.click()
    page.get_by_role("heading", name="The published value").wait_for()
    assert float(page.locator("#value").get_attribute("value")) == row["value"]
    quantity = real.documents["cpu-benchmarks.json"]["benchmarks"]["launch"][row["type"]]["boot_time"]
    listed = {one["session"]: one for one in real.documents["manifest.json"]["sessions"]}
    expected = [file["sha256"] for session in quantity["sources"] for file in listed[session]["files"]]
    assert page.locator("details.session td .hash").all_text_contents() == expected
    text = page.locator("main").inner_text()
    assert all(listed[session]["manifest_sha256"] in page.locator("main").text_content() for session in quantity["sources"])
    assert f"assay trace cpu-benchmarks.json '/benchmarks/launch/{row['type']}/boot_time'" in text
    page.go_back()
    page.locator(".results > .sheet").wait_for()


def test_the_quarantine_says_why(real: Site, visit: Callable[..., Watched]) -> None:
    page = visit(real).open("#/quarantine?rows=all")
    kept_out = real.documents["quarantine.json"]
    assert page.locator("tbody tr").count() == len(kept_out)
    rule = kept_out[0]["reasons"][0]["rule"]
    page.get_by_label("Rule").select_option(rule)
    page.wait_for_url(re.compile("rule="))
    matching = [one for one in kept_out if any(reason["rule"] == rule for reason in one["reasons"])]
    page.get_by_text(f"{len(matching)} sessions.").first.wait_for()
    assert page.locator("tbody tr").count() == len(matching)
    assert matching[0]["reasons"][0]["message"] in page.locator("tbody tr").first.text_content()


def test_text_from_documents_is_never_markup(made: Site, visit: Callable[..., Watched]) -> None:
    page = visit(made).open("#/quarantine")
    assert HOSTILE in page.locator("tbody").text_content()
    assert page.locator("tbody img, tbody script").count() == 0
    assert "taken" not in page.title()
    page = visit(made).open(f"#/type/{quote(HOSTILE, safe='')}")
    assert HOSTILE in page.locator("main").text_content()
    assert page.locator("main img").count() == 0


def test_values_over_time_are_those_of_the_documents(made: Site, visit: Callable[..., Watched]) -> None:
    watched = visit(made)
    page = watched.open("#/explore?metric=stream.triad_bandwidth&chart=none")
    options = (
        page.get_by_label("Configuration").locator("option").evaluate_all("all => all.map(one => [one.value, one.textContent])")
    )
    daily = next(value for value, text in options if ": daily" in text)
    page = watched.open(f"#/type/m7i.large?metric=stream.triad_bandwidth&conf={daily}")
    page.locator("section.trend svg").first.wait_for()
    page.locator("section.trend summary").click()
    values = page.locator("section.trend tbody tr").evaluate_all("all => all.map(row => Number(row.querySelector('data').value))")
    history = orjson.loads((made.folder / "data/processed/historical/trends/m7i.json").read_bytes())
    series = history["series"]["m7i.large"].values()
    expected = next(one for one in series if one["key"]["implementation"] == "daily")
    assert values == [point["value"] for point in expected["points"]]
    assert len(values) == 3


def test_the_keyboard_reaches_everything(made: Site, visit: Callable[..., Watched]) -> None:
    page = visit(made).open()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") != "none"
    assert page.locator("h1").count() == 1
    assert page.locator("[aria-current=page]").text_content() == "Explore"


@pytest.mark.parametrize("width", [1280, 390], ids=["desktop", "phone"])
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_no_view_has_a_serious_fault_for_those_who_see_or_hear_it_otherwise(
    made: Site, visit: Callable[..., Watched], width: int, dark: bool
) -> None:
    package = find_spec("axe_playwright_python")
    if package is None or not package.submodule_search_locations:
        pytest.skip("axe is not installed: `make setup` brings axe-playwright-python")
    axe = (Path(package.submodule_search_locations[0]) / "axe.min.js").read_text()
    watched = visit(made, width=width, dark=dark)
    faults = []
    for view in VIEWS:
        address = view.format(type="m7i.large", other="c7a.large", metric="stream.triad_bandwidth")
        page = watched.open(address)
        page.evaluate(axe)
        result = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
        faults += [
            (address, fault["id"], node["target"], node["failureSummary"])
            for fault in result["violations"]
            if fault["impact"] in ("serious", "critical")
            for node in fault["nodes"]
        ]
        assert page.evaluate("document.documentElement.scrollWidth") <= width, address
    assert faults == []


def test_dark_mode_follows_the_system(made: Site, visit: Callable[..., Watched]) -> None:
    watched = visit(made)
    page = watched.open()
    paper = page.evaluate("getComputedStyle(document.body).backgroundColor")
    page.emulate_media(color_scheme="dark")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") != paper


def test_a_document_that_is_missing_is_said_in_words(made: Site, browser: Any, tmp_path: Path) -> None:
    subprocess.run(["cp", "-r", str(made.folder), str(tmp_path / "tree")], check=True)
    (tmp_path / "tree" / LATEST / "cpu-benchmarks.json").unlink()
    with static_host(tmp_path / "tree") as base:
        watched = Watched(browser, base)
        watched.page.goto(base)
        watched.page.get_by_role("alert").wait_for()
        assert "cpu-benchmarks.json: the host answered 404" in watched.page.get_by_role("alert").inner_text()
        watched.close()


def test_first_paint_and_what_it_costs(real: Site, visit: Callable[..., Watched]) -> None:
    watched = visit(real)
    sizes: dict[str, int] = {}
    watched.page.on("requestfinished", lambda request: sizes.update({request.url: request.sizes()["responseBodySize"]}))
    page = watched.open()
    paint = page.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime")
    started = page.evaluate(
        "performance.getEntriesByType('resource').find(one => one.name.endsWith('/explorer/vendor/vega.js')).startTime"
    )
    page.wait_for_timeout(200)
    data = sum(size for url, size in sizes.items() if "/data/" in url)
    library = sum(size for url, size in sizes.items() if "/vendor/" in url)
    own = sum(sizes.values()) - data - library
    print(
        f"\nexplorer: first contentful paint {paint:.0f} ms; before it {own / 1000:.0f} kB; chart library, after it, "
        f"{library / 1000:.0f} kB; data {data / 1e6:.1f} MB; uncompressed, {len(sizes)} requests"
    )
    assert paint < started
    assert own < 150_000
    assert own + library < 1_048_576
