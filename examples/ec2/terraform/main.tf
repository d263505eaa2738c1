# An instance of EC2 that offers the load from the target's region, and the role with which GitHub starts it.
# Apply it by hand, with an administrator's credentials: the workflow may start a load, and change nothing here.

terraform {
  required_version = ">= 1.5"
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.80, < 7.0"
    }
  }
}

provider "aws" {
  region = var.region
}

variable "region" {
  description = "The target's region, as slo.yaml has it: load from another one is refused."
  type        = string
}

variable "repository" {
  description = "OWNER/REPO on GitHub, the only one whose workflow may start a load."
  type        = string
}

variable "github_environment" {
  description = "Environment on GitHub that the workflow's job must be in; its rules say who may begin a load."
  type        = string
  default     = "load-testing"
}

variable "vpc_id" {
  description = "Where the generator runs."
  type        = string
}

variable "subnet_id" {
  description = "A public one with public_ip, or a private one behind a NAT gateway."
  type        = string
}

variable "public_ip" {
  description = "An address of its own costs less than a NAT gateway, and shares no gateway's limit of connections."
  type        = bool
  default     = true
}

# 3,000 requests/s cost 68.4 µs of CPU each (docs/benchmarks.md): 0.21 of a core, in one process, as one is taken for each
# 5,000/s. The rest is for pytest, the polling of CloudWatch, and cores that are slower than that one. Not a `t` instance:
# without credits it is late, and the phase is invalid. Of c7a a vCPU is a core of its own (EC2's instance type guide).
variable "instance_type" {
  description = "Two vCPU or more that are not shared; x86-64, as the image below."
  type        = string
  default     = "c7a.large"

  validation {
    condition     = !startswith(var.instance_type, "t")
    error_message = "A burstable instance is throttled under load."
  }
}

variable "hours_at_most" {
  description = "After which the instance powers itself off, counted from its boot. More than the longest run."
  type        = number
  default     = 3

  validation {
    condition     = var.hours_at_most >= 1 && var.hours_at_most <= 24 && floor(var.hours_at_most) == var.hours_at_most
    error_message = "Whole hours, from 1 to 24."
  }
}

variable "secrets" {
  description = "Variables of slo.yaml that are secret: name to ARN of a secret of Secrets Manager. Never a value."
  type        = map(string)
  default     = {}

  validation {
    condition     = alltrue([for arn in values(var.secrets) : can(regex("^arn:[^:]+:secretsmanager:", arn))])
    error_message = "Each secret is the ARN of a secret of Secrets Manager."
  }
}

variable "tables" {
  description = "Names of the DynamoDB tables of slo.yaml."
  type        = list(string)
  default     = []
}

variable "queues" {
  description = "Names of the SQS queues of slo.yaml."
  type        = list(string)
  default     = []
}

data "aws_caller_identity" "here" {}

data "aws_partition" "here" {}

locals {
  account = data.aws_caller_identity.here.account_id
  arn     = "arn:${data.aws_partition.here.partition}"
}
