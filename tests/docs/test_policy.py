"""The IAM policy of docs/aws.md allows what the code calls, and nothing else.

Calls are made by their names in AWS's reference through `sources.aws.call`, `pages` and `fetch`; their names are read
from the source, and each must be an operation that boto3 knows.
"""

from __future__ import annotations

import ast
import functools
import json
from collections.abc import Iterator
from pathlib import Path

import botocore.session

import pytest_syncload
from tests.docs.blocks import ROOT, blocks

_PACKAGE = Path(pytest_syncload.__file__).parent
#: Of operations of the same name, the last service's is meant: Service Quotas has a ListServices too, and pricing a
#: DescribeServices.
_SERVICES = (
    *("application-autoscaling", "service-quotas", "pricing"),
    *("cloudwatch", "dynamodb", "ecs", "elasticache", "sqs", "sts"),
)
#: Where an action's prefix is another than the name of botocore's model.
_ACTIONS = {"service-quotas": "servicequotas"}
#: Needs no permission, whatever a policy says (IAM user guide, "Actions, resources, and condition keys for AWS STS").
_FREE = {"sts:GetCallerIdentity"}
#: Only to suggest the nearest name where one is wrong; what is not allowed is left out there.
OPTIONAL = {"dynamodb:ListTables", "ecs:ListClusters", "ecs:ListServices", "sqs:ListQueues"}


@functools.cache
def called() -> dict[str, set[str]]:
    """Each operation that the package asks AWS for, with the files that ask."""
    loaded = botocore.session.get_session()
    operations = {
        operation: _ACTIONS.get(service, service)
        for service in _SERVICES
        for operation in loaded.get_service_model(service).operation_names
    }
    found: dict[str, set[str]] = {}
    for file in sorted(_PACKAGE.rglob("*.py")):
        if "sandbox" not in file.parts:
            for name in _words(ast.parse(file.read_text("utf-8"))):
                if name in operations:
                    found.setdefault(f"{operations[name]}:{name}", set()).add(file.name)
    return found


def _words(tree: ast.AST) -> Iterator[str]:
    """Arguments of calls that are words, and the methods of clients as AWS names them."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            for argument in (*node.args, *(keyword.value for keyword in node.keywords)):
                if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
                    yield argument.value
            if isinstance(node.func, ast.Attribute):
                yield "".join(word.capitalize() for word in node.func.attr.split("_"))


def policy() -> dict[str, set[str]]:
    """What the page's policy allows, by the statement's Sid."""
    (block,) = (each for each in blocks(ROOT / "docs" / "aws.md") if each.language == "json")
    written = json.loads(block.text)
    assert written["Version"] == "2012-10-17"
    assert all(statement["Effect"] == "Allow" for statement in written["Statement"])
    return {statement["Sid"]: {*statement["Action"]} for statement in written["Statement"]}


def test_the_policy_allows_what_is_called() -> None:
    allowed = {action for actions in policy().values() for action in actions}
    assert allowed == {*called()} - _FREE


def test_only_suggestions_are_optional() -> None:
    assert policy()["Suggestions"] == OPTIONAL
    assert {file for action in OPTIONAL for file in called()[action]} == {"inventory.py"}


def test_what_is_called_is_found() -> None:
    assert called()["cloudwatch:GetMetricData"] >= {"aws.py", "cloudwatch.py"}
    assert called()["ecs:DescribeTasks"] == {"ecs.py"}
