"""What an editor is told of slo.yaml's values: their JSON Schema, with patterns, examples and a word for a refusal.

A form never refuses what `fields` accepts; it may accept more. Wherever text stands, a `${VAR}` may stand as well.
Patterns keep to what ECMAScript and Python have in common: editors are written in the one, checkers in the other.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pydantic import WithJsonSchema

from pytest_syncload.facts.units import EXAMPLE, Kind

#: Text that a variable of the process environment fills in, whole or in part.
VARIABLE: dict[str, Any] = {"type": "string", "pattern": r"\$\{"}

# Space inside a quantity is ASCII's. Around a target it is what Python strips, which to ECMAScript is not all space.
_SPACE = r"[ \t-\r]*"
_GAP = r"[\s\x1c-\x1f\x85]*"
_UNITS = {Kind.TIME: "(?:us|ms|s|m|h)", Kind.SHARE: "%", Kind.RATE: "/s", Kind.COUNT: "", Kind.MONEY: "USD"}
_BODY = {kind: rf"[0-9]+(?:\.[0-9]+)?{_SPACE}{unit}" for kind, unit in _UNITS.items()}
_EXAMPLES = {
    Kind.TIME: ("500 ms", "10s", "5m", "1h"),
    Kind.SHARE: ("0.1 %",),
    Kind.RATE: ("3000/s",),
    Kind.MONEY: ("20 USD",),
}


def pattern(form: str, takes: str, *examples: str) -> dict[str, Any]:
    """Text of this form, or with a variable in it. ``takes`` is what an editor says where it is of neither."""
    said: dict[str, Any] = {
        "type": "string",
        "pattern": f"^{form}$|{VARIABLE['pattern']}",
        "patternErrorMessage": f"this takes {takes}",
    }
    return {**said, "examples": list(examples)} if examples else said


def text(form: str, takes: str, *examples: str) -> WithJsonSchema:
    """`pattern`, for an annotation."""
    return WithJsonSchema(pattern(form, takes, *examples))


def quantity(kind: Kind, *examples: str) -> WithJsonSchema:
    """A number with a unit of ``kind``."""
    return text(f"{_SPACE}{_BODY[kind]}{_SPACE}", f"a {kind} such as {EXAMPLE[kind]!r}", *(examples or _EXAMPLES[kind]))


def target(kind: Kind | None) -> dict[str, Any]:
    """A target in a unit of ``kind``; None: in any."""
    body = f"(?:{'|'.join(_BODY.values())})" if kind is None else _BODY[kind]
    example = f"< {EXAMPLE[kind or Kind.TIME]}"
    return pattern(f"{_GAP}(?:<=|>=|==|<|>){_GAP}{body}{_GAP}", f"a target such as {example!r}", example)


def words(*known: str) -> dict[str, Any]:
    """One of these words, or a variable. An `anyOf`, because editors complete words out of one, and of no condition."""
    return {"anyOf": [{"enum": list(known)}, VARIABLE]}


def explained(known: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """`words`, each with what it means; editors show that beside the word."""
    names, meanings = zip(*known, strict=True)
    said = {"enum": list(names), "enumDescriptions": list(meanings), "markdownEnumDescriptions": list(meanings)}
    return {"anyOf": [said, VARIABLE]}


UNTIL = text(
    rf"{_GAP}failed{_GAP}>{_GAP}{_BODY[Kind.SHARE]}{_GAP}", "a condition such as 'failed > 1 %'", "failed > 1 %"
)
_RULE = (
    rf"{_GAP}\S+(?: {_GAP}\S+)?{_GAP}>{_GAP}(?:{'|'.join(_BODY.values())}){_GAP} for {_GAP}{_BODY[Kind.TIME]}{_GAP}",
    "a rule such as 'failed > 20 % for 10s'",
)
_ONE_RULE = pattern(*_RULE, "failed > 20 % for 10s", "ecs.cpu > 95 % for 2m")
RULE = WithJsonSchema(_ONE_RULE)
#: One, or several.
RULES = WithJsonSchema({"anyOf": [_ONE_RULE, {"type": "array", "items": pattern(*_RULE), "minItems": 1}]})
REGRESSION = text(rf"{_GAP}<=?{_GAP}{_BODY[Kind.SHARE]}{_GAP}", "a limit such as '< 10 %'", "< 10 %")
RECOVERS = text(
    rf"{_GAP}(?:after{_GAP}{_BODY[Kind.TIME]}|slowly|never){_GAP}",
    "'after 5s', 'slowly' or 'never'",
    "after 5s",
    "slowly",
    "never",
)
TEXT = WithJsonSchema({"type": "string", "minLength": 1})
