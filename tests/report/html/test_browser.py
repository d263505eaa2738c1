"""The page in a browser: it draws, asks nobody for anything, and without JavaScript still says every verdict."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.request import urlopen

import pytest
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from pytest_syncload.facts.plan import Rejudged
from pytest_syncload.facts.result import Outcome, Tally
from pytest_syncload.report.html.page import html_of
from tests.browser import absent, complaints, opened, requested
from tests.report.html.test_page import HOSTILE, hostile
from tests.report.reports import TIMELINE, TOY, peak, refused, run_report, stress
from tests.rows import START, result

WHOLE = run_report(peak(), stress(), refused(), where=TOY, rejudged=Rejudged(run_id="earlier", begun_at=START))
#: How many of a canvas's pixels are not transparent.
_PAINTED = """return [...document.querySelectorAll("canvas")].map(canvas =>
  canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data
    .filter((value, at) => at % 4 === 3 && value > 0).length / (canvas.width * canvas.height))"""

pytestmark = pytest.mark.skipif(absent() is not None, reason=absent() or "")


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> str:
    file = tmp_path_factory.mktemp("page") / "report.html"
    file.write_text(html_of(WHOLE), "utf-8")
    return file.as_uri()


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[webdriver.Chrome]:
    with opened(tmp_path_factory.mktemp("profile")) as driver:
        yield driver


@pytest.fixture
def driver(browser: webdriver.Chrome, page: str) -> Iterator[webdriver.Chrome]:
    """The page, just opened, as wide and as bright as at first."""
    browser.set_window_size(1200, 900)
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "", "features": []})
    browser.get("about:blank")
    complaints(browser)
    requested(browser)
    browser.get(page)
    yield browser
    assert complaints(browser) == []


def test_every_chart_is_drawn_and_nobody_is_asked(driver: webdriver.Chrome, page: str) -> None:
    places = driver.find_elements(By.CSS_SELECTOR, ".plot")
    assert len(places) > 8
    assert driver.execute_script("return document.documentElement.dataset.charts") == str(len(places))
    painted = driver.execute_script(_PAINTED)
    assert len(painted) == len(places)
    assert min(painted) > 0.01
    assert requested(driver) == [page]
    assert "The charts need JavaScript" not in driver.find_element(By.TAG_NAME, "main").text
    assert "the arrow keys read its numbers" in driver.find_element(By.CLASS_NAME, "hint").text


def test_the_network_is_out_of_reach_even_for_what_runs_in_it(driver: webdriver.Chrome) -> None:
    """The page's policy, and not only its good manners, lets no request leave: a server beside it hears none."""
    heard: list[str] = []

    class Listening(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            heard.append(self.path)
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Listening) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            url = f"http://127.0.0.1:{server.server_port}"
            refused_by = driver.execute_async_script(
                """
                const [url, done] = arguments, refused = [];
                document.addEventListener("securitypolicyviolation", event => refused.push(event.effectiveDirective));
                fetch(url + "/fetch", {mode: "no-cors"}).catch(() => {});
                const image = document.createElement("img");
                image.src = url + "/image";
                const link = document.createElement("link");
                link.rel = "stylesheet";
                link.href = url + "/style";
                document.body.append(image, link);
                const script = document.createElement("script");
                try { script.text = "document.title = 'run'"; } catch { refused.push("trusted types"); }
                document.createElement("div").setAttribute("style", "color: red");
                setTimeout(() => done(refused), 500);
                """,
                url,
            )
            assert urlopen(f"{url}/heard").status == 204
        finally:
            server.shutdown()
            thread.join()
    assert {"connect-src", "img-src", "style-src-elem", "style-src-attr", "trusted types"} <= set(refused_by)
    assert heard == ["/heard"]
    assert driver.title.startswith("BROKEN")
    complaints(driver)  # they were the point


def test_hostile_words_do_nothing(driver: webdriver.Chrome, tmp_path: Path) -> None:
    file = tmp_path / "hostile.html"
    file.write_text(html_of(hostile(HOSTILE)), "utf-8")
    driver.get(file.as_uri())
    assert driver.execute_script("return document.documentElement.dataset.charts") != "0"
    assert min(driver.execute_script(_PAINTED)) > 0.01
    assert driver.find_elements(By.CSS_SELECTOR, "img, [onerror], [onload]") == []
    assert "<script>alert(1)</script>" in driver.find_element(By.TAG_NAME, "h4").text


def test_keys_reach_everything(driver: webdriver.Chrome) -> None:
    figures = len(driver.find_elements(By.TAG_NAME, "figure"))
    driver.execute_script("""
      window.stops = [];
      document.addEventListener("focusin", ({target}) =>
        stops.push({name: target.tagName, class: target.className, text: target.textContent.slice(0, 40),
                    outline: getComputedStyle(target).outlineStyle}));
    """)
    driver.switch_to.active_element.send_keys(Keys.TAB * 120)
    stops: list[dict[str, str]] = driver.execute_script("return window.stops")
    again = next((at for at, stop in enumerate(stops) if at and stop["text"] == stops[0]["text"]), len(stops))
    stops = stops[:again]  # behind the last comes the first
    assert stops[0]["text"] == "To the verdicts"
    names = [stop["name"] for stop in stops]
    assert names.count("SUMMARY") == figures
    assert [stop["class"] for stop in stops].count("canvas") == figures
    assert names.count("BUTTON") >= figures
    assert {stop["outline"] for stop in stops} == {"solid"}  # where the focus is can be seen everywhere


def test_numbers_are_opened_and_a_chart_is_read_by_keys(driver: webdriver.Chrome) -> None:
    summary = driver.find_element(By.TAG_NAME, "summary")
    summary.send_keys(Keys.ENTER)
    table = driver.find_element(By.CSS_SELECTOR, "details[open] table")
    assert "612 ms" in table.text
    canvas = driver.find_element(By.CSS_SELECTOR, ".canvas")
    lies = canvas.location
    canvas.send_keys(Keys.HOME, Keys.ARROW_RIGHT)
    assert canvas.location == lies  # it must not jump from under a pointer
    heard = driver.find_element(By.CSS_SELECTOR, ".plot [role=status]").get_attribute("textContent") or ""
    assert heard.endswith("apigateway.latency p95 612 ms")


def test_all_of_a_chart_can_be_hidden(driver: webdriver.Chrome, tmp_path: Path) -> None:
    slow = tuple(replace(second, max_ms=9000.0) for second in TIMELINE)
    file = tmp_path / "logarithmic.html"
    file.write_text(html_of(run_report(peak(result=result(timeline=slow)))), "utf-8")
    driver.get(file.as_uri())
    for chart in ("latency", "outcomes", "in-flight", "distribution"):
        plot = driver.find_element(By.CSS_SELECTOR, f".plot[data-chart=phase-1-{chart}]")
        for _ in range(2):
            for button in plot.find_elements(By.TAG_NAME, "button"):
                button.send_keys(Keys.SPACE)
            driver.execute_async_script("requestAnimationFrame(arguments[0])")
    assert min(driver.execute_script(_PAINTED)) > 0.01


def test_a_hidden_layer_leaves_its_stack(driver: webdriver.Chrome, tmp_path: Path) -> None:
    tally = Tally(outcomes={Outcome.OK: 80, Outcome.SERVER_ERROR: 15, Outcome.TIMEOUT: 5})
    seconds = tuple(replace(second, tally=tally) for second in TIMELINE)
    file = tmp_path / "stack.html"
    file.write_text(html_of(run_report(peak(result=result(timeline=seconds)))), "utf-8")
    driver.get(file.as_uri())
    plot = driver.find_element(By.CSS_SELECTOR, ".plot[data-chart=phase-1-outcomes]")
    first, _ = plot.find_elements(By.TAG_NAME, "button")
    canvas = plot.find_element(By.TAG_NAME, "canvas")
    whole = driver.execute_script("return arguments[0].toDataURL()", canvas)
    first.send_keys(Keys.SPACE)
    driver.execute_async_script("requestAnimationFrame(arguments[0])")
    assert driver.execute_script("return arguments[0].toDataURL()", canvas) != whole
    first.send_keys(Keys.SPACE)
    driver.execute_async_script("requestAnimationFrame(arguments[0])")
    assert driver.execute_script("return arguments[0].toDataURL()", canvas) == whole


def test_a_line_can_be_hidden_and_shown(driver: webdriver.Chrome) -> None:
    plot = driver.find_element(By.CSS_SELECTOR, ".plot[data-chart=phase-1-latency]")
    button = plot.find_element(By.TAG_NAME, "button")
    canvas = plot.find_element(By.TAG_NAME, "canvas")
    before = driver.execute_script("return arguments[0].toDataURL()", canvas)
    button.send_keys(Keys.SPACE)
    assert button.get_attribute("aria-pressed") == "false"
    assert driver.execute_script("return arguments[0].toDataURL()", canvas) != before
    button.send_keys(Keys.SPACE)
    assert button.get_attribute("aria-pressed") == "true"


@pytest.mark.parametrize("wide", [360, 768, 1200, 1900])
def test_no_width_makes_the_page_scroll_sideways(driver: webdriver.Chrome, page: str, wide: int) -> None:
    # A window cannot be as narrow as a phone; an emulated screen can.
    driver.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride",
        {"width": wide, "height": 800, "deviceScaleFactor": 1, "mobile": wide < 500},
    )
    try:
        driver.get(page)
        width, room = driver.execute_script("return [document.documentElement.scrollWidth, innerWidth]")
        assert room == wide
        assert width <= wide
    finally:
        driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_stands_out_in_both_schemes(driver: webdriver.Chrome, page: str, scheme: str) -> None:
    driver.execute_cdp_cmd(
        "Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
    )
    driver.get(page)
    found: list[dict[str, Any]] = driver.execute_script("""
      const probe = document.createElement("canvas").getContext("2d", {willReadFrequently: true});
      const rgb = (colour, under) => {
        probe.fillStyle = under; probe.fillRect(0, 0, 1, 1);
        probe.fillStyle = colour; probe.fillRect(0, 0, 1, 1);
        return [...probe.getImageData(0, 0, 1, 1).data].slice(0, 3);
      };
      const ground = element => {
        for (let at = element; at; at = at.parentElement) {
          const colour = getComputedStyle(at).backgroundColor;
          if (colour !== "rgba(0, 0, 0, 0)") return colour;
        }
        return "white";
      };
      const own = element => [...element.childNodes].some(node => node.nodeType === 3 && node.data.trim());
      return [...document.querySelectorAll("body *")].filter(element => own(element) && element.offsetParent)
        .map(element => ({text: element.textContent.slice(0, 30), front: rgb(getComputedStyle(element).color, "white"),
                          back: rgb(ground(element), "white")}));
    """)
    assert len(found) > 100
    poor = {each["text"]: contrast(each["front"], each["back"]) for each in found}
    assert {text: ratio for text, ratio in poor.items() if ratio < 4.5} == {}
    lines = driver.execute_script("""
      const style = getComputedStyle(document.documentElement);
      const probe = document.createElement("canvas").getContext("2d", {willReadFrequently: true});
      return ["ground", "c1", "c2", "c3", "c4", "c5", "c6", "c7", "c8", "mark", "breach"].map(name => {
        probe.fillStyle = style.getPropertyValue("--" + name).trim(); probe.fillRect(0, 0, 1, 1);
        return [...probe.getImageData(0, 0, 1, 1).data].slice(0, 3);
      });
    """)
    assert min(contrast(line, lines[0]) for line in lines[1:]) >= 3


def test_it_is_printed_on_white_with_its_charts(driver: webdriver.Chrome) -> None:
    driver.execute_cdp_cmd(
        "Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": "dark"}]}
    )
    driver.execute_script("dispatchEvent(new Event('beforeprint'))")
    colours = driver.execute_script(
        "return [getComputedStyle(document.body).backgroundColor, getComputedStyle(document.body).color]"
    )
    assert colours == ["rgb(255, 255, 255)", "rgb(26, 31, 38)"]
    widest = driver.execute_script(
        "return Math.max(...[...document.querySelectorAll('canvas')].map(each => each.getBoundingClientRect().right))"
    )
    body = driver.execute_script("return document.body.getBoundingClientRect().right")
    assert widest <= body
    driver.execute_script("dispatchEvent(new Event('afterprint'))")
    made = driver.execute_cdp_cmd("Page.printToPDF", {"preferCSSPageSize": True})
    assert base64.b64decode(made["data"]).startswith(b"%PDF")


def test_without_javascript_every_verdict_and_number_is_there(page: str, tmp_path: Path) -> None:
    with opened(tmp_path, scripts=False) as driver:
        driver.get(page)
        text = driver.find_element(By.TAG_NAME, "body").text
        assert "Broken: 2 rows broke their targets" in text
        assert "peak::api-latency-p95" in text
        assert "The charts need JavaScript." in text
        assert driver.find_elements(By.TAG_NAME, "canvas") == []
        summary = driver.find_element(By.TAG_NAME, "summary")
        summary.send_keys(Keys.ENTER)  # a click would race the smooth scrolling
        assert "612 ms" in driver.find_element(By.CSS_SELECTOR, "details[open] table").text


def contrast(front: list[int], back: list[int]) -> float:
    """The contrast ratio of two colours (WCAG 2.2, relative luminance)."""

    def luminance(colour: list[int]) -> float:
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in (part / 255 for part in colour)]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    light, dark = sorted((luminance(front), luminance(back)), reverse=True)
    return (light + 0.05) / (dark + 0.05)
