"""What `--junitxml` says beside outcomes: the names that a dashboard reads. They are a promise; add, do not rename.

A row's testcase has these properties, whether it passed, failed or is an error (an item of slo.yaml as an `slo` test):

    value         what was observed, a number in `unit`; missing where nothing was
    target        as in slo.yaml, such as ``< 500 ms``
    unit          ``ms``, ``%``, ``/s``, or empty for a count
    window        the judged stretch, ``start/end`` in ISO 8601, UTC; empty where no load was offered
    query         where the value came from, joined by ``; ``; the metric's name where nothing was asked
    environment   its name in slo.yaml
    sandbox       ``true`` or ``false``
    run_id        the name of the run's folder below .syncload
    compared      where a run was named to compare with: what the row was then, and by how much its minutes changed
    rejudged_from where no load was offered: which run was judged again, as ``<run id> of <ISO 8601, UTC>``

A `load` testcase has the last of these, from `environment` on, and a row whose worker died has none: pytest writes them
at an item's end. The suite has `syncload environment`, `syncload run id`, `syncload target`, `syncload file`, where
known `syncload region` and `syncload account`, in the sandbox `syncload SANDBOX`, and `syncload REJUDGED` where no load
was offered.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from pytest_syncload.facts.observation import Observation, Verdict
from pytest_syncload.facts.plan import Rejudged, Slo, Spec
from pytest_syncload.facts.result import Window
from pytest_syncload.facts.units import CANONICAL
from pytest_syncload.report.comparison import beside_in_words

SANDBOX_PROVES = "proves nothing about a real target"

Properties = list[tuple[str, object]]


def run_properties(spec: Spec, run_id: str) -> Properties:
    """Where the item's load was offered."""
    environment = spec.environment
    sandbox = str(environment.sandbox is not None).lower()
    again: Properties = [] if spec.rejudged is None else [("rejudged_from", _run(spec.rejudged))]
    return [("environment", environment.name), ("sandbox", sandbox), ("run_id", run_id), *again]


def row_properties(verdict: Verdict, spec: Spec, run_id: str) -> Properties:
    """What a row was judged from."""
    slo, seen = verdict.slo, verdict.observation
    value: Properties = [] if seen is None or seen.value is None else [("value", repr(seen.value))]
    compared: Properties = [] if (words := beside_in_words(verdict)) is None else [("compared", words)]
    return [
        *value,
        ("target", slo.target.text),
        ("unit", CANONICAL[slo.target.kind]),
        ("window", "" if seen is None else _iso(seen.window)),
        ("query", _query(slo, seen)),
        *compared,
        *run_properties(spec, run_id),
    ]


def replace_properties(item: pytest.Item, properties: Properties) -> None:
    """Give the item these properties, instead of those of the same names that an earlier attempt at it left."""
    names = {name for name, _ in properties} | {"value"}
    item.user_properties[:] = [pair for pair in item.user_properties if pair[0] not in names]
    item.user_properties.extend(properties)


def suite_properties(spec: Spec, run_id: str, ground: Mapping[str, Any], account: str | None) -> Properties:
    """Where the run went: what the run folder says of the environment that was made ready, and the AWS account."""
    environment = spec.environment
    sandbox = ground.get("sandbox") or {}
    properties: Properties = [
        ("syncload environment", environment.name),
        ("syncload run id", run_id),
        ("syncload file", spec.file.name),
        ("syncload target", sandbox.get("base_url") or environment.base_url or "unknown"),
    ]
    if account is not None:
        properties.append(("syncload account", account))
    if environment.aws is not None:
        properties.append(("syncload region", environment.aws.region))
    if environment.sandbox is not None:
        properties.append(("syncload region", environment.sandbox.region))
        properties.append(("syncload SANDBOX", SANDBOX_PROVES))
    if spec.rejudged is not None:
        properties.append(("syncload REJUDGED", f"run {_run(spec.rejudged)}, judged again; no load was offered"))
    return properties


def tell_suite(plugins: Iterable[object], properties: Properties) -> None:
    """Write them to every report that takes properties of the suite.

    In the controller and not by pytest's fixture for it, which writes nothing where pytest-xdist runs the tests.
    """
    for plugin in plugins:
        add = getattr(plugin, "add_global_property", None)
        if callable(add):
            for name, value in properties:
                add(name, value)


def _query(slo: Slo, seen: Observation | None) -> str:
    if seen is not None and seen.sources:
        return "; ".join(seen.sources)
    if slo.query is not None:
        return f"{slo.query.namespace} {slo.query.name}"
    return slo.metric or ""


def _run(rejudged: Rejudged) -> str:
    return f"{rejudged.run_id} of {_moment(rejudged.begun_at)}"


def _iso(window: Window) -> str:
    return f"{_moment(window.start)}/{_moment(window.end)}"


def _moment(epoch_s: float) -> str:
    return f"{datetime.fromtimestamp(epoch_s, UTC):%Y-%m-%dT%H:%M:%SZ}"
