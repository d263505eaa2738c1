# The instance, what it may do, and the one command that it may be told. It has no key and no open port: Systems Manager's
# agent asks from within. It is stopped but for runs; stopped, its disk is all that is paid.

data "aws_ssm_parameter" "image" {
  name = "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64"
}

resource "aws_security_group" "generator" {
  name_prefix = "syncload-generator-"
  description = "Out by HTTPS, in by nothing"
  vpc_id      = var.vpc_id
}

# The target, AWS, sign-in and packages; names are resolved by the VPC's own resolver, which no security group stands before.
resource "aws_vpc_security_group_egress_rule" "https" {
  security_group_id = aws_security_group.generator.id
  description       = "the target, AWS, sign-in and packages"
  ip_protocol       = "tcp"
  from_port         = 443
  to_port           = 443
  cidr_ipv4         = "0.0.0.0/0"
}

resource "aws_instance" "generator" {
  ami                         = data.aws_ssm_parameter.image.value
  instance_type               = var.instance_type
  subnet_id                   = var.subnet_id
  vpc_security_group_ids      = [aws_security_group.generator.id]
  associate_public_ip_address = var.public_ip
  iam_instance_profile        = aws_iam_instance_profile.generator.name
  user_data                   = replace(file("${path.module}/first-boot.sh"), "HOURS", tostring(var.hours_at_most))
  user_data_replace_on_change = true

  # When it powers itself off it is stopped, and can be started again.
  instance_initiated_shutdown_behavior = "stop"

  metadata_options {
    http_endpoint = "enabled"
    http_tokens   = "required" # version 2 only: a request that somebody has the target send home has no token
    # One hop, as pytest runs on the instance itself; 2, where you run it in a container.
    http_put_response_hop_limit = 1
  }

  root_block_device {
    volume_type = "gp3"
    volume_size = 16
    encrypted   = true
  }

  tags = {
    Name = "syncload-generator"
  }

  lifecycle {
    # A new image every few weeks should replace it when you say so (terraform apply -replace); and a stopped instance has no
    # public address, which the provider takes for a change that replaces it (terraform-provider-aws#33775).
    ignore_changes = [ami, associate_public_ip_address]
  }
}

data "aws_iam_policy_document" "trust_ec2" {
  statement {
    actions = ["sts:AssumeRole"]
    principals {
      type        = "Service"
      identifiers = ["ec2.amazonaws.com"]
    }
  }
}

resource "aws_iam_role" "instance" {
  name_prefix        = "syncload-instance-"
  assume_role_policy = data.aws_iam_policy_document.trust_ec2.json
}

resource "aws_iam_instance_profile" "generator" {
  name_prefix = "syncload-instance-"
  role        = aws_iam_role.instance.name
}

resource "aws_iam_role_policy" "instance_look" {
  name   = "look"
  role   = aws_iam_role.instance.id
  policy = data.aws_iam_policy_document.look.json
}

# What the agent needs to be told a command, of AmazonSSMManagedInstanceCore, which allows to read every parameter too.
data "aws_iam_policy_document" "agent" {
  statement {
    sid = "Agent"
    actions = [
      "ssm:UpdateInstanceInformation",
      "ssmmessages:CreateControlChannel",
      "ssmmessages:CreateDataChannel",
      "ssmmessages:OpenControlChannel",
      "ssmmessages:OpenDataChannel",
    ]
    resources = ["*"] # they know no resource
  }
}

resource "aws_iam_role_policy" "instance_agent" {
  name   = "agent"
  role   = aws_iam_role.instance.id
  policy = data.aws_iam_policy_document.agent.json
}

data "aws_iam_policy_document" "bring" {
  statement {
    sid       = "Files"
    actions   = ["s3:PutObject"]
    resources = ["${aws_s3_bucket.runs.arn}/runs/*"]
  }

  statement {
    sid       = "Project"
    actions   = ["s3:GetObject"]
    resources = ["${aws_s3_bucket.runs.arn}/sources/*"]
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

resource "aws_iam_role_policy" "instance_bring" {
  name   = "bring"
  role   = aws_iam_role.instance.id
  policy = data.aws_iam_policy_document.bring.json
}

# The one command. What is put in place of {{ … }} becomes part of a script of root, so each word has a pattern that knows
# no quote, no dollar, no brace and no line's end: between its quotes it stays one word.
resource "aws_ssm_document" "load" {
  name            = "syncload-load"
  document_type   = "Command"
  document_format = "JSON"
  content = jsonencode({
    schemaVersion = "2.2"
    description   = "Offers a load from this instance and uploads what it measured"
    parameters = {
      Nonce       = { type = "String", description = "Of this run only", allowedPattern = "^[0-9a-f]{32}$" }
      Sha256      = { type = "String", description = "Of the project's archive", allowedPattern = "^[0-9a-f]{64}$" }
      Environment = { type = "String", description = "Of slo.yaml", allowedPattern = "^[A-Za-z0-9_.-]{1,64}$" }
      Phases      = { type = "String", description = "Apart by a blank", allowedPattern = "^[A-Za-z0-9_]+( [A-Za-z0-9_]+)*$" }
      Seconds     = { type = "String", description = "After which it is ended", allowedPattern = "^[1-9][0-9]{0,4}$" }
      Sandbox     = { type = "String", description = "Whether the sandbox is enough", allowedPattern = "^(accept|refuse)$" }
      Tests       = { type = "String", description = "What pytest collects", allowedPattern = "^[A-Za-z0-9_./][A-Za-z0-9_./-]*( [A-Za-z0-9_./][A-Za-z0-9_./-]*)*$" }
    }
    mainSteps = [{
      action = "aws:runShellScript"
      name   = "load"
      inputs = {
        timeoutSeconds = tostring(var.hours_at_most * 3600)
        runCommand = concat([
          "export NONCE='{{ Nonce }}' SHA256='{{ Sha256 }}' ENVIRONMENT='{{ Environment }}' PHASES='{{ Phases }}'",
          "export SECONDS_AT_MOST='{{ Seconds }}' SANDBOX='{{ Sandbox }}' TESTS='{{ Tests }}'",
          "export BUCKET='${aws_s3_bucket.runs.bucket}' REGION='${var.region}'",
          "export SECRETS='${join(" ", [for name, arn in var.secrets : "${name}=${arn}"])}'",
        ], split("\n", file("${path.module}/run.sh")))
      }
    }]
  })
}

# What the workflow may do: bring the project, start and stop this instance, tell it that command, and read its files.
data "aws_iam_policy_document" "workflow" {
  statement {
    sid       = "Project"
    actions   = ["s3:PutObject"]
    resources = ["${aws_s3_bucket.runs.arn}/sources/*"]
  }

  statement {
    sid       = "Files"
    actions   = ["s3:GetObject"]
    resources = ["${aws_s3_bucket.runs.arn}/runs/*"]
  }

  statement {
    sid       = "Power"
    actions   = ["ec2:StartInstances", "ec2:StopInstances"]
    resources = [aws_instance.generator.arn]
  }

  statement {
    sid       = "Tell"
    actions   = ["ssm:SendCommand"]
    resources = [aws_instance.generator.arn, aws_ssm_document.load.arn]
  }

  statement {
    sid       = "Follow"
    actions   = ["ec2:DescribeInstances", "ssm:DescribeInstanceInformation", "ssm:GetCommandInvocation"]
    resources = ["*"] # they know no resource
  }
}

output "place" {
  description = "For the variable SYNCLOAD_PLACE of the repository on GitHub. Nothing in it is secret."
  value = {
    region   = var.region
    instance = aws_instance.generator.id
    document = aws_ssm_document.load.name
    bucket   = aws_s3_bucket.runs.bucket
  }
}
