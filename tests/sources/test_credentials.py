"""Who asks AWS, and for how long: real boto3 set-ups in variables and files; no secret is ever shown."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from botocore.stub import Stubber
from moto import mock_aws

from pytest_syncload.facts.check import Check, Finding
from pytest_syncload.facts.plan import AwsAccess
from pytest_syncload.sources.aws import client
from pytest_syncload.sources.credentials import account, endpoints, expiry

SANDBOX = AwsAccess(
    region="us-east-1", endpoint_url="http://127.0.0.1:1", access_key_id="id", secret_access_key="not-a-secret"
)
REAL = AwsAccess(region="eu-central-1")
NOON = datetime(2026, 1, 31, 12, 0, tzinfo=UTC).timestamp()
KEY, SECRET, TOKEN = "AKIAEXAMPLE", "secret-of-nobody", "token-of-nobody"


@pytest.fixture(autouse=True)
def nothing_of_the_users(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_SECURITY_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_CREDENTIAL_EXPIRATION", "AWS_ROLE_ARN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))


def in_variables(monkeypatch: pytest.MonkeyPatch, *, token: bool = True, expires: str | None = None) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", KEY)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    if token:
        monkeypatch.setenv("AWS_SESSION_TOKEN", TOKEN)
    if expires is not None:
        monkeypatch.setenv("AWS_CREDENTIAL_EXPIRATION", expires)


def looked_at(now: float = NOON, ends: float = NOON + 1800) -> Check:
    check = expiry(REAL, now=now, ends=ends)
    assert check.name == "credentials"
    for secret in (KEY, SECRET, TOKEN):
        assert secret not in check.says
    return check


def test_the_sandboxs_own_do_not_expire() -> None:
    check = expiry(SANDBOX, now=NOON, ends=NOON + 10**9)
    assert (check.finding, "not-a-secret" in check.says) == (Finding.OK, False)


def test_no_credentials_are_a_failed_check() -> None:
    check = looked_at()
    assert check.failed
    assert "finds no AWS credentials" in check.says


def test_a_profile_that_is_not_there_is_a_failed_check(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "stale")
    check = looked_at()
    assert check.failed
    assert "stale" in check.says


def test_a_long_lived_key_does_not_expire(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    in_variables(monkeypatch, token=False)
    assert looked_at() == Check(name="credentials", finding=Finding.OK, says="from the environment, a long-lived key")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    (tmp_path / "credentials").write_text(f"[default]\naws_access_key_id={KEY}\naws_secret_access_key={SECRET}\n")
    check = looked_at()
    assert (check.finding, check.says) == (Finding.OK, "from shared-credentials-file, a long-lived key")


@pytest.mark.parametrize("where", ["variables", "file"])
def test_temporary_keys_that_do_not_tell_their_end_are_a_note(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, where: str
) -> None:
    if where == "variables":
        in_variables(monkeypatch)
    else:
        (tmp_path / "credentials").write_text(
            f"[default]\naws_access_key_id={KEY}\naws_secret_access_key={SECRET}\naws_session_token={TOKEN}\n"
        )
    check = looked_at()
    assert check.finding is Finding.NOTE
    assert "needs them for 30m" in check.says
    assert "AWS_CREDENTIAL_EXPIRATION" in check.says


def test_keys_that_a_program_renews_are_refreshed(tmp_path: Path) -> None:
    answer = (
        f'{{"Version": 1, "AccessKeyId": "{KEY}", "SecretAccessKey": "{SECRET}", "SessionToken": "{TOKEN}", '
        '"Expiration": "2126-01-31T12:00:00Z"}'
    )
    (tmp_path / "answer").write_text(answer)
    (tmp_path / "config").write_text(f"[default]\ncredential_process = cat {tmp_path / 'answer'}\n")
    check = looked_at()
    assert (check.finding, check.says) == (Finding.OK, "from custom-process, refreshed when they expire")


@pytest.mark.parametrize(
    ("expires", "finding", "says"),
    [
        ("2026-01-31T12:30:00Z", Finding.OK, "until 2026-01-31 12:30:00 UTC"),
        ("2026-01-31T13:30:00+01:00", Finding.OK, "until 2026-01-31 12:30:00 UTC"),
        ("2026-01-31T12:30:00", Finding.OK, "until 2026-01-31 12:30:00 UTC"),
        ("2026-01-31T12:29:59Z", Finding.FAILED, "1s before the planned end at 2026-01-31 12:30:00 UTC; sign in"),
        ("2026-01-31T12:00:00Z", Finding.FAILED, "expired at 2026-01-31 12:00:00 UTC; sign in again"),
        ("2020-01-31T12:00:00Z", Finding.FAILED, "expired at 2020-01-31 12:00:00 UTC; sign in again"),
        ("tomorrow", Finding.FAILED, "no ISO 8601 time"),
        # botocore can read it, and it is no ISO 8601.
        ("Jan 31 2026 12:30", Finding.FAILED, "no ISO 8601 time"),
    ],
)
def test_keys_in_variables_must_last_until_the_planned_end(
    monkeypatch: pytest.MonkeyPatch, expires: str, finding: Finding, says: str
) -> None:
    in_variables(monkeypatch, expires=expires)
    check = looked_at()
    assert check.finding is finding
    assert says in check.says


def test_the_account_is_told_with_who_asks() -> None:
    sts = client("sts", SANDBOX)
    with Stubber(sts) as stub:
        arn = "arn:aws:sts::111122223333:assumed-role/runner/ci"
        stub.add_response("get_caller_identity", {"Account": "111122223333", "Arn": arn, "UserId": "x"}, {})
        check, number = account(sts)
        stub.assert_no_pending_responses()
    assert number == "111122223333"
    assert check == Check(name="account", finding=Finding.OK, says=f"111122223333, as {arn}")


def test_an_answer_without_an_account_is_a_failed_check() -> None:
    sts = client("sts", SANDBOX)
    with Stubber(sts) as stub:
        stub.add_response("get_caller_identity", {"UserId": "x"}, {})
        check, number = account(sts)
    assert (check.finding, number) == (Finding.FAILED, None)
    assert check.says == "STS did not say whose credentials these are"


def test_expired_credentials_are_a_failed_check() -> None:
    sts = client("sts", SANDBOX)
    with Stubber(sts) as stub:
        stub.add_client_error("get_caller_identity", "ExpiredToken", "the token is expired", 403)
        check, number = account(sts)
    assert (check.failed, number) == (True, None)
    assert "expired" in check.says
    assert "sign in again" in check.says


@mock_aws
def test_moto_knows_its_account() -> None:
    check, number = account(client("sts", REAL))
    assert (check.finding, number) == (Finding.OK, "123456789012")


def test_every_endpoint_is_shown() -> None:
    check = endpoints([client("sqs", REAL), client("sts", REAL)])
    says = "sqs https://sqs.eu-central-1.amazonaws.com, sts https://sts.eu-central-1.amazonaws.com"
    assert check == Check(name="endpoints", finding=Finding.OK, says=says)
    check = endpoints([client("sqs", SANDBOX), client("cloudwatch", SANDBOX)])
    assert check.says == "cloudwatch, sqs: http://127.0.0.1:1"
