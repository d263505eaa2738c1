# The role of the workflow: GitHub's OIDC token stands in for keys. The provider is made once an account, see docs/ci.md.

data "aws_iam_openid_connect_provider" "github" {
  url = "https://token.actions.githubusercontent.com"
}

data "aws_iam_policy_document" "trust_github" {
  statement {
    actions = ["sts:AssumeRoleWithWebIdentity"]
    principals {
      type        = "Federated"
      identifiers = [data.aws_iam_openid_connect_provider.github.arn]
    }
    condition {
      test     = "StringEquals"
      variable = "token.actions.githubusercontent.com:aud"
      values   = ["sts.amazonaws.com"]
    }
    # One repository, and one environment of it: whole, without a wildcard. A branch cannot choose it past its rules.
    condition {
      test     = "StringEquals"
      variable = "token.actions.githubusercontent.com:sub"
      values   = ["repo:${var.repository}:environment:${var.github_environment}"]
    }
  }
}

resource "aws_iam_role" "workflow" {
  name_prefix          = "syncload-workflow-"
  assume_role_policy   = data.aws_iam_policy_document.trust_github.json
  max_session_duration = 7200 # of `role-duration-seconds` in the workflow, at most
}

resource "aws_iam_role_policy" "workflow" {
  name   = "start-and-bring-home"
  role   = aws_iam_role.workflow.id
  policy = data.aws_iam_policy_document.workflow.json
}

output "role" {
  description = "For the variable SYNCLOAD_ROLE of the repository on GitHub."
  value       = aws_iam_role.workflow.arn
}
