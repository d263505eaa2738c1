"""What botocore logs at DEBUG, with what proves an identity taken out."""

from __future__ import annotations

import logging

import boto3
import pytest
from botocore.config import Config

from pytest_syncload.sandbox.http import Answer, asgi
from pytest_syncload.sources.unlogged import hide_proofs
from tests.sandbox.conftest import serving

CREDENTIALS = {
    "aws_access_key_id": "AKIDEXAMPLE",
    "aws_secret_access_key": "the-secret-key",
    "aws_session_token": "the/session+token==",
}
ASSUMED = """<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult><Credentials>
<AccessKeyId>ASIAEXAMPLE</AccessKeyId><SecretAccessKey>another/secret+key</SecretAccessKey>
<SessionToken>another/session+token==</SessionToken><Expiration>2027-01-01T00:00:00Z</Expiration>
</Credentials></AssumeRoleResult></AssumeRoleResponse>"""


def test_a_request_and_the_credentials_in_its_answer_are_logged_without_proofs(
    caplog: pytest.LogCaptureFixture,
) -> None:
    hide_proofs()
    hide_proofs()
    caplog.set_level(logging.DEBUG)
    with serving() as serve:
        url = serve(asgi(lambda request: Answer(200, ASSUMED.encode(), b"text/xml")))
        sts = boto3.session.Session(region_name="us-east-1", **CREDENTIALS).client(
            "sts", endpoint_url=url, config=Config(proxies={}, retries={"total_max_attempts": 1})
        )
        role = sts.assume_role(RoleArn="arn:aws:iam::123456789012:role/x", RoleSessionName="tester")["Credentials"]
    assert role["SessionToken"] == "another/session+token=="
    said = "\n".join(record.getMessage() for record in caplog.records)
    assert "CanonicalRequest" in said
    assert "arn%3Aaws%3Aiam" in said or "arn:aws:iam" in said, "the rest of the log is as it was"
    for secret in ("the-secret-key", "the/session+token", "another/secret+key", "another/session+token"):
        assert secret not in said
    assert "Signature=<hidden>" in said


@pytest.mark.parametrize(
    ("logged", "shown"),
    [
        ("x-amz-security-token:abc/d+e==\nhost:x", "x-amz-security-token:<hidden>\nhost:x"),
        ("{'X-Amz-Security-Token': b'abc==', 'A': b'1'}", "{'X-Amz-Security-Token': b'<hidden>', 'A': b'1'}"),
        (r'b"{\"sessionToken\":\"abc\",\"x\":1}"', r'b"{\"sessionToken\":\"<hidden>\",\"x\":1}"'),
        (
            '{"roleCredentials": {"secretAccessKey": "abc", "x": 1}}',
            '{"roleCredentials": {"secretAccessKey": "<hidden>", "x": 1}}',
        ),
        (
            "Credential=AKID/2026/sts, SignedHeaders=host, Signature=0a1b",
            "Credential=AKID/2026/sts, SignedHeaders=host, Signature=<hidden>",
        ),
        ("Signature=b0a1", "Signature=<hidden>"),
        ("100 % of nothing secret", "100 % of nothing secret"),
    ],
)
def test_a_proof_is_hidden_in_each_form_it_is_logged_in(
    caplog: pytest.LogCaptureFixture, logged: str, shown: str
) -> None:
    hide_proofs()
    caplog.set_level(logging.DEBUG)
    logging.getLogger("botocore.parsers").debug("Response body:\n%s", logged)
    assert caplog.records[-1].getMessage() == f"Response body:\n{shown}"


def test_other_loggers_are_left_alone(caplog: pytest.LogCaptureFixture) -> None:
    hide_proofs()
    caplog.set_level(logging.DEBUG)
    logging.getLogger("mine").debug("Signature=%s", "0a1b")
    assert caplog.records[-1].getMessage() == "Signature=0a1b"
