"""What bears load, by Terraform's resource types: the attributes in which a smaller environment would prove less.

Names are those of Terraform's AWS provider (its documentation of each resource). A path is made of attribute names and
dots. A block in it that can be there once is written like an attribute; ``block[name]`` stands for each of several,
told apart by its attribute ``name``; ``text{}`` is JSON in a text, ``text{}[name]`` a list in it, and at
the end of a path which of them there are. What is not here is not compared.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Attribute:
    """One attribute, and why a difference in it changes what a load test proves.

    ``scaled_by`` are the scalable dimensions of Application Auto Scaling that move it: where a target for one is there,
    its minimum and maximum are what counts, and the value of a moment is not.
    """

    path: str
    why: str
    scaled_by: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Scale:
    """What is compared of a type. ``counted``: only how many there are, because addresses name zones and not sizes.

    ``scaled_as`` is Application Auto Scaling's id of such a resource, with attributes in braces; ``{key}`` is the name
    of the block that the attribute stands in. ``otherwise`` is what AWS takes where an attribute of the id is not set.
    """

    attributes: tuple[Attribute, ...] = ()
    counted: str = ""
    scaled_as: str = ""
    scaled_block_as: str = ""
    otherwise: Mapping[str, str] = field(default_factory=dict)

    @property
    def identity(self) -> tuple[str, ...]:
        """The attributes that `scaled_as` needs."""
        known = ("name", "cluster", "replication_group_id")
        return tuple(name for name in known if f"{{{name}}}" in self.scaled_as)


_THROTTLES = "requests beyond it are refused before they reach the service"
_TASK = "what one task can do"
_CAPACITY = "what is consumed beyond it is throttled"
_NODE = "CPU, memory and network of each node"
_SHARDS, _REPLICAS = "elasticache:replication-group:NodeGroups", "elasticache:replication-group:Replicas"

#: What Application Auto Scaling may move, and within which bounds; read by `resources` too.
SCALING_TARGET = "aws_appautoscaling_target"

SCALES: Mapping[str, Scale] = {
    "aws_ecs_service": Scale(
        (
            Attribute("desired_count", "how many tasks share the load", ("ecs:service:DesiredCount",)),
            Attribute("launch_type", "Fargate and EC2 differ in CPU, network and placement"),
            Attribute("capacity_provider_strategy[capacity_provider].base", "how many tasks run there first"),
            Attribute("capacity_provider_strategy[capacity_provider].weight", "Spot capacity may be taken away"),
        ),
        scaled_as="service/{cluster}/{name}",
        otherwise={"cluster": "default"},
    ),
    "aws_ecs_task_definition": Scale(
        (
            Attribute("cpu", _TASK),
            Attribute("memory", _TASK),
            Attribute("runtime_platform.cpu_architecture", "ARM64 and X86_64 differ in what a vCPU does"),
            Attribute("container_definitions{}[name]", "what else uses the task's CPU and memory"),
            Attribute("container_definitions{}[name].cpu", "a container's share of its task"),
            Attribute("container_definitions{}[name].memory", "beyond it the container is killed"),
            Attribute("container_definitions{}[name].memoryReservation", "a container's share of its task"),
        )
    ),
    SCALING_TARGET: Scale(
        (
            Attribute("min_capacity", "what is there when the load comes"),
            Attribute("max_capacity", "where scaling ends"),
        )
    ),
    "aws_appautoscaling_policy": Scale(
        (
            Attribute("policy_type", "how scaling follows the load"),
            Attribute("target_tracking_scaling_policy_configuration.target_value", "how soon scaling begins"),
            *(
                Attribute(f"target_tracking_scaling_policy_configuration.{name}", "what scaling follows")
                for name in (
                    "predefined_metric_specification.predefined_metric_type",
                    "customized_metric_specification.namespace",
                    "customized_metric_specification.metric_name",
                    "customized_metric_specification.statistic",
                )
            ),
            Attribute("target_tracking_scaling_policy_configuration.scale_out_cooldown", "how fast scaling follows"),
        )
    ),
    "aws_appautoscaling_scheduled_action": Scale(
        (
            Attribute("schedule", "when scaling is moved"),
            Attribute("timezone", "when scaling is moved"),
            Attribute("start_time", "when scaling is moved"),
            Attribute("end_time", "when scaling is moved"),
            Attribute("scalable_target_action.min_capacity", "what is there when the load comes"),
            Attribute("scalable_target_action.max_capacity", "where scaling ends"),
        )
    ),
    "aws_dynamodb_table": Scale(
        (
            Attribute("billing_mode", "on-demand and provisioned tables throttle by other rules"),
            Attribute("read_capacity", _CAPACITY, ("dynamodb:table:ReadCapacityUnits",)),
            Attribute("write_capacity", _CAPACITY, ("dynamodb:table:WriteCapacityUnits",)),
            Attribute("on_demand_throughput.max_read_request_units", _CAPACITY),
            Attribute("on_demand_throughput.max_write_request_units", _CAPACITY),
            Attribute("global_secondary_index[name].read_capacity", _CAPACITY, ("dynamodb:index:ReadCapacityUnits",)),
            Attribute(
                "global_secondary_index[name].write_capacity",
                "an index that cannot follow throttles its table's writes",
                ("dynamodb:index:WriteCapacityUnits",),
            ),
            Attribute("global_secondary_index[name].on_demand_throughput.max_read_request_units", _CAPACITY),
            Attribute("global_secondary_index[name].on_demand_throughput.max_write_request_units", _CAPACITY),
            Attribute("global_secondary_index[name].projection_type", "what each write to the index costs"),
        ),
        scaled_as="table/{name}",
        scaled_block_as="table/{name}/index/{key}",
    ),
    "aws_elasticache_replication_group": Scale(
        (
            Attribute("node_type", _NODE),
            Attribute("num_node_groups", "over how many shards keys are spread", (_SHARDS,)),
            Attribute("replicas_per_node_group", "how many nodes answer reads", (_REPLICAS,)),
            Attribute("num_cache_clusters", "how many nodes there are", (_SHARDS, _REPLICAS)),
            Attribute("engine", "engines differ in what a core does"),
            Attribute("engine_version", "versions differ in what a core does"),
            Attribute("transit_encryption_enabled", "TLS costs the engine CPU"),
        ),
        scaled_as="replication-group/{replication_group_id}",
    ),
    "aws_elasticache_cluster": Scale(
        (
            Attribute("node_type", _NODE),
            Attribute("num_cache_nodes", "how many nodes there are"),
            Attribute("engine", "engines differ in what a core does"),
            Attribute("engine_version", "versions differ in what a core does"),
        )
    ),
    "aws_elasticache_serverless_cache": Scale(
        (
            Attribute("cache_usage_limits.data_storage.maximum", "beyond it keys are evicted"),
            Attribute("cache_usage_limits.ecpu_per_second.maximum", "beyond it commands are throttled"),
        )
    ),
    "aws_sqs_queue": Scale(
        (
            Attribute("fifo_queue", "a FIFO queue has a limit of its own"),
            Attribute("fifo_throughput_limit", "a FIFO queue has a limit of its own"),
            Attribute("visibility_timeout_seconds", "when a message that is worked on is seen again"),
            Attribute("receive_wait_time_seconds", "how often consumers ask"),
            Attribute("delay_seconds", "how long each message waits"),
            Attribute("redrive_policy{}.maxReceiveCount", "when a message is given up"),
        )
    ),
    "aws_apigatewayv2_stage": Scale(
        (
            Attribute("default_route_settings.throttling_rate_limit", _THROTTLES),
            Attribute("default_route_settings.throttling_burst_limit", _THROTTLES),
            Attribute("route_settings[route_key].throttling_rate_limit", _THROTTLES),
            Attribute("route_settings[route_key].throttling_burst_limit", _THROTTLES),
        )
    ),
    "aws_api_gateway_method_settings": Scale(
        (
            Attribute("settings.throttling_rate_limit", _THROTTLES),
            Attribute("settings.throttling_burst_limit", _THROTTLES),
            Attribute("settings.caching_enabled", "what a cache answers, the service never sees"),
        )
    ),
    "aws_api_gateway_stage": Scale(
        (
            Attribute("cache_cluster_enabled", "what a cache answers, the service never sees"),
            Attribute("cache_cluster_size", "what a cache answers, the service never sees"),
        )
    ),
    "aws_api_gateway_rest_api": Scale(
        (Attribute("endpoint_configuration.types", "an edge-optimised API has another way to it than a regional one"),)
    ),
    "aws_api_gateway_usage_plan": Scale(
        (
            Attribute("throttle_settings.rate_limit", _THROTTLES),
            Attribute("throttle_settings.burst_limit", _THROTTLES),
            Attribute("quota_settings.limit", _THROTTLES),
            Attribute("quota_settings.period", _THROTTLES),
            Attribute("api_stages[stage].throttle[path].rate_limit", _THROTTLES),
            Attribute("api_stages[stage].throttle[path].burst_limit", _THROTTLES),
        )
    ),
    "aws_lambda_function": Scale(
        (
            Attribute("memory_size", "Lambda gives CPU in proportion to memory"),
            Attribute("reserved_concurrent_executions", "calls beyond it are throttled"),
            Attribute("timeout", "when a call is given up"),
            Attribute("architectures", "arm64 and x86_64 differ in what a vCPU does"),
        )
    ),
    "aws_lambda_provisioned_concurrency_config": Scale(
        (Attribute("provisioned_concurrent_executions", "calls beyond it may start cold"),)
    ),
    "aws_nat_gateway": Scale(counted="how many ports and how much bandwidth there are to what is outside"),
}
