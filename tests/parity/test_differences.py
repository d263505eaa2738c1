"""Each kind of difference gives exactly that difference, and nothing that is secret is shown."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_syncload.facts.errors import Refused
from pytest_syncload.facts.parity import COUNT, PLAN, RESOURCE
from pytest_syncload.parity import compare
from pytest_syncload.parity.differences import same, shown
from pytest_syncload.parity.documents import read
from pytest_syncload.parity.resources import Hidden, Value
from pytest_syncload.parity.scale import SCALES
from tests.parity.made import (
    HERE,
    SECRETS,
    THERE,
    accept,
    change_of,
    document,
    every,
    found,
    parity,
    planned,
    resource,
    told,
    written,
)

Change = Callable[[dict[str, Any]], object]
WORKER = 'module.worker["syncwell-production"].'
SERVICE, TASK = f"{WORKER}aws_ecs_service.worker", f"{WORKER}aws_ecs_task_definition.worker"
TARGET = f"{WORKER}module.scaling.aws_appautoscaling_target.worker"
POLICY = f"{WORKER}module.scaling.aws_appautoscaling_policy.cpu"
#: What the reference's policy does, by another metric.
FOLLOWS = {
    "target_value": 60,
    "scale_in_cooldown": 300,
    "scale_out_cooldown": 60,
    "predefined_metric_specification": [{"predefined_metric_type": "ECSServiceAverageMemoryUtilization"}],
}
TABLE, QUEUE, CACHE = (
    "aws_dynamodb_table.sync_jobs",
    "aws_sqs_queue.hot_path",
    "aws_elasticache_replication_group.cache",
)


#: The one block of the method settings.
BLOCK = {"caching_enabled": False, "throttling_burst_limit": 4000, "throttling_rate_limit": 8000}


def put(address: str, **values: Any) -> Change:
    """These values in place of a resource's own."""
    return lambda document: resource(document, address)["values"].update(values)


def containers(*named: str, **values: int) -> str:
    """Definitions of containers: the first one has these values."""
    first, *rest = [{"name": name, "environment": [{"name": "KEY", "value": SECRETS[0]}]} for name in named]
    return json.dumps([first | values, *rest])


def other(type_: str, **values: Any) -> Change:
    """One more resource, of this type."""
    entry = {"address": f"{type_}.more", "mode": "managed", "type": type_, "name": "more", "sensitive_values": {}}
    return lambda document: every(document)[0].append(entry | {"values": values})


def both(*changes: Change) -> Change:
    """One after the other."""

    def change(document: dict[str, Any]) -> None:
        for each in changes:
            each(document)

    return change


def unscaled(value: dict[str, Any]) -> None:
    """Nothing scales the service."""
    for some in every(value):
        some[:] = [each for each in some if each["type"] != "aws_appautoscaling_target"]


def redrive(count: int) -> str:
    return json.dumps({"deadLetterTargetArn": "arn:aws:sqs:us-east-1:222222222222:dead", "maxReceiveCount": count})


def index(**values: Any) -> list[dict[str, Any]]:
    plain = {"name": "by-user", "projection_type": "ALL", "read_capacity": 200, "write_capacity": 4200}
    return [plain | values]


def test_an_environment_that_is_like_the_reference_has_no_difference() -> None:
    """Names, accounts, addresses of networks, tags and secrets differ, and none of that bears load."""
    what = found()
    assert (told(what), what.noted, what.stale) == ([], (), ())
    assert (what.compared, what.passed_over) == (10, 1)
    assert (what.terraform.name, what.reference.name) == (HERE, THERE)


@pytest.mark.parametrize(
    ("change", "difference"),
    [
        (put("_task_definition.worker", cpu="512"), (TASK, "cpu", "512", "1024")),
        (put("_service.worker", launch_type="EC2"), (SERVICE, "launch_type", "EC2", "FARGATE")),
        (put("_service.worker", launch_type=None), (SERVICE, "launch_type", "nothing", "FARGATE")),
        (put("_target.worker", max_capacity=8), (TARGET, "max_capacity", "8", "40")),
        (put("sync_jobs", billing_mode="PAY_PER_REQUEST"), (TABLE, "billing_mode", "PAY_PER_REQUEST", "PROVISIONED")),
        (put("sync_jobs", write_capacity=100), (TABLE, "write_capacity", "100", "4200")),
        (
            put("sync_jobs", global_secondary_index=index(write_capacity=5)),
            (TABLE, "global_secondary_index[by-user].write_capacity", "5", "4200"),
        ),
        (
            put("sync_jobs", on_demand_throughput=[{"max_write_request_units": 9}]),
            (TABLE, "on_demand_throughput.max_write_request_units", "9", "nothing"),
        ),
        (put("group.cache", node_type="cache.t4g.micro"), (CACHE, "node_type", "cache.t4g.micro", "cache.r7g.large")),
        (put("group.cache", engine_version="7.10"), (CACHE, "engine_version", "7.10", "7.1")),
        (put("group.cache", transit_encryption_enabled=False), (CACHE, "transit_encryption_enabled", "false", "true")),
        (put("hot_path", fifo_queue=True), (QUEUE, "fifo_queue", "true", "false")),
        (
            put("_task_definition.worker", container_definitions=containers("worker", cpu=128)),
            (TASK, "container_definitions[worker].cpu", "128", "nothing"),
        ),
        (
            put("sync_jobs", global_secondary_index=index(on_demand_throughput=[{"max_write_request_units": 9}])),
            (TABLE, "global_secondary_index[by-user].on_demand_throughput.max_write_request_units", "9", "nothing"),
        ),
        (
            put("_policy.cpu", target_tracking_scaling_policy_configuration=[FOLLOWS]),
            (
                POLICY,
                "target_tracking_scaling_policy_configuration.predefined_metric_specification.predefined_metric_type",
                "ECSServiceAverageMemoryUtilization",
                "nothing",
            ),
        ),
        (put("hot_path", redrive_policy=redrive(50)), (QUEUE, "redrive_policy.maxReceiveCount", "50", "5")),
        (put("hot_path", redrive_policy="{"), (QUEUE, "redrive_policy.maxReceiveCount", "nothing", "5")),
        (
            put("settings.all", settings=[BLOCK | {"throttling_rate_limit": 100.5}]),
            ("aws_api_gateway_method_settings.all", "settings.throttling_rate_limit", "100.5", "8000"),
        ),
    ],
    ids=lambda each: "-".join(each[1:2]) if isinstance(each, tuple) else "",
)
def test_one_difference_is_exactly_that_difference(change: Change, difference: tuple[str, ...]) -> None:
    what = found(change)
    assert told(what) == [difference]
    assert what.unaccepted == what.differences
    assert what.differences[0].matters


def test_what_one_side_lacks_is_a_difference() -> None:
    lost = found(lambda value: every(value)[0].remove(resource(value, "hot_path")))
    assert told(lost) == [(QUEUE, RESOURCE, "none", "one")]
    more = found(there=lambda value: every(value)[0].remove(resource(value, "hot_path")))
    assert told(more) == [(QUEUE, RESOURCE, "one", "none")]


def test_an_index_that_one_side_lacks_is_a_difference_in_each_of_its_attributes() -> None:
    what = found(put("sync_jobs", global_secondary_index=[]))
    assert {each[1] for each in told(what)} == {
        f"global_secondary_index[by-user].{name}" for name in ("read_capacity", "write_capacity", "projection_type")
    }
    assert {each[2] for each in told(what)} == {"nothing"}


def test_gateways_are_counted_and_not_named_by_their_zones() -> None:
    def other_zones(value: dict[str, Any]) -> None:
        for each in every(value)[0]:
            each["address"] = each["address"].replace("us-east-1", "eu-central-1")

    assert told(found(other_zones)) == []
    fewer = found(lambda value: every(value)[0].remove(resource(value, 'aws_nat_gateway.out["us-east-1a"]')))
    assert told(fewer) == [("aws_nat_gateway", COUNT, "1", "2")]


def test_with_scaling_on_both_sides_what_it_moves_is_only_noted() -> None:
    what = found(put("_service.worker", desired_count=11))
    assert told(what) == []
    assert [(each.address, each.attribute, each.here, each.reference) for each in what.noted] == [
        (SERVICE, "desired_count", "11", "4")
    ]


def test_where_one_side_does_not_scale_the_number_counts() -> None:
    def change(value: dict[str, Any]) -> None:
        resource(value, "_service.worker")["values"]["desired_count"] = 11
        unscaled(value)

    assert told(found(change)) == [
        (SERVICE, "desired_count", "11", "4"),
        (TARGET, RESOURCE, "none", "one"),
    ]
    # A target of another service scales nothing here.
    other = found(
        lambda value: [
            put("_service.worker", desired_count=11)(value),
            put("_target.worker", resource_id="service/syncwell-load-testing/other")(value),
        ]
    )
    assert told(other) == [(SERVICE, "desired_count", "11", "4")]


@pytest.mark.parametrize(
    ("id_", "dimension", "attribute", "change"),
    [
        ("", "dynamodb:table:WriteCapacityUnits", "write_capacity", {"write_capacity": 9}),
        (
            "/index/by-user",
            "dynamodb:index:WriteCapacityUnits",
            "global_secondary_index[by-user].write_capacity",
            {"global_secondary_index": index(write_capacity=9)},
        ),
    ],
)
def test_what_scales_a_table_or_an_index_moves_that_and_nothing_else(
    id_: str, dimension: str, attribute: str, change: dict[str, Any]
) -> None:
    def target(name: str) -> Change:
        resource_id = f"table/syncwell-{name}-sync-jobs{id_}"
        return put("_target.worker", resource_id=resource_id, scalable_dimension=dimension)

    what = found(lambda value: [target("load-testing")(value), put("sync_jobs", **change)(value)], target("production"))
    assert told(what) == []
    assert [each.attribute for each in what.noted] == [attribute]


def test_a_service_that_names_no_cluster_is_in_the_default_one() -> None:
    def of(value: dict[str, Any]) -> None:
        resource(value, "_service.worker")["values"].pop("cluster")
        resource(value, "_target.worker")["values"]["resource_id"] = "service/default/worker"

    what = found(both(of, put("_service.worker", desired_count=11)), of)
    assert told(what) == []
    assert [each.attribute for each in what.noted] == ["desired_count"]


@pytest.mark.parametrize("dimension", ["Replicas", "NodeGroups"])
def test_what_scales_a_cache_moves_how_many_nodes_it_has(dimension: str) -> None:
    def scaled(value: dict[str, Any]) -> None:
        id_ = resource(value, "group.cache")["values"]["replication_group_id"]
        moves = {"resource_id": f"replication-group/{id_}", "min_capacity": 1, "max_capacity": 5}
        dimensions = {"scalable_dimension": f"elasticache:replication-group:{dimension}"}
        other("aws_appautoscaling_target", **moves, **dimensions)(value)

    what = found(both(scaled, put("group.cache", num_cache_clusters=4)), scaled)
    assert told(what) == []
    assert [each.attribute for each in what.noted] == ["num_cache_clusters"]


def test_limits_of_a_usage_plan_are_compared_by_stage_and_path() -> None:
    def plan(stage: str, rate: int) -> Change:
        throttle = [{"path": "/v1/sync-jobs/POST", "rate_limit": rate, "burst_limit": 10}]
        return other("aws_api_gateway_usage_plan", api_stages=[{"api_id": stage, "stage": stage, "throttle": throttle}])

    assert told(found(plan("load-testing", 100), plan("production", 100))) == []
    attribute = "api_stages[production].throttle[/v1/sync-jobs/POST].rate_limit"
    assert told(found(plan("load-testing", 90), plan("production", 100))) == [
        ("aws_api_gateway_usage_plan.more", attribute, "90", "100")
    ]


def test_a_container_that_one_side_lacks_is_a_difference_and_nothing_of_it_is_shown() -> None:
    there = put("_task_definition.worker", container_definitions=containers("worker", "envoy"))
    (one,) = told(found(there=there))
    assert one == (TASK, "container_definitions[envoy]", "nothing", "true")


def test_scheduled_actions_of_another_time_are_a_difference() -> None:
    def at(**more: str) -> Change:
        return other("aws_appautoscaling_scheduled_action", schedule="cron(0 8 * * ? *)", **more)

    (zone,) = told(found(at(timezone="UTC"), at(timezone="America/New_York")))
    assert zone[1:] == ("timezone", "UTC", "America/New_York")
    assert [each[1] for each in told(found(at(), at(end_time="2020-01-01T00:00:00Z")))] == ["end_time"]


def test_no_two_blocks_become_one_by_their_names() -> None:
    """Containers of both names: each is compared as it is called here."""
    here = containers("load-testing", "production", cpu=128)
    there = containers("production", "load-testing", cpu=128)
    what = found(
        put("_task_definition.worker", container_definitions=here),
        put("_task_definition.worker", container_definitions=there),
    )
    assert {each[1] for each in told(what)} == {
        "container_definitions[load-testing].cpu",
        "container_definitions[production].cpu",
    }


def test_what_is_off_and_what_is_not_set_is_the_same() -> None:
    unset = put("settings.all", settings=[{name: value for name, value in BLOCK.items() if value is not False}])
    assert told(found(unset)) == []
    assert told(found(there=unset)) == []
    on = put("settings.all", settings=[BLOCK | {"caching_enabled": True}])
    assert [each[1:] for each in told(found(on, unset))] == [("settings.caching_enabled", "true", "nothing")]


def test_a_gateway_that_a_plan_only_changes_is_there_before_and_after() -> None:
    plan = planned(written(HERE))
    change_of(plan, 'out["us-east-1a"]')["actions"] = ["update"]
    assert told(compare(document(plan), document(written(THERE), THERE), parity())) == []


def test_numbers_that_differ_in_type_only_are_equal() -> None:
    assert told(found(put("_task_definition.worker", cpu=1024, memory=2048.0))) == []


def test_what_is_sensitive_is_a_difference_that_says_so_and_shows_nothing() -> None:
    def mark(address: str, marks: Any) -> Change:
        return lambda value: resource(value, address).update(sensitive_values=marks)

    hidden = "sensitive, so not read"
    what = found(mark("group.cache", {"node_type": True}), mark("group.cache", {"node_type": True}))
    assert told(what) == [(CACHE, "node_type", hidden, hidden)]
    block = found(mark("sync_jobs", {"global_secondary_index": True}))
    assert {each[1]: each[2] for each in told(block)}["global_secondary_index.read_capacity"] == hidden
    one = found(mark("sync_jobs", {"global_secondary_index": [{"read_capacity": True}]}))
    assert told(one) == [(TABLE, "global_secondary_index[by-user].read_capacity", hidden, "200")]
    named = found(mark("sync_jobs", {"global_secondary_index": [{"name": True}]}))
    assert "by-user" not in {each.here for each in named.differences}
    assert "global_secondary_index[0].read_capacity" in {each.attribute for each in named.differences}
    policy = found(mark("hot_path", {"redrive_policy": True}))
    assert told(policy) == [(QUEUE, "redrive_policy.maxReceiveCount", hidden, "5")]
    whole = found(mark("hot_path", True))
    assert {each[2] for each in told(whole)} == {hidden}


def test_lists_several_blocks_and_structures_are_compared_whole() -> None:
    api = resource(written(HERE), "hot_path") | {
        "type": "aws_api_gateway_rest_api",
        "address": "aws_api_gateway_rest_api.api",
    }

    def types(*types: Any, marks: Any = None) -> Change:
        values = {"endpoint_configuration": [{"types": list(types)}]}
        return lambda value: every(value)[0].append(api | {"values": values, "sensitive_values": marks or {}})

    attribute = "endpoint_configuration.types"
    assert told(found(types("EDGE", "X"), types("X", "EDGE"))) == []
    assert told(found(types("EDGE"), types("REGIONAL"))) == [(api["address"], attribute, "EDGE", "REGIONAL")]
    marked = types("EDGE", marks={"endpoint_configuration": [{"types": [True]}]})
    assert told(found(marked, types("EDGE"))) == [(api["address"], attribute, "sensitive, so not read", "EDGE")]
    two = put("settings.all", settings=[BLOCK, BLOCK | {"throttling_burst_limit": 1}])
    assert {each[1] for each in told(found(two))} >= {
        "settings[0].throttling_burst_limit",
        "settings.throttling_rate_limit",
    }
    odd = found(put("_service.worker", desired_count={"a": 1}), put("_service.worker", desired_count={"a": 2}))
    assert [(each.here, each.reference) for each in odd.noted] == [("a text of 8 characters", "a text of 8 characters")]


def test_a_part_of_a_value_that_is_not_known_yet_hides_all_of_it() -> None:
    plan = planned(written(HERE))
    change_of(plan, "_task_definition.worker")["after_unknown"] = {"cpu": [True]}
    what = compare(document(plan), document(written(THERE), THERE), parity())
    assert told(what) == [(TASK, "cpu", "known only after apply", "1024")]


def test_what_a_plan_does_not_know_yet_is_a_difference_that_says_so() -> None:
    plan = planned(written(HERE))
    change = change_of(plan, "_task_definition.worker")
    change |= {"actions": ["update"], "after_unknown": {"cpu": True}}
    what = compare(document(plan), document(written(THERE), THERE), parity())
    assert told(what) == [
        (TASK, "cpu", "known only after apply", "1024"),
        (TASK, PLAN, "update, not applied", "applied"),
    ]
    there = planned(written(THERE))
    change_of(there, "_task_definition.worker").update(actions=["update"], after_unknown={"cpu": True})
    reference = compare(document(written(HERE)), document(there, THERE), parity())
    assert told(reference) == [(TASK, "cpu", "1024", "known only after apply")], "what is still to come there is no lie"


def test_a_plan_that_was_applied_is_as_good_as_a_state() -> None:
    plan = planned(written(HERE))
    change = change_of(plan, "hot_path")
    change["actions"] = ["update"]
    change["after"] = change["after"] | {"name": "another"}
    what = compare(document(plan), document(planned(written(THERE)), THERE), parity())
    assert (told(what), what.terraform.kind, what.compared) == ([], "plan", 10)


@pytest.mark.parametrize(
    ("actions", "shown"),
    [(["create"], "create"), (["delete"], "delete"), (["delete", "create"], "delete and create")],
)
def test_what_the_plan_has_not_made_is_a_difference(actions: list[str], shown: str) -> None:
    plan = planned(written(HERE))
    change_of(plan, "hot_path")["actions"] = actions
    gone = change_of(plan, 'out["us-east-1a"]')
    gone["actions"] = ["read"]
    assert told(compare(document(plan), document(written(THERE), THERE), parity())) == [
        (QUEUE, PLAN, f"{shown}, not applied", "applied")
    ]


def test_a_difference_is_accepted_with_its_why_and_by_its_values_where_they_are_named() -> None:
    change = put("_task_definition.worker", cpu="512")
    taken = found(change, given=parity(accept(TASK, "cpu")))
    assert [each.accepted for each in taken.differences] == ["it is meant so"]
    assert (taken.accepted, taken.unaccepted) == (taken.differences, ())
    assert found(change, given=parity(accept(TASK, "cpu", here="512", reference="1024"))).unaccepted == ()
    for values in ({"here": "256"}, {"reference": "2048"}):
        other = accept(TASK, "cpu", **values)
        what = found(change, given=parity(other))
        assert len(what.unaccepted) == 1
        assert what.stale == (other,)


def test_what_accepts_nothing_is_told() -> None:
    stale, noted = accept(TASK, "memory"), accept(SERVICE, "desired_count")
    what = found(put("_service.worker", desired_count=11), given=parity(stale, noted))
    assert what.stale == (stale,)


def test_names_are_whole_words_in_both_ways_of_writing_them() -> None:
    def spelt(name: str) -> Change:
        def change(value: dict[str, Any]) -> None:
            resource(value, "hot_path")["address"] = f"aws_sqs_queue.hot_path_{name}"

        return change

    assert told(found(spelt("load_testing"), spelt("production"))) == []
    assert len(told(found(spelt("download_testing"), spelt("production")))) == 2
    assert told(found(given=parity(**{"load-testing": "production"}))) == []

    # A resource's type has no environment's name in it, and what took a name's place is no name again.
    def v1(value: dict[str, Any]) -> None:
        every(value)[0].append(resource(value, "hot_path") | {"address": "aws_api_gateway_stage.v1"})

    assert told(found(v1, v1, given=parity(stage="production", **{"load-testing": "production"}))) == []
    chained = parity(**{"load-testing": "production", "production": "other"})
    assert told(found(spelt("load_testing"), spelt("production"), given=chained)) == []
    assert (
        told(found(spelt("dev"), spelt("prod_eu"), given=parity(dev="prod-eu", **{"load-testing": "production"}))) == []
    )

    def two(value: dict[str, Any]) -> None:
        for letter in "ab":
            every(value)[0].append(resource(value, "hot_path") | {"address": f"aws_sqs_queue.x_{letter}"})

    with pytest.raises(Refused, match=r"by parity\.names two resources of load-testing\.json become "):
        found(two, given=parity(a="b"))


def test_comparing_something_with_itself_or_with_something_else_is_refused() -> None:
    same_one = document(written(THERE), THERE)
    with pytest.raises(Refused, match="are the same document, and equal"):
        compare(document(written(THERE)), same_one, parity())
    indented = read(json.dumps(written(THERE), indent=7).encode(), "mine.json")
    with pytest.raises(Refused, match="are the same document, and equal"):
        compare(indented, same_one, parity())
    empty = document({"format_version": "1.0"})
    alone = resource(written(HERE), "hot_path") | {"address": "aws_sqs_queue.other"}
    with pytest.raises(
        Refused, match=r"load-testing.json \(there is none\) has an address of production.json \(first "
    ):
        compare(empty, same_one, parity())
    with pytest.raises(Refused, match=r"is parity\.names right"):
        found(lambda value: value["values"].update(root_module={"resources": [alone]}))


def test_what_bears_no_load_of_a_resource_is_shown_nowhere() -> None:
    """No secret of two states full of them, whatever differs: marked or not, in a value, an output or a text."""

    def upset(value: dict[str, Any]) -> None:
        for some in every(value):
            for each in some:
                each["values"] = dict.fromkeys(each["values"], SECRETS[0] + "/+!") | {
                    "name": each["values"].get("name"),
                    "auth_token": SECRETS[1],
                }

    what = found(upset)
    assert len(what.differences) > 20
    assert not any(secret in repr(what) for secret in SECRETS)


@pytest.mark.parametrize(
    "broken",
    [
        {"root_module": []},
        {"root_module": {"resources": {}}},
        {"root_module": {"resources": ["hunter22"]}},
        {"root_module": {"resources": [{"address": "hunter22"}]}},
        {"root_module": {"resources": [{"type": "aws_sqs_queue"}]}},
        {"root_module": {"resources": [{"type": "aws_sqs_queue", "address": "q", "values": "hunter22"}]}},
        {"root_module": {"child_modules": "hunter22"}},
        "hunter22",
    ],
)
def test_a_document_of_another_layout_is_refused_without_a_word_of_it(broken: Any) -> None:
    with pytest.raises(Refused, match="is not laid out as terraform show -json does it") as refused:
        compare(document({"format_version": "1.0", "values": broken}), document(written(THERE), THERE), parity())
    assert "hunter22" not in str(refused.value)


def test_an_address_twice_is_refused_and_what_is_read_or_deposed_is_passed_over() -> None:
    def twice(value: dict[str, Any]) -> None:
        every(value)[0].append(resource(value, "hot_path"))

    with pytest.raises(Refused, match=r"has aws_sqs_queue\.hot_path twice"):
        found(twice)
    deposed = found(lambda value: every(value)[0].append(resource(value, "hot_path") | {"deposed_key": "a1"}))
    assert told(deposed) == []


def test_what_nobody_would_write_is_still_compared_or_refused() -> None:
    other = found(lambda value: resource(value, "hot_path").update(type="aws_nat_gateway", values={}))
    assert told(other) == [("aws_nat_gateway", COUNT, "3", "2"), (QUEUE, RESOURCE, "one", "one")]
    twice = found(put("sync_jobs", global_secondary_index=index() + index(write_capacity=1)))
    assert "global_secondary_index[1].write_capacity" in {each[1] for each in told(twice)}
    deep: Any = True
    for _ in range(900):
        deep = [deep]
    with pytest.raises(Refused, match="is nested too deeply"):
        found(lambda value: resource(value, "hot_path").update(sensitive_values={"fifo_queue": deep}))
    plan = planned(written(HERE))
    plan["resource_changes"][0]["type"] = ["hunter22"]
    with pytest.raises(Refused, match="is not laid out"):
        compare(document(plan), document(written(THERE), THERE), parity())
    mute = planned(written(HERE))
    change_of(mute, "hot_path").update(sensitive_values=3, after_sensitive="x", actions=["update"])
    assert told(compare(document(mute), document(written(THERE), THERE), parity())) == []


def test_an_address_can_be_shown_in_a_terminal() -> None:
    what = found(lambda value: resource(value, "hot_path").update(address="aws_sqs_queue.\x1b[31mhot"))
    assert "aws_sqs_queue.\ufffd[31mhot" in {each.address for each in what.differences}


# Laws.

ATTRIBUTES = [
    (each["address"], name)
    for some in every(written(HERE))
    for each in some
    if each["type"] in SCALES
    for name in each["values"]
    if name in {attribute.path for attribute in SCALES[each["type"]].attributes if not attribute.scaled_by}
]


@given(
    at=st.sampled_from(ATTRIBUTES), value=st.integers(10**6, 10**9) | st.text("abc", min_size=1), other=st.booleans()
)
def test_every_changed_attribute_is_found(at: tuple[str, str], value: Any, other: bool) -> None:
    address, attribute = at
    there = address.replace("load-testing", "production")
    what = found(there=put(there, **{attribute: value})) if other else found(put(address, **{attribute: value}))
    assert [(each.address, each.attribute) for each in what.differences] == [(there, attribute)]


@given(st.randoms())
def test_the_order_of_resources_does_not_matter(random: Any) -> None:
    def shuffle(value: dict[str, Any]) -> None:
        put("_task_definition.worker", cpu="512")(value)
        for some in every(value):
            random.shuffle(some)

    assert found(shuffle).differences == found(put("_task_definition.worker", cpu="512")).differences


PLAIN = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
VALUES: st.SearchStrategy[Value] = PLAIN | st.lists(st.text()).map(lambda some: tuple(sorted(some)))


@given(VALUES, VALUES)
def test_a_value_is_the_same_as_itself_and_either_way_round_and_what_is_hidden_as_nothing(
    one: Value, other: Value
) -> None:
    assert same(one, one)
    assert same(one, other) == same(other, one)
    for hidden in Hidden:
        assert not same(hidden, hidden)
        assert not same(one, hidden)


@pytest.mark.parametrize(
    ("one", "other", "equal"),
    [
        (1024, "1024", True),
        ("1024", 1024.0, True),
        (None, "", True),
        (None, (), True),
        (0, None, False),
        (True, 1, False),
        (True, "true", False),
        ("7.1", "7.10", False),
        (7.1, "x", False),
        (1, "nan", False),
        (("a",), "a", False),
    ],
)
def test_what_is_equal(one: Value, other: Value, equal: bool) -> None:
    assert same(one, other) is equal


@pytest.mark.parametrize(
    ("value", "says"),
    [
        (None, "nothing"),
        ("", "nothing"),
        (True, "true"),
        (False, "false"),
        (4.5, "4.5"),
        ("cache.r7g.large", "cache.r7g.large"),
        ("a word and another", "a text of 18 characters"),
        ("x" * 65, "a text of 65 characters"),
        (("arm64", "x86_64"), "arm64, x86_64"),
        (tuple("abcdef"), "a list of 6"),
    ],
)
def test_what_is_shown(value: Value, says: str) -> None:
    assert shown(value) == says
