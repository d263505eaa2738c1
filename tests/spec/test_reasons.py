from __future__ import annotations

from pytest_syncload.spec import environment_schema, phase_schema, reasons, request_schema, row_schema


def test_the_nearest_name_is_found_whatever_its_case() -> None:
    assert reasons.nearest("post", ["GET", "POST"]) == "did you mean 'POST'?"
    assert reasons.nearest("zzz", ["a", "b"]) == "known: a, b"
    assert reasons.nearest("zzz", []) == "none is known here"


def test_known_keys_are_those_that_slo_yaml_writes() -> None:
    assert reasons.known_keys(phase_schema.ClimbPhaseModel, ("climb",)) == [
        "from",
        "step",
        "every",
        "until",
        "at_most",
        "recovers_within",
    ]
    assert reasons.known_keys(environment_schema.RealEnvironmentModel, ("resources", "ecs")) == ["cluster", "service"]
    assert reasons.known_keys(row_schema.RawRowModel, ("missing",)) == ["zero_while"]
    assert reasons.known_keys(request_schema.RequestModel, ("expect",)) == ["status", "headers", "json"]
    assert reasons.known_keys(request_schema.RequestModel, ("nowhere", "at", "all")) == []
