"""The form of `abort:`: rules by which a phase's load must stop, on what the client sees or on a preset's metric."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator

from pytest_syncload.facts.catalogue import PRESETS, Fold, Preset
from pytest_syncload.facts.clock import MINUTE
from pytest_syncload.facts.plan import Abort, Target
from pytest_syncload.facts.units import Kind, format_duration
from pytest_syncload.spec import fields, forms
from pytest_syncload.spec.fields import wrong
from pytest_syncload.spec.reasons import nearest

_FAILED = "failed"
_TAKES = "a rule such as 'failed > 20 % for 10s' or 'ecs.cpu > 95 % for 2m'"
#: What CloudWatch says of a minute by itself. Other presets look at all of the load, or at what only a plan tells.
_BY_THE_MINUTE = (Fold.WORST, Fold.SUM, Fold.RATIO, Fold.USED)


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmForm:
    """A rule on a preset: ``target`` is what must hold, and in each of ``minutes`` does not."""

    metric: str
    statistic: str | None
    target: Target
    minutes: int
    text: str


def rule(value: Any) -> Abort | AlarmForm:
    """One rule, which may have been read already. Raises `PydanticCustomError`."""
    if isinstance(value, (Abort, AlarmForm)):
        return value
    text = value.strip() if isinstance(value, str) else ""
    condition, said_for, time = text.partition(" for ")
    if not said_for:
        shown = f"{value!r} is" if fields.is_plain(value) else "this is"
        raise wrong(f"{shown} not {_TAKES}", _TAKES)
    at = min((condition.find(sign) for sign in "<>=" if sign in condition), default=len(condition))
    name, *more = condition[:at].split() or [""]
    limit = condition[at:].strip()
    if not name or not limit or len(more) > (name != _FAILED):
        raise wrong(f"{text!r} is not {_TAKES}", _TAKES)
    if name == _FAILED:
        seconds = fields.amount(time.strip(), Kind.TIME) / 1000
        if seconds < 1 or seconds % 1:
            what = f"{time.strip()!r} is not whole seconds, and the load is counted by the second; write {_TAKES}"
            raise wrong(what, _TAKES)
        share = fields.share_of_failed(fields.failed_share(f"{_FAILED} {limit}"))
        return Abort(failed_percent=share, for_s=round(seconds), text=text)
    preset = _preset(name)
    statistic = more[0] if more else None
    if statistic is not None and statistic not in preset.statistics:
        takes = f"one of {', '.join(preset.statistics)}" if preset.statistics else "no statistic; leave it out"
        raise wrong(f"{preset.name} has no statistic {statistic!r}; it takes {takes}", takes)
    return AlarmForm(
        metric=name,
        statistic=statistic,
        target=_what_must_hold(preset, fields.target(limit, preset.kind), text),
        minutes=_minutes(time.strip()),
        text=text,
    )


def rules(value: Any) -> Any:
    """One rule or several, as several. A mistake in the only one stands at no number. Raises `PydanticCustomError`."""
    return value if isinstance(value, list) else [rule(value)]


def one_of_the_client(found: list[Abort | AlarmForm]) -> list[Abort | AlarmForm]:
    """No more than one rule on what the client sees. Raises `PydanticCustomError`."""
    if not found:
        raise wrong(f"there is no rule in it; write {_TAKES}, or leave abort out", _TAKES)
    if len([each for each in found if isinstance(each, Abort)]) > 1:
        raise wrong("several rules are on failed, and one is taken; write one of them", "one rule on failed")
    return found


Rule = Annotated[Abort | AlarmForm, BeforeValidator(rule), forms.RULE]
Rules = Annotated[list[Rule], BeforeValidator(rules), AfterValidator(one_of_the_client), forms.RULES]


def too_long(found: list[Abort | AlarmForm], load_s: float) -> str | None:
    """Whether a rule watches for longer than the load lasts (service seconds), and so can never trip."""
    for each in found:
        if isinstance(each, AlarmForm) and each.minutes * MINUTE > load_s:
            return (
                f"{each.text!r} watches for {format_duration(each.minutes * MINUTE)}, and the load lasts "
                f"{format_duration(load_s)}, so it never trips; watch for less"
            )
    return None


def _preset(name: str) -> Preset:
    known = [each.name for each in PRESETS.values() if each.fold in _BY_THE_MINUTE]
    if name not in PRESETS:
        raise wrong(f"no metric {name!r} to abort by; {nearest(name, [_FAILED, *known])}", "the name of a preset")
    if name not in known:
        raise wrong(
            f"{name} says nothing of a minute by itself, so no load can be stopped by it; take one of "
            f"{', '.join(known)}",
            "a preset that speaks of each minute",
        )
    return PRESETS[name]


def _what_must_hold(preset: Preset, limit: Target, text: str) -> Target:
    """The other side of the limit. Raises `PydanticCustomError`."""
    if limit.op == ">=":
        raise wrong(f"{text!r} has a sign that is not taken; write {_TAKES}", _TAKES)
    if limit.op != ">":
        raise wrong(f"{text!r} would end the load while the target holds; write {_TAKES}", _TAKES)
    if preset.kind is Kind.SHARE and preset.fold is not Fold.USED and limit.value >= 100:
        raise wrong(f"{text!r} is never met, as no share is more than 100 %; write {_TAKES}", _TAKES)
    return Target(op="<=", value=limit.value, kind=limit.kind, text=f"<= {limit.text[1:].strip()}")


def _minutes(time: str) -> int:
    seconds = fields.amount(time, Kind.TIME) / 1000
    if seconds < MINUTE or seconds % MINUTE:
        what = f"{time!r} is not whole minutes, and CloudWatch has one value a minute; write {_TAKES}"
        raise wrong(what, _TAKES)
    return round(seconds / MINUTE)
