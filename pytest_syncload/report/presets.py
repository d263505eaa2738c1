"""The catalogue for a person: what each preset asks CloudWatch, how that becomes a value, what silence means.

Pure text of the catalogue's data; it knows no environment, and shows nothing that is not judged so.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator

from pytest_syncload.facts.catalogue import Fold, Preset, Role, Rule, Template
from pytest_syncload.facts.idempotency import ENOUGH, MEANING
from pytest_syncload.facts.metric import CHOSEN
from pytest_syncload.facts.units import CANONICAL

_KEYS = {
    Role.VALUE: "metric",
    Role.NUMERATOR: "numerator",
    Role.DENOMINATOR: "denominator",
    Role.ALIVE: "alive by",
}
_KEY_WIDTH = max(map(len, _KEYS.values())) + 1


def preset_lines(presets: Iterable[Preset], width: int = 100) -> list[str]:
    """A paragraph a preset; lines no longer than ``width`` where words allow it."""
    every = list(presets)
    lines = [f"{len(every)} presets that a row of slo.yaml can name as its metric", ""]
    for preset in every:
        unit = CANONICAL[preset.kind]
        lines.append(f"{preset.name}  ({preset.kind}{f', {unit}' if unit else ''})")
        for key, said in _entries(preset):
            lines += _indented(key, said, width)
        lines.append("")
    return lines


def _entries(preset: Preset) -> Iterator[tuple[str, str]]:
    yield "", preset.what
    if preset.fold is Fold.TASKS:
        yield "asks ECS", "ListTasks and DescribeTasks of the service, about once a minute"
    elif preset.fold is Fold.OWN:
        yield "checks", "; ".join(f"{rule}: {meaning}" for rule, meaning in MEANING.items())
    elif preset.fold is Fold.CLIMB:
        yield "asks", "nobody: the climb's own steps"
    elif preset.fold is Fold.COST:
        yield "asks", "what everything that the environment lists used; see docs/cost.md"
    else:
        yield "namespace", preset.namespace
    for role, key in _KEYS.items():
        for place, template in enumerate(one for one in preset.templates if one.role is role):
            yield "" if place else key, _asked(template)
    if preset.statistics:
        default, *others = preset.statistics
        yield "statistic", ", ".join([f"{default} (default)", *others])
    yield "value", preset.fold.value + (", or what the client saw as failed" if preset.client_view else "")
    if preset.fold is Fold.OWN:
        yield "no data", f"inconclusive; each rule needs {ENOUGH} checks that came to an end"
    elif preset.fold is Fold.CLIMB:
        yield "no data", "inconclusive; so is a target that needs more than the climb could show"
    elif preset.fold is Fold.COST:
        yield "no data", "inconclusive; so is what has no price, and a target that lies between the bounds"
    elif preset.fold is not Fold.TASKS:
        yield "no data", preset.absent.value
    yield "rules", ", ".join(rule.value for rule in Rule if rule in preset.rules) or "none"


def _asked(template: Template) -> str:
    statistic = "" if template.statistic == CHOSEN else f" {template.statistic}"
    where = ", ".join(name for name, _ in template.dimensions)
    return f"{template.name}{statistic} {{{where}}} of {template.each}"


def _indented(key: str, said: str, width: int) -> list[str]:
    return textwrap.wrap(
        said,
        width,
        initial_indent=f"  {key:<{_KEY_WIDTH}}",
        subsequent_indent=" " * (_KEY_WIDTH + 4),
        break_long_words=False,
        break_on_hyphens=False,
    )
