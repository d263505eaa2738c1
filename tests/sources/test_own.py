"""What checks of the key came to → a value: zero only where every rule was looked at; what is broken stays broken."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_syncload.facts.errors import Inconclusive
from pytest_syncload.facts.idempotency import ENOUGH, KeyRule, RuleCount
from pytest_syncload.facts.observation import Ruling
from pytest_syncload.facts.plan import Slo, Target
from pytest_syncload.facts.units import Kind
from pytest_syncload.sources.observe import observe
from pytest_syncload.sources.own import certainly_broken, fold_own
from pytest_syncload.verdict import judge
from tests.rows import RESOURCES, reading, result

NONE = Target(op="==", value=0.0, kind=Kind.COUNT, text="== 0")
KEYS = Slo(name="keys", phase="peak", target=NONE, line=36, metric="idempotency.violations")
ALL = tuple(RuleCount(rule=rule, begun=5, finished=5) for rule in KeyRule)


def but(rule: KeyRule, **changes: object) -> tuple[RuleCount, ...]:
    """All is well but with one rule."""
    return tuple(replace(count, **changes) if count.rule is rule else count for count in ALL)  # type: ignore[arg-type]


def ruled(counts: tuple[RuleCount, ...], target: Target = NONE) -> tuple[Ruling, str, tuple[str, ...]]:
    measured = result(idempotency=counts)
    seen = observe(replace(KEYS, target=target), reading({}), RESOURCES, measured)
    verdict = judge(seen, measured, None)
    return verdict.ruling, verdict.reason, seen.notes


def test_every_rule_looked_at_and_none_broken_is_a_pass() -> None:
    ruling, reason, (note,) = ruled(ALL)
    assert (ruling, reason) == (Ruling.PASS, "0 is == 0")
    assert note.startswith("30 of 30 checks came to an end: replay 5, concurrent 5,")


def test_a_broken_rule_is_named_with_a_key_and_how_often() -> None:
    counts = but(KeyRule.USER, broken=2, key="run-peak-7", says="another user was answered 409")
    ruling, reason, (note, _) = ruled(counts)
    assert (ruling, reason) == (Ruling.BREACH, "2 is not == 0")
    assert note == (
        "user (another user with the same key gets a job of their own) is broken in 2 of 5 checks; with key "
        "run-peak-7: another user was answered 409"
    )
    assert fold_own(result(idempotency=counts), NONE).parts == {"user": 2.0}


def test_nothing_checked_is_no_proof() -> None:
    ruling, reason, _ = ruled(())
    assert ruling is Ruling.INCONCLUSIVE
    assert "no Idempotency-Key was checked in this phase" in reason


@pytest.mark.parametrize("rule", KeyRule)
@pytest.mark.parametrize("missing", [True, False], ids=["never begun", "too few"])
def test_a_rule_that_was_not_looked_at_enough_is_no_proof(rule: KeyRule, missing: bool) -> None:
    few = but(rule, begun=ENOUGH - 1, finished=ENOUGH - 1)
    counts = tuple(count for count in few if count.rule is not rule) if missing else few
    ruling, reason, _ = ruled(counts)
    assert ruling is Ruling.INCONCLUSIVE
    assert f"these have fewer: {rule} ({0 if missing else ENOUGH - 1})" in reason


@pytest.mark.parametrize(
    ("begun", "finished", "ruling"),
    [
        (4, 3, Ruling.PASS),
        (5, 3, Ruling.INCONCLUSIVE),
        (30, 27, Ruling.PASS),
        (30, 26, Ruling.INCONCLUSIVE),
        (3, 2, Ruling.INCONCLUSIVE),
    ],
)
def test_one_unfinished_check_or_a_tenth_is_borne(begun: int, finished: int, ruling: Ruling) -> None:
    counts = but(KeyRule.REPLAY, begun=begun, finished=finished, unfinished_because="a request of it was answered 503")
    seen, reason, _ = ruled(counts)
    assert seen is ruling
    assert ruling is Ruling.PASS or "a request of it was answered 503" in reason


def test_a_violation_stands_whatever_else_was_not_looked_at() -> None:
    counts = (RuleCount(rule=KeyRule.REPLAY, begun=1, finished=1, broken=1, key="k", says="so"),)
    ruling, _, notes = ruled(counts)
    assert ruling is Ruling.BREACH
    assert any("these have fewer: replay (1), concurrent (0)" in note for note in notes)
    # Where more violations could still mend the target, or it is not broken yet, nothing is proven.
    for target in (Target(op="<", value=5.0, kind=Kind.COUNT, text="< 5"), replace(NONE, value=2.0, text="== 2")):
        assert ruled(counts, target)[0] is Ruling.INCONCLUSIVE


@given(
    op=st.sampled_from(["<", "<=", "==", ">=", ">"]),
    target=st.integers(0, 5),
    value=st.integers(0, 5),
    more=st.integers(0, 5),
)
def test_what_is_certainly_broken_stays_broken_with_more_violations(
    op: str, target: int, value: int, more: int
) -> None:
    wanted = Target(op=op, value=target, kind=Kind.COUNT, text=f"{op} {target}")
    assert not (certainly_broken(wanted, value) and wanted.met_by(value + more))


@given(
    counts=st.lists(
        st.builds(RuleCount, rule=st.sampled_from(KeyRule), begun=st.integers(0, 40), finished=st.integers(0, 40)),
        unique_by=lambda count: count.rule,
    )
)
def test_no_value_stands_on_a_rule_without_enough_checks(counts: list[RuleCount]) -> None:
    enough = {count.rule for count in counts if count.finished >= ENOUGH}
    try:
        fold_own(result(idempotency=tuple(counts)), NONE)
    except Inconclusive:
        return
    assert enough == set(KeyRule)
