from __future__ import annotations

import re

import pytest

from pytest_syncload.spec import names


@pytest.mark.parametrize("name", ["peak", "peak_2", "match", "größe"])
def test_identifiers_name_phases(name: str) -> None:
    assert names.phase_name(name) is None


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("", "identifier"),
        ("my-phase", "identifier"),
        ("2nd", "identifier"),
        ("class", "identifier"),
        ("not", "identifier"),
        ("_peak", "underscore"),
        ("ﬁrst", "normalised"),
        ("parametrize", "marker of pytest"),
        ("no_cover", "marker of pytest"),
        ("tmp_path", "fixture of pytest"),
        ("capteesys", "fixture of pytest"),
        ("worker_id", "fixture of pytest"),
        ("load", "syncload itself"),
        ("slo", "syncload itself"),
    ],
)
def test_names_that_pytest_could_not_bear_are_refused(name: str, why: str) -> None:
    assert why in (names.phase_name(name) or "")


def test_the_fixtures_and_markers_that_are_always_there_are_taken(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As this pytest, xdist and anyio list them themselves, so that a new one is noticed here."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    plugins = ("-p", "xdist.plugin", "-p", "anyio.pytest_plugin", "-p", "pytester", "-p", "no:cacheprovider")
    said = "\n".join(pytester.runpytest_subprocess("--fixtures", *plugins).outlines)
    fixtures = set(re.findall(r"^(\w+)(?: \[\w+ scope\])? -- \S+:\d+$", said, re.MULTILINE))
    assert {"tmp_path", "worker_id", "anyio_backend", "pytester"} <= fixtures
    assert {name for name in fixtures if names.phase_name(name) is None} == set()
    said = "\n".join(pytester.runpytest_subprocess("--markers", *plugins).outlines)
    markers = set(re.findall(r"^@pytest\.mark\.(\w+)", said, re.MULTILINE))
    assert {"parametrize", "xdist_group"} <= markers
    assert {name for name in markers if names.phase_name(name) is None} == set()


@pytest.mark.parametrize("check", [names.row_name, names.environment_name])
def test_rows_and_environments_are_slugs(check: object) -> None:
    assert callable(check)
    assert [check(name) for name in ("a", "api-latency_p95", "5xx")] == [None, None, None]
    for name in ("", "A", "-a", "_a", "a b", "a::b", "a\n", "ä"):
        assert "lower-case" in check(name)


def test_the_row_load_is_taken() -> None:
    assert "own item" in (names.row_name("load") or "")
    assert names.environment_name("load") is None
