"""Answers to different keys differ in all that is expected as `any`, together, and only a POST's must."""

from __future__ import annotations

import pytest

from pytest_syncload.facts.plan import ANY, UNIQUE, RequestTemplate
from pytest_syncload.load import sameness
from pytest_syncload.load.sameness import Sameness, Seen, digest, distinct_members


@pytest.mark.parametrize(
    ("method", "members"), [("POST", ("job_id", "at")), ("GET", ()), ("PUT", ()), ("DELETE", ()), ("PATCH", ())]
)
def test_only_a_post_makes_something_new_each_time(method: str, members: tuple[str, ...]) -> None:
    template = RequestTemplate(method=method, expect_json={"job_id": ANY, "status": "queued", "at": ANY})
    assert distinct_members(template) == members


@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_the_unique_member_alone_tells_answers_apart_whatever_the_method(method: str) -> None:
    """A request id beside it, new each time, does not make one and the same job another."""
    template = RequestTemplate(method=method, expect_json={"request_id": ANY, "job_id": UNIQUE})
    assert distinct_members(template) == ("job_id",)
    first, second = b'{"job_id": 1, "request_id": 1}', b'{"job_id": 1, "request_id": 2}'
    assert digest(first, distinct_members(template)) == digest(second, distinct_members(template))


def test_below_the_top_a_member_is_named_by_its_way() -> None:
    template = RequestTemplate(expect_json={"job": {"id": UNIQUE}, "at": ANY})
    assert distinct_members(template) == ("job/id",)
    assert digest(b'{"job": {"id": 1}, "at": 1}', ("job/id",)) == digest(b'{"job": {"id": 1}, "at": 2}', ("job/id",))
    assert digest(b'{"job": {"id": 1}}', ("job/id",)) != digest(b'{"job": {"id": 2}}', ("job/id",))
    assert distinct_members(RequestTemplate(expect_json={"jobs": [{"id": ANY}], "at": ANY})) == ("jobs/0/id", "at")


def test_an_answer_is_told_apart_by_its_members_together() -> None:
    both = ("a", "b")
    assert digest(b'{"a": 1, "b": {"x": 1, "y": 2}}', both) == digest(b'{"b": {"y": 2, "x": 1}, "a": 1, "c": 3}', both)
    assert digest(b'{"a": 1, "b": 2}', both) != digest(b'{"a": 2, "b": 1}', both)
    assert digest(b'{"a": "1", "b": 2}', both) != digest(b'{"a": 1, "b": 2}', both)
    assert "secret" not in digest(b'{"a": "secret", "b": 2}', both)


def test_nothing_seen_repeats_nothing() -> None:
    assert Seen().sameness(()) == Sameness()


def test_what_is_remembered_is_bounded_and_what_repeats_is_still_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sameness, "_REMEMBERED", 2)
    seen = Seen()
    seen.add(["a", "b", "c"])
    seen.add(["d", "a"])
    assert seen.sameness(()) == Sameness(sampled=3, repeated=1)
