"""What the page carries is what it says: the library unmodified, and a policy that names all that runs."""

from __future__ import annotations

import re
from base64 import b64encode
from hashlib import sha256
from importlib.resources import files

import pytest

from pytest_syncload.report.html import page
from pytest_syncload.report.html.assets import VENDORED, assets
from tests.report.html.parsed import parsed
from tests.report.reports import peak, run_report

FOLDER = files("pytest_syncload.report.html") / "vendor" / "uplot"


@pytest.mark.parametrize("name", VENDORED)
def test_the_library_is_as_it_was_published(name: str) -> None:
    assert sha256((FOLDER / name).read_bytes()).hexdigest() == VENDORED[name]


def test_nothing_else_is_vendored_and_the_version_is_the_one_that_is_named() -> None:
    assert {each.name for each in FOLDER.iterdir()} == set(VENDORED)
    assert "(v1.6.32)" in (FOLDER / "uPlot.iife.min.js").read_text("utf-8")[:80]
    assert "uPlot 1.6.32" in page.html_of(run_report())


def test_the_licence_goes_with_every_page() -> None:
    licence = (FOLDER / "LICENSE").read_text("utf-8")
    assert any(licence in comment for comment in parsed(page.html_of(run_report())).comments)


def test_the_policy_names_every_style_and_script_and_lets_nothing_else_run() -> None:
    found = parsed(page.html_of(run_report(peak())))
    policy = found.all("meta", **{"http-equiv": "Content-Security-Policy"})[0].attributes["content"] or ""
    rules = dict(rule.split(" ", 1) for rule in policy.split("; "))
    assert rules["default-src"] == "'none'"
    assert "unsafe" not in policy
    assert not re.search(r"https?:|data:|\*", policy)
    for name, rule in (("script", "script-src"), ("style", "style-src")):
        inside = [element.text for element in found.all(name) if element.attributes.get("type") is None]
        assert rules[rule].split() == [
            f"'sha256-{b64encode(sha256(each.encode()).digest()).decode()}'" for each in inside
        ]
        assert len(inside) == 2


def test_the_policy_stands_before_all_that_it_rules() -> None:
    names = [
        element.name if "http-equiv" not in element.attributes else "policy"
        for element in parsed(page.html_of(run_report())).elements
    ]
    assert names[:4] == ["html", "head", "meta", "policy"]


def test_it_is_read_once() -> None:
    assert assets() is assets()
