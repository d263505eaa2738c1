"""What the examples' Terraform allows and opens, by its own text: no account is asked, and Terraform is not run."""

from __future__ import annotations

import ast
import functools
import re
import subprocess
from pathlib import Path
from typing import Any

import ec2
import fargate
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.docs.test_policy import policy
from tests.in_region.places import EC2, EXAMPLES, FARGATE
from tests.in_region.stand_in import model
from tests.in_region.terraform import actions, blocks, encoded, statements

#: Permissions that are no operation of an API, or stand for several.
_NO_OPERATION = {"iam:PassRole", "ssm:UpdateInstanceInformation"}
#: The CLI's name for a service, and IAM's, where they differ.
_PREFIXES = {"s3api": "s3"}
#: What `docker push` and `docker login` ask ECR for (ECR user guide, "IAM permissions for pushing an image").
_PUSH = {
    *("ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:CompleteLayerUpload", "ecr:GetAuthorizationToken"),
    *("ecr:InitiateLayerUpload", "ecr:PutImage", "ecr:UploadLayerPart"),
}


def documents(example: Path) -> list[str]:
    """The names of its policy documents."""
    return [name.partition(".")[2] for name in blocks(example, "data") if name.startswith("aws_iam_policy_document.")]


def called(file: Path) -> set[str]:
    """What a script asks the AWS CLI for, as IAM names it."""
    found = set()
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("aws", "_cli"):
            words = [each.value for each in node.args[:2] if isinstance(each, ast.Constant)]
            if len(words) == 2:
                service, operation = map(str, words)
                name = "".join(word.capitalize() for word in operation.split("-"))
                found.add(f"{_PREFIXES.get(service, service)}:{name}")
    return found


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.name)
def test_the_load_may_look_at_what_the_documented_policy_has(example: Path) -> None:
    assert actions(example, "look") == policy()


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.name)
def test_every_action_is_one_that_its_service_has(example: Path) -> None:
    for name in documents(example):
        for statement in blocks(example, "data")[f"aws_iam_policy_document.{name}"].get("statement", []):
            for action in {*statement["actions"]} - _NO_OPERATION - {"s3:*"}:
                service, _, operation = action.partition(":")
                if service == "ssmmessages":
                    continue  # the agent's own, of which botocore has no model
                assert operation in model(_MODELS.get(service, service)).operation_names, action


_MODELS = {"servicequotas": "service-quotas"}


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.name)
def test_nothing_is_allowed_whole(example: Path) -> None:
    """But to look, where docs/aws.md says why, and where a service knows no resource; only a denial has a wildcard."""
    for name in documents(example):
        for statement in blocks(example, "data")[f"aws_iam_policy_document.{name}"].get("statement", []):
            wild = [action for action in statement["actions"] if "*" in action]
            assert not wild or statement.get("effect") == "Deny"
            if statement.get("resources") == ["*"] and name != "look":
                assert {*statement["actions"]} <= _KNOW_NO_RESOURCE


#: By the Service Authorization Reference, or, of the first two, where a revision has no number yet.
_KNOW_NO_RESOURCE = {
    *("ecs:RegisterTaskDefinition", "ecs:DescribeTaskDefinition", "ecr:GetAuthorizationToken"),
    *("ec2:DescribeInstances", "ssm:DescribeInstanceInformation", "ssm:GetCommandInvocation"),
    *("ssm:UpdateInstanceInformation", "ssmmessages:CreateControlChannel", "ssmmessages:CreateDataChannel"),
    *("ssmmessages:OpenControlChannel", "ssmmessages:OpenDataChannel"),
}


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.name)
def test_only_the_repositorys_environment_gets_the_workflows_role(example: Path) -> None:
    (trust,) = blocks(example, "data")["aws_iam_policy_document.trust_github"]["statement"]
    assert trust["actions"] == ["sts:AssumeRoleWithWebIdentity"]
    github = "token.actions.githubusercontent.com"
    assert {each["variable"]: (each["test"], each["values"]) for each in trust["condition"]} == {
        f"{github}:aud": ("StringEquals", ["sts.amazonaws.com"]),
        f"{github}:sub": ("StringEquals", ["repo:${var.repository}:environment:${var.github_environment}"]),
    }
    role = blocks(example, "resource")["aws_iam_role.workflow"]
    assert role["max_session_duration"] == 7200


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.name)
def test_the_bucket_is_nobodys_else_and_forgets_soon(example: Path) -> None:
    resources = blocks(example, "resource")
    closed = resources["aws_s3_bucket_public_access_block.runs"]
    assert all(closed[key] is True for key in closed if key != "bucket")
    assert len(closed) == 5
    (rule,) = resources["aws_s3_bucket_lifecycle_configuration.runs"]["rule"]
    assert (rule["status"], rule["expiration"]) == ("Enabled", [{"days": 14}])
    (tls,) = statements(example, "only_tls").values()
    assert (tls["effect"], tls["condition"][0]["variable"]) == ("Deny", "aws:SecureTransport")


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.name)
def test_nothing_comes_in_and_https_goes_out(example: Path) -> None:
    resources = blocks(example, "resource")
    rules = {name: rule for name, rule in resources.items() if "security_group" in name and "rule" in name}
    assert [*rules] == ["aws_vpc_security_group_egress_rule.https"]
    (rule,) = rules.values()
    assert (rule["ip_protocol"], rule["from_port"], rule["to_port"]) == ("tcp", 443, 443)
    (group,) = [body for name, body in resources.items() if name.startswith("aws_security_group.")]
    assert not {"ingress", "egress"} & {*group}


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.name)
def test_no_secret_stands_in_it(example: Path) -> None:
    for file in (example / "terraform").glob("*"):
        text = file.read_text("utf-8")
        assert not re.search(r"AKIA|-----BEGIN|password|secret_string|user:pass", text, re.IGNORECASE), file
        assert file.suffix in (".tf", ".sh"), f"{file} may be somebody's variables"


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.name)
def test_every_role_is_used_with_its_own_policies(example: Path) -> None:
    resources = blocks(example, "resource")
    roles = {name.partition(".")[2] for name in resources if name.startswith("aws_iam_role.")}
    policies = [body for name, body in resources.items() if name.startswith("aws_iam_role_policy.")]
    assert {re.search(r"aws_iam_role\.(\w+)\.id", body["role"])[1] for body in policies} == roles  # type: ignore[index]
    assert not [name for name in resources if "policy_attachment" in name]  # AWS's own allow more than is needed


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.name)
def test_what_is_referred_to_is_there(example: Path) -> None:
    text = "\n".join(file.read_text("utf-8") for file in sorted((example / "terraform").glob("*.tf")))
    for kind, name in re.findall(r"\bdata\.(aws_\w+)\.(\w+)", text):
        assert f"{kind}.{name}" in blocks(example, "data")
    for kind, name in re.findall(r"(?<![.\w])(aws_\w+)\.(\w+)", text):
        assert f"{kind}.{name}" in blocks(example, "resource")
    used = {*re.findall(r"\bvar\.(\w+)", text)}
    assert used == {*blocks(example, "variable")}


def place(example: Path) -> Any:
    """The output that the workflow's script is given."""
    return blocks(example, "output")["place"]["value"]


def test_the_task_is_as_large_as_the_load_and_has_no_right_of_its_own() -> None:
    task = blocks(FARGATE, "resource")["aws_ecs_task_definition.generator"]
    assert (task["cpu"], task["memory"], task["network_mode"]) == (2048, 4096, "awsvpc")
    assert task["task_role_arn"] == "${aws_iam_role.task.arn}"
    assert task["execution_role_arn"] == "${aws_iam_role.execution.arn}"
    (container,) = encoded(task["container_definitions"])
    assert container["name"] == "generator"
    assert container["ulimits"] == [{"name": "nofile", "softLimit": 65535, "hardLimit": 65535}]
    assert container["stopTimeout"] == 120
    assert container["logConfiguration"]["logDriver"] == "awslogs"
    assert container["linuxParameters"]["capabilities"] == {"drop": ["ALL"]}
    assert container["secrets"] == "${[for name, arn in var.secrets : {name = name, valueFrom = arn}]}"
    assert not {"environment", "environmentFiles", "command", "entryPoint", "privileged", "user"} & {*container}
    image = blocks(FARGATE, "resource")["aws_ecr_repository.generator"]
    assert image["image_tag_mutability"] == "IMMUTABLE"


def test_a_task_may_write_files_and_not_read_them() -> None:
    assert actions(FARGATE, "bring") == {"Files": {"s3:PutObject"}}
    assert statements(FARGATE, "bring")["Files"]["resources"] == ["${aws_s3_bucket.runs.arn}/runs/*"]
    of_the_task = [
        body["policy"]
        for body in blocks(FARGATE, "resource").values()
        if isinstance(body, dict) and body.get("role") == "${aws_iam_role.task.id}"
    ]
    assert sorted(of_the_task) == [
        "${data.aws_iam_policy_document.bring.json}",
        "${data.aws_iam_policy_document.look.json}",
    ]


def test_ecs_may_read_the_listed_secrets_only() -> None:
    execution = statements(FARGATE, "execution")
    assert execution["Secrets"]["actions"] == ["secretsmanager:GetSecretValue"]
    assert execution["Secrets"]["resources"] == "${values(var.secrets)}"


def test_the_workflow_may_do_what_its_script_does_and_no_more() -> None:
    scripts = FARGATE / "in_region"
    # `put` is of EC2: an image brings the project there.
    asked = called(scripts / "fargate.py") | called(scripts / "home.py") - {"s3:PutObject"}
    allowed = {action for each in actions(FARGATE, "workflow").values() for action in each}
    assert allowed == asked | _PUSH | {"iam:PassRole"}
    may = statements(FARGATE, "workflow")
    assert may["Roles"]["condition"][0]["values"] == ["ecs-tasks.amazonaws.com"]
    assert may["Roles"]["resources"] == ["${aws_iam_role.task.arn}", "${aws_iam_role.execution.arn}"]
    assert may["Run"]["condition"][0]["variable"] == "ecs:cluster"
    assert may["Files"]["resources"] == ["${aws_s3_bucket.runs.arn}/runs/*"]


def test_the_scripts_are_given_what_they_need() -> None:
    assert {*fargate.PLACE} == {*place(FARGATE)} - {"repository"}  # of the workflow's own step
    assert {*ec2.PLACE} == {*place(EC2)}


def test_the_instance_has_no_door_and_ends_by_itself() -> None:
    instance = blocks(EC2, "resource")["aws_instance.generator"]
    (metadata,) = instance["metadata_options"]
    assert (metadata["http_tokens"], metadata["http_put_response_hop_limit"]) == ("required", 1)
    assert "key_name" not in instance
    assert instance["instance_initiated_shutdown_behavior"] == "stop"
    assert instance["root_block_device"][0]["encrypted"] is True
    # It is stopped whenever Terraform is run, and must not be replaced for that.
    assert "associate_public_ip_address" in str(instance["lifecycle"])
    assert 'file("${path.module}/first-boot.sh"), "HOURS", tostring(var.hours_at_most)' in instance["user_data"]
    boot = (EC2 / "terraform" / "first-boot.sh").read_text("utf-8")
    begun = boot.index("systemctl enable --now syncload-off.timer")
    assert boot.index("OnBootSec=HOURSh") < begun
    # Nothing that may fail stands before it.
    assert not re.search(r"^(dnf|useradd|install|sysctl|curl)", boot[:begun], re.MULTILINE)
    hours = blocks(EC2, "variable")["hours_at_most"]
    assert (hours["default"], len(hours["validation"])) == (3, 1)


def test_the_instance_may_take_the_project_and_write_files() -> None:
    may = statements(EC2, "bring")
    assert (may["Files"]["actions"], may["Files"]["resources"]) == (
        ["s3:PutObject"],
        ["${aws_s3_bucket.runs.arn}/runs/*"],
    )
    assert (may["Project"]["actions"], may["Project"]["resources"]) == (
        ["s3:GetObject"],
        ["${aws_s3_bucket.runs.arn}/sources/*"],
    )
    assert may["Secrets"]["resources"] == "${values(var.secrets)}"


def test_the_workflow_may_tell_that_instance_that_command_only() -> None:
    scripts = EC2 / "in_region"
    asked = called(scripts / "ec2.py") | called(scripts / "home.py")
    assert {action for each in actions(EC2, "workflow").values() for action in each} == asked
    may = statements(EC2, "workflow")
    both = ["${aws_instance.generator.arn}", "${aws_ssm_document.load.arn}"]
    assert (may["Tell"]["actions"], may["Tell"]["resources"]) == (["ssm:SendCommand"], both)
    assert may["Power"]["resources"] == both[:1]


@functools.cache
def document() -> Any:
    """The one command."""
    text = blocks(EC2, "resource")["aws_ssm_document.load"]["content"]
    return encoded(text)


#: What the script sends, each with what a shell of root must never be given.
WORDS = {
    "Nonce": "0123456789abcdef" * 2,
    "Sha256": "0123456789abcdef" * 4,
    "Environment": "load-testing",
    "Phases": "baseline peak",
    "Seconds": "2700",
    "Sandbox": "refuse",
    "Tests": "slo.yaml tests/test_a.py",
}


@pytest.mark.parametrize("name", WORDS)
def test_a_word_of_the_command_is_a_word(name: str) -> None:
    pattern = document()["parameters"][name]["allowedPattern"]
    assert re.fullmatch(pattern, WORDS[name])
    for wrong in ("", "'", WORDS[name] + "'", "$(id)", "`id`", "{{ Nonce }}", WORDS[name] + "\nid", "-k x"):
        assert not re.fullmatch(pattern, wrong)


@pytest.mark.parametrize("name", WORDS)
@given(text=st.text(max_size=12))
def test_no_text_leaves_its_quotes(name: str, text: str) -> None:
    if re.fullmatch(document()["parameters"][name]["allowedPattern"], text):
        assert not {*text} & {*"'\"$`\\{}\n\r;&|<>()"}


def test_the_command_has_these_words_and_the_script() -> None:
    read = document()
    assert {*read["parameters"]} == {*WORDS}
    (step,) = read["mainSteps"]
    said = step["inputs"]["runCommand"]
    for name in WORDS:
        assert said.count(f"'{{{{ {name} }}}}'") == 1
    script = (EC2 / "terraform" / "run.sh").read_text("utf-8")
    assert "{{" not in script  # Systems Manager would look for a parameter
    given_to_it = {*re.findall(r"\b([A-Z0-9_]+)='", said)}
    assert given_to_it == {*re.findall(r"\$\{?([A-Z0-9_]+)", script)} - {"BASE"}


@pytest.mark.parametrize("name", ["run.sh", "first-boot.sh"])
def test_a_shell_reads_the_scripts_as_they_are_meant(name: str) -> None:
    file = EC2 / "terraform" / name
    subprocess.run(["sh", "-n", str(file)], check=True)
    command = ["shellcheck", "--shell=sh", "--norc", "--exclude=SC2154", str(file)]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
