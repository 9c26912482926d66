"""Every page in a real Chromium: what it shows, what one can do there, and that a screen reader gets along with it."""

import re
from pathlib import Path

import httpx
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.service.dashboard.conftest import LARGE, Site

_PHONE = {"width": 390, "height": 844}


def check_accessible(page: Page) -> None:
    """Raises `AssertionError` with what axe finds serious or critical."""
    found = Axe().run(page).response["violations"]
    serious = [
        (each["id"], [node["html"][:200] for node in each["nodes"]]) for each in found if each["impact"] in ("serious", "critical")
    ]
    assert not serious, serious


def test_what_is_not_there_leads_to_the_studies_where_one_is_made_and_closed(page: Page, site: Site) -> None:
    page.goto("/dashboard/studies/no-such-study")
    expect(page.get_by_text("there is no study 'no-such-study'")).to_be_visible()
    page.get_by_role("link", name="All studies").click()
    expect(page).to_have_url(re.compile(r"/dashboard/$"))
    expect(page).to_have_title("Studies · SVGe Search")
    row = page.get_by_role("row", name=re.compile(r"^cells map"))
    expect(row).to_contain_text(re.compile("[89] of 100"))
    expect(row).to_contain_text("searching")
    page.get_by_text("New study").click()
    page.get_by_label("Name").fill("not a name!")
    page.get_by_role("button", name="Create study").click()
    expect(page.get_by_role("alert")).to_contain_text("name")
    check_accessible(page)
    page.get_by_label("Name").fill("made-here")
    page.get_by_label("Most trials").fill("7")
    page.get_by_role("button", name="Create study").click()
    expect(page.locator("#new-problem")).to_contain_text("Created made-here")
    made = site.http.get("/studies/made-here").json()
    assert (made["max_trials"], made["strategy"], made["closed_at"]) == (7, "svge", None)
    page.get_by_role("button", name="Close made-here").click()
    expect(page.get_by_role("button", name="Reopen made-here")).to_be_visible()
    assert site.http.get("/studies/made-here").json()["closed_at"] is not None


def test_a_study_shows_its_plots_a_reference_and_what_happens(page: Page, site: Site) -> None:
    page.goto("/dashboard/studies/cells")
    expect(page.get_by_role("heading", level=1)).to_contain_text("cells")
    values = page.get_by_role("group", name="Values over time").locator(".scatterlayer .points path")
    expect(values).to_have_count(8)
    expect(page.locator("#activity")).to_contain_text("gpu-3")
    expect(page.locator("#activity")).to_contain_text("out of memory")
    expect(page.locator("#trials [row-index='0'] a")).to_be_visible()
    check_accessible(page)
    curves = page.get_by_role("group", name=re.compile("^Best")).locator(".scatterlayer .js-line")
    expect(curves).to_have_count(1)
    page.get_by_label("cells-random").check(force=True)
    expect(curves).to_have_count(2)
    site.train("cells", 1)
    expect(values).to_have_count(9)
    expect(page.locator("#overview")).to_contain_text("9 of 100")
    expect(curves).to_have_count(2)


def test_a_study_of_two_objectives_shows_its_trade_offs_and_the_trial_of_a_point(page: Page) -> None:
    page.goto("/dashboard/studies/trade")
    expect(page.locator("#overview")).to_contain_text("Best accuracy")
    expect(page.locator("#reference")).to_contain_text("same-random")
    expect(page.locator("#reference")).not_to_contain_text("other-random")
    plot = page.get_by_role("group", name="Best trade-offs")
    expect(plot.locator(".scatterlayer .points path")).to_have_count(5)
    expect(plot).to_contain_text("latency (less is better)")
    plot.scroll_into_view_if_needed()
    point = plot.locator(".scatterlayer .trace:last-child .points path").last.bounding_box()
    assert point is not None
    page.mouse.move(point["x"] + point["width"] / 2, point["y"] + point["height"] / 2, steps=3)
    expect(plot.locator(".hoverlayer .hovertext")).to_be_visible()
    page.mouse.down()
    page.mouse.up()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Trial #")


def test_a_study_without_trials_says_so(page: Page) -> None:
    page.set_viewport_size(_PHONE)
    page.goto("/dashboard/studies/empty")
    expect(page.get_by_text("No trial is completed yet.").first).to_be_visible()
    expect(page.get_by_text("Nobody works for this study now.")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= _PHONE["width"], "nothing is wider than a phone"


def test_a_large_study_is_drawn_in_part_and_its_table_shows_any_part(page: Page, site: Site) -> None:
    page.goto("/dashboard/studies/large")
    expect(page.locator("#values-caption")).to_contain_text(f"every 4th of {LARGE:,}")
    expect(page.get_by_role("group", name="Calibration").locator(".scatterlayer .points path")).to_have_count(19)
    grid = page.locator("#trials")
    expect(grid.locator("[row-index='0'] a")).to_have_text(f"#{LARGE}")
    page.get_by_label("highest value first").check(force=True)
    best = site.http.get("/studies/large/best").json()["trials"][0]
    expect(grid.locator("[row-index='0'] a")).to_have_text(f"#{best['number']}")
    grid.locator(".ag-body-viewport").evaluate("body => body.scrollTo(0, body.scrollHeight)")
    last = grid.locator(f"[row-index='{site.http.get('/studies/large').json()['trials']['completed'] - 1}'] a")
    expect(last).to_be_visible()
    last.click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Trial #")


def test_a_trial_shows_its_architecture_gives_it_away_and_is_compared(page: Page, site: Site, tmp_path: Path) -> None:
    trial = site.trials[0]
    page.goto(f"/dashboard/trials/{trial['id']}")
    expect(page.get_by_role("heading", level=1)).to_contain_text(f"Trial #{trial['number']}")
    expect(page.get_by_alt_text(re.compile("^Graph of trial"))).to_be_visible()
    expect(page.get_by_text(trial["canonical_id"])).to_be_visible()
    check_accessible(page)
    with page.expect_download() as download:
        page.get_by_role("link", name="PyTorch").click()
    download.value.save_as(tmp_path / "network.py")
    assert "nn.Module" in (tmp_path / "network.py").read_text()
    page.locator(".gallery").get_by_role("link", name="compare").first.click()
    expect(page.locator("#side-by-side img")).to_have_count(2)
    expect(page.get_by_text("Edits from the first")).to_be_visible()
    curves = page.locator("#compare .scatterlayer .js-line")
    page.get_by_label("Find studies by name").fill("CELLS")
    expect(page.locator("#compared label")).to_have_text(["cells-random", "cells"])
    for count, name in enumerate(("cells", "cells-random"), start=1):
        page.locator("#compared").get_by_label(name, exact=True).check(force=True)
        expect(curves).to_have_count(count)
    check_accessible(page)


def test_the_map_decodes_where_one_clicks_and_walks_between_two_points(page: Page) -> None:
    page.goto("/dashboard/studies/cells/map")
    expect(page.locator("#map-caption")).to_contain_text("random architectures")
    layer = page.locator("#plane .nsewdrag").first
    for place, letter in ((0.3, "A"), (0.6, "B")):
        box = layer.bounding_box()
        assert box is not None
        layer.hover(position={"x": box["width"] * place, "y": box["height"] / 2})
        layer.click(position={"x": box["width"] * place, "y": box["height"] / 2})
        page.get_by_role("button", name=f"Make this {letter}").click()
        expect(page.locator("#plane .annotation", has_text=letter)).to_be_visible()
    expect(page.locator("#decoded")).to_contain_text("samples")
    expect(page.locator("#decoded")).to_contain_text("edits")
    expect(page.locator("#expected")).to_contain_text("Predicted")
    expect(page.locator("#on-the-way")).to_contain_text("5 of 10 steps from A")
    page.get_by_role("slider").press("ArrowRight")
    expect(page.locator("#on-the-way")).to_contain_text("6 of 10 steps from A")
    page.get_by_label("posterior mean").check(force=True)
    expect(page.locator("#plane .cbtitle")).to_have_text("mean")
    check_accessible(page)


def test_the_map_draws_what_is_under_the_pointer(page: Page) -> None:
    page.goto("/dashboard/studies/cells/map")
    expect(page.locator("#map-caption")).to_contain_text("random architectures")
    beside, points = page.locator("#beside"), page.locator("#plane .scatterlayer .trace").last.locator("path.point")
    for place in (0, 1):
        points.nth(place).hover(force=True)
        expect(beside.locator("img")).to_be_visible()
        assert re.fullmatch(r"trial \d+|architecture of the space", beside.locator("strong").inner_text())
        page.get_by_role("heading", name="From A to B").hover()
        expect(beside).to_be_hidden()
    points.first.hover(force=True)
    expect(beside).to_be_visible()
    page.keyboard.press("Escape")
    expect(beside).to_be_hidden()


def test_a_line_that_is_drawn_on_the_map_is_walked_along(page: Page) -> None:
    decoded: list[str] = []
    page.on("request", lambda request: decoded.append(request.url) if "decoded.children" in (request.post_data or "") else None)
    page.goto("/dashboard/studies/cells/map")
    expect(page.locator("#map-caption")).to_contain_text("random architectures")
    page.get_by_label("draws a line").check(force=True)
    # A function: a bare expression is evaluated again and again, which the pages' policy forbids.
    page.wait_for_function(
        "mode => document.querySelector('#plane .js-plotly-plot')?._fullLayout?.dragmode === mode", arg="drawline"
    )
    box = page.locator("#plane .nsewdrag").first.bounding_box()
    assert box is not None
    start, stop, other = (
        (box["x"] + box["width"] * x, box["y"] + box["height"] * y) for x, y in ((0.3, 0.3), (0.7, 0.6), (0.5, 0.8))
    )
    page.mouse.move(*start)
    page.mouse.down()
    page.mouse.move(*stop, steps=5)
    page.mouse.up()
    expect(page.locator("#plane .annotation")).to_have_text(["A", "B"])
    expect(page.locator("#on-the-way")).to_contain_text("5 of 10 steps from A")
    expect(page.locator("#on-the-way img")).to_be_visible()
    page.mouse.move(*other, steps=3)
    page.wait_for_timeout(300)  # Plotly looks at what is under the pointer now and then
    page.mouse.click(*other)
    expect(page.locator("#decoded")).to_contain_text("samples")
    expect(page.locator("#expected")).to_contain_text("Predicted")
    assert len(decoded) == 1, "one click, one answer"
    check_accessible(page)


def _contrast(page: Page, selector: str) -> float:
    """How the text of an element stands out from its own ground, by WCAG 2.1: 1 is not at all, 21 black on white."""
    return page.locator(selector).first.evaluate(
        """label => {
            const light = (colour) => {
                const parts = colour.match(/[0-9.]+/g).slice(0, 3).map((part) => part / 255);
                const [r, g, b] = parts.map((x) => (x <= 0.04045 ? x / 12.92 : ((x + 0.055) / 1.055) ** 2.4));
                return 0.2126 * r + 0.7152 * g + 0.0722 * b;
            };
            const text = [...label.querySelectorAll("span")].pop();
            const both = [light(getComputedStyle(text).color), light(getComputedStyle(label).backgroundColor)];
            return (Math.max(...both) + 0.05) / (Math.min(...both) + 0.05);
        }"""
    )


def test_an_open_page_follows_what_others_do_and_asks_for_no_more_than_it_needs(page: Page, site: Site) -> None:
    site.post("/studies", {"name": "watched", "space": "nasbench101"})
    page.clock.install()
    page.goto("/dashboard/studies/watched")
    expect(page.locator("#badges")).to_contain_text("idle")
    page.clock.run_for(3_500)
    site.train("watched", 1)
    site.post("/suggest", {"study": "watched", "worker": "gpu-1"})
    page.clock.run_for(3_500)
    expect(page.locator("#badges")).to_contain_text("searching")
    expect(page.get_by_role("group", name="Values over time").locator(".scatterlayer .points path")).to_have_count(1)
    page.clock.run_for(500)
    expect(page.locator("#trials [row-index='1'] a")).to_have_text("#1")
    site.post("/studies/watched/close", {})
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.post_data or ""))
    for _ in range(6):
        page.clock.run_for(3_000)
        page.wait_for_timeout(50)
    expect(page.locator("#badges")).to_contain_text("closed")
    expect(page.locator("#close-study")).to_have_text("Reopen")
    assert not [body for body in asked if '"changedPropIds":["poll.n_intervals"]' not in body], "nothing was drawn anew"
    site.http.delete("/studies/watched").raise_for_status()
    page.clock.run_for(15_000)
    expect(page.get_by_role("alert")).to_contain_text("there is no study 'watched'")
    site.post("/studies", {"name": "watched", "space": "nasbench101"})
    for _ in range(5):  # an answer from before may come last; the next one settles it
        page.clock.run_for(3_500)
        page.wait_for_timeout(200)
    expect(page.get_by_role("alert")).to_have_count(0)


def test_the_theme_is_the_systems_until_one_chooses_and_either_can_be_read(page: Page) -> None:
    page.emulate_media(color_scheme="dark")
    page.goto("/dashboard/studies/cells")
    expect(page.locator("#trials [row-index='0'] a")).to_be_visible()
    check_accessible(page)
    page.get_by_label("cells-random").check(force=True)
    _check_choices(page)
    before = page.evaluate("getComputedStyle(document.body).backgroundColor")
    page.get_by_role("button", name="Theme").press("Enter")
    after = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert before != after
    _check_choices(page)
    page.reload()
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == after


def _check_choices(page: Page) -> None:
    """Raises `AssertionError` where a choice cannot be read, be it chosen or not, with the pointer on it or beside it."""
    page.mouse.move(0, 0)
    for pills in ("#reference", "#trial-state"):
        chosen = f"{pills} label:has(:checked)"
        expect(page.locator(chosen)).to_have_count(1)
        for _ in ("beside the pointer", "under it"):
            assert _contrast(page, chosen) >= 4.5
            page.locator(chosen).hover()
        assert _contrast(page, f"{pills} label:not(:has(:checked))" if pills == "#trial-state" else chosen) >= 4.5


def test_all_pages_carry_a_strict_policy(site: Site) -> None:
    for path in ("/dashboard/", "/dashboard/studies/cells", "/dashboard/assets/style.css"):
        policy = httpx.get(site.url + path, trust_env=False).headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe-eval" not in policy
        assert "unsafe-inline" not in policy.split("script-src")[1]


def test_what_a_page_loads_stays_in_the_browsers_cache(site: Site) -> None:
    page = httpx.get(f"{site.url}/dashboard/", trust_env=False).text
    parts = re.findall(r'(?:src|href|content)="(/dashboard/(?:assets|_dash-component-suites)/[^"]+)"', page)
    assert all(any(name in part for part in parts) for name in ("plotly", "async-graph", "style.css", "behaviour.js"))
    for part in parts:
        assert "max-age=31536000" in httpx.get(site.url + part, trust_env=False).headers["cache-control"], part
