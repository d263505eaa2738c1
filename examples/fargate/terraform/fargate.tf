# The cluster, the task, and what each role may do. The load's own cluster: in the target's, it would be one of its tasks.

resource "aws_ecs_cluster" "generator" {
  name = "syncload-generator"
}

resource "aws_cloudwatch_log_group" "generator" {
  name              = "/syncload/generator"
  retention_in_days = 14
}

resource "aws_ecr_repository" "generator" {
  name                 = "syncload-generator"
  image_tag_mutability = "IMMUTABLE"
  force_delete         = true
  image_scanning_configuration {
    scan_on_push = true
  }
}

resource "aws_ecr_lifecycle_policy" "generator" {
  repository = aws_ecr_repository.generator.name
  policy = jsonencode({
    rules = [{
      rulePriority = 1
      description  = "an image for each run; two weeks, as its files"
      selection    = { tagStatus = "any", countType = "sinceImagePushed", countUnit = "days", countNumber = 14 }
      action       = { type = "expire" }
    }]
  })
}

resource "aws_security_group" "generator" {
  name_prefix = "syncload-generator-"
  description = "Out by HTTPS, in by nothing"
  vpc_id      = var.vpc_id
}

# The target, AWS and sign-in; names are resolved by the VPC's own resolver, which no security group stands before.
resource "aws_vpc_security_group_egress_rule" "https" {
  security_group_id = aws_security_group.generator.id
  description       = "the target, AWS and sign-in"
  ip_protocol       = "tcp"
  from_port         = 443
  to_port           = 443
  cidr_ipv4         = "0.0.0.0/0"
}

resource "aws_ecs_task_definition" "generator" {
  family                   = "syncload-generator"
  requires_compatibilities = ["FARGATE"]
  network_mode             = "awsvpc"
  # 3,000 requests/s cost 68.4 µs of CPU each (docs/benchmarks.md): 0.21 of a core, in one process, as one is taken for each
  # 5,000/s. The rest is for pytest, the polling of CloudWatch, and cores that are slower than that one: a fraction of a vCPU
  # is throttled, and ends in a phase that is invalid. 4 GiB is the least that 2 vCPU may have; a process of a run takes 0.1.
  cpu                = 2048
  memory             = 4096
  task_role_arn      = aws_iam_role.task.arn
  execution_role_arn = aws_iam_role.execution.arn

  runtime_platform {
    operating_system_family = "LINUX"
    cpu_architecture        = "X86_64" # that of the runner that builds the image
  }

  container_definitions = jsonencode([{
    name      = "generator"
    image     = "${aws_ecr_repository.generator.repository_url}:none" # the workflow puts its image in place, by digest
    essential = true
    # SIGTERM, a minute for pytest, the upload, and then SIGKILL; the most that Fargate knows.
    stopTimeout = 120
    # An init, so that processes whose parent is gone are waited for.
    linuxParameters = { initProcessEnabled = true, capabilities = { drop = ["ALL"] } }
    # Requests in flight need an open file each: rate × timeout, 15,000 of slo.yaml's peak. Fargate's own default is as high
    # today; a plan should not depend on it.
    ulimits = [{ name = "nofile", softLimit = 65535, hardLimit = 65535 }]
    # And a port each, of which Linux gives 28,232 to one address by default.
    systemControls = [{ namespace = "net.ipv4.ip_local_port_range", value = "1024 65535" }]
    # By reference: the agent reads them with the execution role, and the definition shows an ARN.
    secrets = [for name, arn in var.secrets : { name = name, valueFrom = arn }]
    logConfiguration = {
      logDriver = "awslogs"
      options = {
        "awslogs-group"         = aws_cloudwatch_log_group.generator.name
        "awslogs-region"        = var.region
        "awslogs-stream-prefix" = "generator"
      }
    }
  }])
}

data "aws_iam_policy_document" "trust_tasks" {
  statement {
    actions = ["sts:AssumeRole"]
    principals {
      type        = "Service"
      identifiers = ["ecs-tasks.amazonaws.com"]
    }
    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = [local.account]
    }
  }
}

# What the load itself may do: look at the target's metrics, and put its files where they are brought home from.
resource "aws_iam_role" "task" {
  name_prefix        = "syncload-task-"
  assume_role_policy = data.aws_iam_policy_document.trust_tasks.json
}

resource "aws_iam_role_policy" "task_look" {
  name   = "look"
  role   = aws_iam_role.task.id
  policy = data.aws_iam_policy_document.look.json
}

data "aws_iam_policy_document" "bring" {
  statement {
    sid       = "Files"
    actions   = ["s3:PutObject"]
    resources = ["${aws_s3_bucket.runs.arn}/runs/*"]
  }
}

resource "aws_iam_role_policy" "task_bring" {
  name   = "bring"
  role   = aws_iam_role.task.id
  policy = data.aws_iam_policy_document.bring.json
}

# What ECS does before the container runs: pull, log, read the secrets.
resource "aws_iam_role" "execution" {
  name_prefix        = "syncload-execution-"
  assume_role_policy = data.aws_iam_policy_document.trust_tasks.json
}

data "aws_iam_policy_document" "execution" {
  statement {
    sid       = "Login"
    actions   = ["ecr:GetAuthorizationToken"]
    resources = ["*"] # it knows no resource
  }

  statement {
    sid       = "Pull"
    actions   = ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]
    resources = [aws_ecr_repository.generator.arn]
  }

  statement {
    sid       = "Log"
    actions   = ["logs:CreateLogStream", "logs:PutLogEvents"]
    resources = ["${aws_cloudwatch_log_group.generator.arn}:*"]
  }

  dynamic "statement" {
    for_each = length(var.secrets) > 0 ? ["some"] : []
    content {
      sid       = "Secrets"
      actions   = ["secretsmanager:GetSecretValue"]
      resources = values(var.secrets)
    }
  }
}

resource "aws_iam_role_policy" "execution" {
  name   = "start"
  role   = aws_iam_role.execution.id
  policy = data.aws_iam_policy_document.execution.json
}

# What the workflow may do: bring an image, run it as this task in this cluster, and read its files and its log.
data "aws_iam_policy_document" "workflow" {
  statement {
    sid       = "Login"
    actions   = ["ecr:GetAuthorizationToken"]
    resources = ["*"]
  }

  statement {
    sid = "Push"
    actions = [
      "ecr:BatchCheckLayerAvailability",
      "ecr:BatchGetImage",
      "ecr:CompleteLayerUpload",
      "ecr:InitiateLayerUpload",
      "ecr:PutImage",
      "ecr:UploadLayerPart",
    ]
    resources = [aws_ecr_repository.generator.arn]
  }

  # A revision for each image. What it may be given is bound by Roles, where it may run by Run.
  statement {
    sid       = "Define"
    actions   = ["ecs:DescribeTaskDefinition", "ecs:RegisterTaskDefinition"]
    resources = ["*"]
  }

  statement {
    sid       = "Roles"
    actions   = ["iam:PassRole"]
    resources = [aws_iam_role.task.arn, aws_iam_role.execution.arn]
    condition {
      test     = "StringEquals"
      variable = "iam:PassedToService"
      values   = ["ecs-tasks.amazonaws.com"]
    }
  }

  statement {
    sid       = "Run"
    actions   = ["ecs:RunTask"]
    resources = ["${aws_ecs_task_definition.generator.arn_without_revision}:*"]
    condition {
      test     = "ArnEquals"
      variable = "ecs:cluster"
      values   = [aws_ecs_cluster.generator.arn]
    }
  }

  statement {
    sid       = "Follow"
    actions   = ["ecs:DescribeTasks", "ecs:StopTask"]
    resources = ["${local.arn}:ecs:${var.region}:${local.account}:task/${aws_ecs_cluster.generator.name}/*"]
  }

  statement {
    sid       = "Files"
    actions   = ["s3:GetObject"]
    resources = ["${aws_s3_bucket.runs.arn}/runs/*"]
  }

  statement {
    sid       = "Log"
    actions   = ["logs:GetLogEvents"]
    resources = ["${aws_cloudwatch_log_group.generator.arn}:*"]
  }
}

output "place" {
  description = "For the variable SYNCLOAD_PLACE of the repository on GitHub. Nothing in it is secret."
  value = {
    region          = var.region
    repository      = aws_ecr_repository.generator.repository_url
    cluster         = aws_ecs_cluster.generator.arn
    task_definition = aws_ecs_task_definition.generator.arn
    subnets         = var.subnet_ids
    security_group  = aws_security_group.generator.id
    public_ip       = var.public_ip ? "ENABLED" : "DISABLED"
    bucket          = aws_s3_bucket.runs.bucket
    log_group       = aws_cloudwatch_log_group.generator.name
  }
}
