# A task on Fargate that offers the load from the target's region, and the role with which GitHub starts it.
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

variable "subnet_ids" {
  description = "Public ones with public_ip, or private ones behind a NAT gateway."
  type        = list(string)
}

variable "public_ip" {
  description = "An address of its own costs less than a NAT gateway, and shares no gateway's limit of connections."
  type        = bool
  default     = true
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
