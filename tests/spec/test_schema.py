from __future__ import annotations

from pytest_syncload.spec import schema


def test_the_nearest_name_is_found_whatever_its_case() -> None:
    assert schema.nearest("post", ["GET", "POST"]) == "did you mean 'POST'?"
    assert schema.nearest("zzz", ["a", "b"]) == "known: a, b"
    assert schema.nearest("zzz", []) == "none is known here"


def test_known_keys_are_those_that_slo_yaml_writes() -> None:
    assert schema.known_keys(schema.ClimbPhaseModel, ("climb",)) == ["from", "step", "every", "until", "at_most"]
    assert schema.known_keys(schema.RealEnvironmentModel, ("resources", "ecs")) == ["cluster", "service"]
    assert schema.known_keys(schema.RawRowModel, ("missing",)) == ["zero_while"]
    assert schema.known_keys(schema.RequestModel, ("expect",)) == ["status", "json"]
    assert schema.known_keys(schema.RequestModel, ("nowhere", "at", "all")) == []


def test_a_limit_counts_what_is_really_offered() -> None:
    limit = schema.Limit(environment="sandbox", max_rate=100, rate_scale=0.5, shown="100/s")
    assert limit.hold(200) == 200
