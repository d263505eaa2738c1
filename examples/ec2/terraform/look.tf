# What a run asks AWS for: docs/aws.md's policy, statement by statement, which a test of pytest-syncload compares. It only
# reads. Leave out what no row of yours looks at.

data "aws_iam_policy_document" "look" {
  statement {
    sid       = "Metrics"
    actions   = ["cloudwatch:GetMetricData"]
    resources = ["*"]
  }

  statement {
    sid       = "Tables"
    actions   = ["dynamodb:DescribeTable"]
    resources = [for name in concat(var.tables, ["none"]) : "${local.arn}:dynamodb:${var.region}:${local.account}:table/${name}"]
  }

  statement {
    sid       = "Queues"
    actions   = ["sqs:GetQueueUrl", "sqs:GetQueueAttributes"]
    resources = [for name in concat(var.queues, ["none"]) : "${local.arn}:sqs:${var.region}:${local.account}:${name}"]
  }

  statement {
    sid = "Service"
    actions = [
      "ecs:DescribeClusters",
      "ecs:DescribeServices",
      "ecs:DescribeTaskDefinition",
      "ecs:DescribeTasks",
      "ecs:ListTasks",
    ]
    resources = ["*"]
  }

  statement {
    sid = "Caches"
    actions = [
      "elasticache:DescribeCacheClusters",
      "elasticache:DescribeReplicationGroups",
      "elasticache:DescribeServerlessCaches",
    ]
    resources = ["*"]
  }

  statement {
    sid = "Quotas"
    actions = [
      "application-autoscaling:DescribeScalableTargets",
      "servicequotas:GetAWSDefaultServiceQuota",
      "servicequotas:GetServiceQuota",
    ]
    resources = ["*"]
  }

  statement {
    sid       = "Costs"
    actions   = ["application-autoscaling:DescribeScalableTargets", "pricing:GetProducts"]
    resources = ["*"]
  }

  statement {
    sid       = "Suggestions"
    actions   = ["dynamodb:ListTables", "ecs:ListClusters", "ecs:ListServices", "sqs:ListQueues"]
    resources = ["*"]
  }
}
