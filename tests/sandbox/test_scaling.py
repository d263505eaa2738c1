"""The double of Application Auto Scaling through boto3's own client: nothing is scaled, and nothing is guessed."""

from __future__ import annotations

import botocore.exceptions
import pytest

from tests.sandbox.awsclients import Stage


def test_nothing_is_scaled(stage: Stage) -> None:
    told = stage.client("application-autoscaling").describe_scalable_targets(
        ServiceNamespace="ecs", ResourceIds=["service/syncwell/worker"], ScalableDimension="ecs:service:DesiredCount"
    )
    assert told["ScalableTargets"] == []


@pytest.mark.parametrize("members", [{"ServiceNamespace": "rds"}, {"ServiceNamespace": "ecs", "MaxResults": 1}])
def test_what_it_does_not_have_is_refused(stage: Stage, members: dict[str, object]) -> None:
    with pytest.raises(botocore.exceptions.ClientError) as refused:
        stage.client("application-autoscaling").describe_scalable_targets(**members)
    assert refused.value.response["Error"]["Code"] == "ValidationException"
