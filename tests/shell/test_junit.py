"""The XML that a dashboard reads: valid, failure and error apart, and every property read back."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from xml.etree import ElementTree

import pytest
import xmlschema

from pytest_syncload.conductor.run_folder import RunFolder
from pytest_syncload.facts.observation import Ruling, Verdict
from pytest_syncload.facts.plan import (
    AwsAccess,
    Environment,
    LoadSettings,
    RawQuery,
    Rejudged,
    RequestTemplate,
    Slo,
    Spec,
    Target,
)
from pytest_syncload.facts.units import Kind
from pytest_syncload.shell.junit import (
    replace_properties,
    row_properties,
    run_properties,
    suite_properties,
    tell_suite,
)
from pytest_syncload.spec import read
from tests.conductor.plans import keep_run
from tests.rows import LATENCY
from tests.shell.conftest import Project

FAULTS = "{latency: 700 ms, missing: [ConsumedWriteCapacityUnits, ConsumedReadCapacityUnits]}"
XUNIT2 = Path(__file__).with_name("junit-10.xsd")


def properties(element: ElementTree.Element) -> dict[str, str]:
    """What stands in its <properties>, each name once."""
    found = [(each.attrib["name"], each.attrib["value"]) for each in element.findall("./properties/property")]
    assert len(dict(found)) == len(found)
    return dict(found)


def valid(root: ElementTree.Element) -> bool:
    """Whether it is xunit2, once the properties of testcases are out, which that schema does not know."""
    for case in root.iter("testcase"):
        for each in case.findall("properties"):
            case.remove(each)
    return bool(xmlschema.XMLSchema10(XUNIT2).is_valid(root))


@pytest.mark.usefixtures("unmeasured")
@pytest.mark.parametrize("workers", [(), ("-n", "1")], ids=["alone", "xdist"])
def test_every_row_says_what_it_was_judged_from(project: Project, workers: tuple[str, ...]) -> None:
    project.write(FAULTS)
    project.pytester.makepyfile(test_mine="def test_slo(slo): pass\n")
    # The user's tests come first and wait for the load; the time is its own item's all the same.
    result = project.run("-m", "peak", "test_mine.py", "slo.yaml", "--junitxml", "out.xml", *workers)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    root = ElementTree.parse(project.pytester.path / "out.xml").getroot()
    suite = root[0]
    run = {"environment": "sandbox", "sandbox": "true", "run_id": project.run_folder.name}
    of_suite = properties(suite)
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+", of_suite.pop("syncload target"))
    assert of_suite == {
        "syncload environment": "sandbox",
        "syncload run id": run["run_id"],
        "syncload file": "slo.yaml",
        "syncload account": "111122223333",
        "syncload region": "us-east-1",
        "syncload SANDBOX": "proves nothing about a real target",
    }
    cases = {case.attrib["name"]: case for case in suite.iter("testcase")}
    words = {name: [child.tag for child in case if child.tag != "properties"] for name, case in cases.items()}
    for name in ("{}", "test_slo[peak::{}]"):
        latency, errors, throttles = (
            name.format(row) for row in ("api-latency-p95", "api-5xx-rate", "dynamodb-throttles")
        )
        assert (words[latency], words[errors], words[throttles]) == (["failure"], [], ["error"])
        said = properties(cases[latency])
        assert 700 < float(said.pop("value")) < 2000
        minute = r"\d{4}-\d\d-\d\dT\d\d:\d\d:00Z"
        window = said.pop("window")
        assert re.fullmatch(f"{minute}/{minute}", window)
        query = "AWS/ApiGateway Latency p95 {ApiName=syncwell, Stage=v1}"
        assert said == {"target": "< 500 ms", "unit": "ms", "query": query, **run}
        said = properties(cases[errors])
        assert (float(said["value"]), said["target"], said["unit"]) == (0.0, "< 0.1 %", "%")
        assert said["query"].count("AWS/ApiGateway ") == 2
        said = properties(cases[throttles])
        assert said["query"].startswith("AWS/DynamoDB ReadThrottleEvents Sum {TableName=sync-jobs}; AWS/DynamoDB ")
        assert {name: value for name, value in said.items() if name != "query"} == {
            "target": "== 0",
            "unit": "",
            "window": window,
            **run,
        }
    assert words["load"] == []
    assert properties(cases["load"]) == run
    times = {name: float(case.attrib["time"]) for name, case in cases.items()}
    load_s = times.pop("load")
    assert load_s >= 3.0
    assert max(times.values()) < load_s
    assert valid(root)


@pytest.mark.usefixtures("unmeasured")
def test_a_row_of_a_worker_that_died_is_an_error(project: Project) -> None:
    plan = read(project.pytester.path / "slo.yaml", environment="sandbox", environ={})
    keep_run(RunFolder(project.pytester.path / ".syncload" / "earlier"), plan, *plan.phase("peak").slos)
    project.pytester.makepyfile(test_mine="import os\n\ndef test_slo(slo): os._exit(1)\n")
    row = "test_mine.py::test_slo[peak::api-5xx-rate]"
    project.run(row, "-n", "1", "--junitxml", "out.xml", "--syncload-run", ".syncload/earlier")
    root = ElementTree.parse(project.pytester.path / "out.xml").getroot()
    (case,) = root.iter("testcase")
    assert [child.tag for child in case if child.tag != "properties"] == ["error"]
    assert valid(root)


def spec_of(environment: Environment) -> Spec:
    return Spec(
        file=Path("/somewhere/slo.yaml"),
        service="toy",
        environment=environment,
        load=LoadSettings(),
        request=RequestTemplate(),
        phases=(),
    )


def test_a_real_environment_is_named_with_account_and_region() -> None:
    real = Environment(name="real", line=2, base_url="https://api.toy.example", aws=AwsAccess(region="eu-central-1"))
    assert suite_properties(spec_of(real), "r1", {"sandbox": None}, "111122223333") == [
        ("syncload environment", "real"),
        ("syncload run id", "r1"),
        ("syncload file", "slo.yaml"),
        ("syncload target", "https://api.toy.example"),
        ("syncload account", "111122223333"),
        ("syncload region", "eu-central-1"),
    ]
    unknown = Environment(name="real", line=2)
    assert ("syncload target", "unknown") in suite_properties(spec_of(unknown), "r1", {}, None)


def test_a_judging_again_says_so_in_every_place() -> None:
    real = Environment(name="real", line=2, base_url="https://api.toy.example", aws=AwsAccess(region="eu-central-1"))
    spec = replace(spec_of(real), rejudged=Rejudged(run_id="r0", begun_at=1_795_510_800.0))
    run = "r0 of 2026-11-24T09:00:00Z"
    assert run_properties(spec, "r1")[-2:] == [("run_id", "r1"), ("rejudged_from", run)]
    lost = Verdict(slo=LATENCY, ruling=Ruling.INCONCLUSIVE, reason="not asked")
    assert dict(row_properties(lost, spec, "r1"))["rejudged_from"] == run
    suite = dict(suite_properties(spec, "r1", {}, None))
    assert suite["syncload REJUDGED"] == f"run {run}, judged again; no load was offered"
    assert "syncload REJUDGED" not in dict(suite_properties(spec_of(real), "r1", {}, None))


def test_a_row_that_nothing_was_asked_for_says_what_would_have_been() -> None:
    spec = spec_of(Environment(name="real", line=2))
    lost = Verdict(slo=LATENCY, ruling=Ruling.INCONCLUSIVE, reason="not asked")
    assert dict(row_properties(lost, spec, "r1"))["query"] == "apigateway.latency"
    raw = Slo(
        name="raw",
        phase="peak",
        target=Target(op="<", value=1.0, kind=Kind.COUNT, text="< 1"),
        line=3,
        query=RawQuery(namespace="Mine", name="Depth", dimensions=(("Queue", "a"),)),
    )
    lost = Verdict(slo=raw, ruling=Ruling.INCONCLUSIVE, reason="not asked")
    assert dict(row_properties(lost, spec, "r1"))["query"] == "Mine Depth"


def test_every_report_that_takes_properties_of_the_suite_gets_them() -> None:
    told: list[tuple[str, object]] = []
    taking = SimpleNamespace(add_global_property=lambda name, value: told.append((name, value)))
    tell_suite([SimpleNamespace(), taking, SimpleNamespace(add_global_property=None)], [("a", "b"), ("c", "d")])
    assert told == [("a", "b"), ("c", "d")]


def test_a_second_attempt_leaves_no_property_of_the_first(pytester: pytest.Pytester) -> None:
    item = pytester.getitem("def test_it(): pass", "test_it")
    item.user_properties.append(("mine", 1))
    replace_properties(item, [("value", "1.0"), ("target", "< 2")])
    replace_properties(item, [("target", "< 2"), ("window", "")])
    assert item.user_properties == [("mine", 1), ("target", "< 2"), ("window", "")]
