"""Each rule against a target that keeps it, one that breaks it, and one that cannot say just then."""

from __future__ import annotations

import asyncio

import pytest

from pytest_syncload.facts.idempotency import MEANING, REQUESTS, KeyRule
from pytest_syncload.load import asking
from pytest_syncload.load.asking import Unfinished
from pytest_syncload.load.connection import Failure
from pytest_syncload.load.key_rules import RULES, Broken
from tests.load.keyed import Instead, Target, Users, asker, first_arrival


def check(rule: KeyRule, target: Target, users: Users | None = None) -> Broken | None:
    async def scenario() -> Broken | None:
        asks = asker(target, users)
        return await RULES[rule](asks, await first_arrival(asks))

    return asyncio.run(scenario())


def unfinished(rule: KeyRule, target: Target, users: Users | None = None) -> str:
    with pytest.raises(Unfinished) as raised:
        check(rule, target, users)
    return str(raised.value)


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is in progress is asked for again without a wait."""
    monkeypatch.setattr(asking, "_AGAIN_AFTER_S", (0.0, 0.0))


@pytest.mark.parametrize("rule", KeyRule)
def test_a_rule_that_is_kept_is_found_kept_by_as_many_requests_as_are_told(rule: KeyRule) -> None:
    target = Target()
    assert check(rule, target) is None
    assert len(target.asked) - 1 == REQUESTS[rule]
    assert rule in MEANING


@pytest.mark.parametrize("broken", KeyRule)
def test_a_broken_rule_is_found_by_its_own_check_and_by_no_other(broken: KeyRule) -> None:
    found = {rule for rule in KeyRule if check(rule, Target(broken)) is not None}
    assert found == {broken}


@pytest.mark.parametrize(
    ("rule", "instead", "key", "says"),
    [
        (KeyRule.REPLAY, {1: (200, "job-1")}, "run-peak-0", "the same request again was answered 200, after 202"),
        (KeyRule.REPLAY, {1: (202, "job-9")}, "run-peak-0", "answered 202 with another job_id"),
        (KeyRule.REPLAY, {1: (404, None)}, "run-peak-0", "answered 404, after 202"),
        (KeyRule.REPLAY, dict.fromkeys((1, 2, 3), (409, None)), "run-peak-0", "answered 409, after 202"),
        (KeyRule.CONCURRENT, {3: (202, "job-9")}, "run-peak-verify-0", "3 requests at once made 2 jobs"),
        (KeyRule.CONCURRENT, {2: (202, "job-9"), 3: (500, None)}, "run-peak-verify-0", "at once made 2 jobs"),
        (KeyRule.CONCURRENT, {3: (422, None)}, "run-peak-verify-0", "3 requests at once one was answered 422"),
        (KeyRule.PAYLOAD, {2: (202, "job-1")}, "run-peak-0", "another payload with the same key was answered 202"),
        (KeyRule.PAYLOAD, {2: (400, None)}, "run-peak-0", "another payload with the same key was answered 400"),
        (KeyRule.MISSING_KEY, {1: (202, "job-9")}, "run-peak-0", "without its key was answered 202"),
        (KeyRule.USER, {1: (202, "job-1")}, "run-peak-0", "another user was given the first one's job_id"),
        (KeyRule.USER, {1: (409, None)}, "run-peak-0", "another user's request with the same key was answered 409"),
        (KeyRule.USER, {1: (422, None)}, "run-peak-0", "another user's request with the same key was answered 422"),
        (
            KeyRule.UNAUTHORIZED,
            {2: (401, None), 4: (401, None)},
            "run-peak-verify-0",
            "a right token was answered 401 after a wrong one, and only with this key",
        ),
    ],
)
def test_an_answer_that_a_rule_excludes_breaks_it(
    rule: KeyRule, instead: dict[int, Instead], key: str, says: str
) -> None:
    broken = check(rule, Target(instead=instead))
    assert broken is not None
    assert (broken.key, says in broken.says) == (key, True), broken.says


@pytest.mark.parametrize(
    ("rule", "instead"),
    [
        (KeyRule.REPLAY, {1: (409, None), 2: (409, None)}),  # the store hears of its first answer a moment later
        (KeyRule.PAYLOAD, {2: (409, None)}),
        (KeyRule.CONCURRENT, {2: (409, None), 3: (409, None)}),
        (KeyRule.CONCURRENT, {2: (202, "job-2"), 3: (202, "job-2")}),
    ],
)
def test_what_is_in_progress_is_waited_for(rule: KeyRule, instead: dict[int, Instead]) -> None:
    assert check(rule, Target(instead=instead)) is None


@pytest.mark.parametrize("moment", [(500, None), (503, None), (429, None), (408, None), *Failure])
@pytest.mark.parametrize("rule", KeyRule)
def test_what_a_target_cannot_do_just_then_is_no_violation(rule: KeyRule, moment: Instead) -> None:
    """Whichever of the check's requests it meets."""
    for number in range(1, 1 + REQUESTS[rule]):
        said = unfinished(rule, Target(instead={number: moment}))
        assert said == (
            f"one of its requests was answered {moment[0]}"
            if isinstance(moment, tuple)
            else f"one of its requests ended as {moment}"
        )


@pytest.mark.parametrize("rule", [rule for rule in KeyRule if rule is not KeyRule.UNAUTHORIZED])
def test_a_rejected_token_says_nothing_about_a_key_and_is_told_to_the_identities(rule: KeyRule) -> None:
    users = Users()
    assert unfinished(rule, Target(instead={1: (401, None)}), users) == "one of its requests was answered 401"
    assert users.rejections == ["user-1" if rule is KeyRule.USER else "user-0"]


@pytest.mark.parametrize(
    ("rule", "instead", "says"),
    [
        (KeyRule.REPLAY, {1: (202, None)}, "an answer had no job_id"),
        (KeyRule.CONCURRENT, dict.fromkeys((1, 2, 3), (409, None)), "all of 3 requests at once were answered 409"),
        (KeyRule.PAYLOAD, {1: (422, None)}, "request.idempotency.changed was answered 422 with a key of its own"),
        (KeyRule.UNAUTHORIZED, {1: (202, "job-9")}, "a token with a wrong signature was answered 202, not 401"),
        (KeyRule.UNAUTHORIZED, {2: (409, None)}, "one of its requests was answered 409"),
        (KeyRule.UNAUTHORIZED, {2: (401, None)}, "a right token was rejected once"),
        (KeyRule.UNAUTHORIZED, {2: (401, None), 3: (401, None)}, "one of its requests was answered 401"),
    ],
)
def test_what_proves_neither_is_unfinished(rule: KeyRule, instead: dict[int, Instead], says: str) -> None:
    assert says in unfinished(rule, Target(instead=instead))


def test_another_user_is_needed_for_another_users_key() -> None:
    assert "has no second user" in unfinished(KeyRule.USER, Target(), Users(many=1))


@pytest.mark.parametrize("rule", KeyRule)
def test_nothing_is_sent_with_an_expired_token(rule: KeyRule) -> None:
    target = Target()
    assert unfinished(rule, target, Users(expires_at=0.0)) == "the token of one of its users had expired"
    assert len(target.asked) == 1
