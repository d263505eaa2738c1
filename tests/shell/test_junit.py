from __future__ import annotations

from xml.etree import ElementTree

from tests.shell.conftest import Project


def test_junit_tells_failure_from_error_and_where_it_ran(project: Project) -> None:
    project.write("{latency: 700 ms, missing: [ConsumedWriteCapacityUnits, ConsumedReadCapacityUnits]}")
    project.run("-m", "baseline", "--junitxml", "out.xml")
    suite = ElementTree.parse(project.pytester.path / "out.xml").getroot()[0]
    properties = {p.attrib["name"]: p.attrib["value"] for p in suite.findall("./properties/property")}
    assert properties["syncload environment"] == "sandbox"
    assert properties["syncload SANDBOX"] == "proves nothing about a real target"
    kinds = {
        case.attrib["name"]: [child.tag for child in case if child.tag != "properties"]
        for case in suite.iter("testcase")
    }
    assert kinds == {
        "load": [],
        "api-latency-p95": ["failure"],
        "api-5xx-rate": [],
        "dynamodb-throttles": ["error"],
    }
    # The phase's time is its own item's; the rows' are their own.
    times = {case.attrib["name"]: float(case.attrib["time"]) for case in suite.iter("testcase")}
    assert times["load"] > 1.0
    assert max(times[name] for name in times if name != "load") < times["load"]
