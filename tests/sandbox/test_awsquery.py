"""The query protocol's border: what it reads, what it refuses, what XML it writes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from xml.etree import ElementTree

import pytest

from pytest_syncload.sandbox.awserror import AwsError
from pytest_syncload.sandbox.awsquery import QueryService
from pytest_syncload.sandbox.http import Answer, Request

FORM = {"content-type": "application/x-www-form-urlencoded; charset=utf-8"}


def echo(members: Mapping[str, str]) -> dict[str, Any]:
    return {"Text": members.get("Text", ""), "Yes": True, "No": False, "Many": {"One": [{"N": 1}, {"N": 2}]}}


def broken(members: Mapping[str, str]) -> dict[str, Any]:
    raise AwsError("ServerException", "InternalFailure", "it broke", 500)


SERVICE = QueryService(version="2020-01-01", namespace="urn:toy", operations={"Echo": echo, "Break": broken})


def ask(body: bytes, headers: dict[str, str] | None = None) -> Answer:
    request = Request(method="POST", path="/", body=body, headers=FORM if headers is None else headers)
    return SERVICE.answer(request, lambda operation: None)


def texts(answer: Answer) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for element in ElementTree.fromstring(answer.body).iter():
        assert element.tag.startswith("{urn:toy}")
        found.setdefault(element.tag.removeprefix("{urn:toy}"), []).append(element.text or "")
    return found


def test_answer_is_escaped_xml() -> None:
    answer = ask(b"Action=Echo&Version=2020-01-01&Text=%3Ca%26b%3E")
    told = texts(answer)
    assert answer.status == 200
    assert (told["Text"], told["Yes"], told["No"], told["N"]) == (["<a&b>"], ["true"], ["false"], ["1", "2"])
    assert len(told["RequestId"][0]) == 36


@pytest.mark.parametrize(
    ("body", "headers", "code", "status"),
    [
        (b"Action=Echo&Version=2020-01-01", {}, "MalformedInput", 400),
        (b"Action=Echo&Version=2020-01-01&Text=\xff", FORM, "MalformedInput", 400),
        (b"Action=Echo&Version=2020-01-01&Text=a&Text=b", FORM, "MalformedInput", 400),
        (b"Action=Echo&Version=2019-01-01", FORM, "InvalidAction", 400),
        (b"Action=Other&Version=2020-01-01", FORM, "InvalidAction", 400),
        (b"", FORM, "InvalidAction", 400),
        (b"Action=Break&Version=2020-01-01", FORM, "InternalFailure", 500),
    ],
)
def test_refusal_says_whose_fault_it_is(body: bytes, headers: dict[str, str], code: str, status: int) -> None:
    answer = ask(body, headers)
    told = texts(answer)
    assert (answer.status, told["Code"]) == (status, [code])
    assert told["Type"] == ["Sender" if status < 500 else "Receiver"]
    assert told["Message"][0]
