"""Headless Chromium for tests of pages, where there is one: Debian's `chromium` and `chromium-driver`, or Chrome.

The driver is always named, because selenium would else look for one on the network.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from selenium import webdriver
from selenium.webdriver.chrome.service import Service

#: Chrome first: where both are, as on GitHub's runners, `chromedriver` is Chrome's.
_BROWSERS = ("google-chrome", "chromium", "chromium-browser")


def absent() -> str | None:
    """Why there is no browser here, None where there is one."""
    missing = [
        name
        for name, found in (("a Chromium", _browser()), ("chromedriver", shutil.which("chromedriver")))
        if found is None
    ]
    return (
        f"no {' and no '.join(missing)} on this machine (apt-get install chromium chromium-driver)" if missing else None
    )


@contextmanager
def opened(profile: Path, *, scripts: bool = True, wide: int = 1200) -> Iterator[webdriver.Chrome]:
    """A browser with its own profile. It logs its console and every request; ``scripts`` False forbids JavaScript."""
    options = webdriver.ChromeOptions()
    options.binary_location = _browser() or ""
    for argument in (
        "--headless=new",
        "--no-sandbox",  # without it Chromium refuses to run as root, as containers do
        "--disable-dev-shm-usage",
        "--disable-gpu",
        "--disable-background-networking",
        "--disable-component-update",
        "--no-first-run",
        f"--user-data-dir={profile}",
        f"--window-size={wide},900",
    ):
        options.add_argument(argument)
    if not scripts:
        options.add_experimental_option("prefs", {"profile.managed_default_content_settings.javascript": 2})
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(
        options=options, service=Service(shutil.which("chromedriver") or "", env=dict(os.environ))
    )
    try:
        yield driver
    finally:
        driver.quit()


def requested(driver: webdriver.Chrome) -> list[str]:
    """Every address that the page asked for since the last look, its own first."""
    events = [json.loads(entry["message"])["message"] for entry in _log(driver, "performance")]
    return [event["params"]["request"]["url"] for event in events if event["method"] == "Network.requestWillBeSent"]


def complaints(driver: webdriver.Chrome) -> list[str]:
    """What the console says since the last look: errors, warnings, and what the page's policy refused."""
    return [entry["message"] for entry in _log(driver, "browser")]


def _log(driver: webdriver.Chrome, kind: str) -> list[dict[str, str]]:
    entries: list[dict[str, str]] = driver.get_log(kind)  # type: ignore[no-untyped-call]
    return entries


def _browser() -> str | None:
    return next(filter(None, map(shutil.which, _BROWSERS)), None)
