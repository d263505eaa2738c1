"""The table of presets: everything that is judged is in it, and every preset of the catalogue."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from pytest_syncload.facts.catalogue import PRESETS, Absent, Fold, Preset, Role, Rule
from pytest_syncload.facts.metric import Each, level, total
from pytest_syncload.facts.units import Kind
from pytest_syncload.report.presets import preset_lines

SMALL = Preset(
    name="bus.late",
    kind=Kind.TIME,
    what="how late the bus is",
    namespace="City/Bus",
    templates=(level("Late", Each.QUEUE, (("Line", "{queue}"), ("Stop", "{stage}"))),),
    statistics=("p95", "Maximum"),
    rules=frozenset({Rule.GROWTH, Rule.SUSTAINED}),
)


def test_a_preset_is_a_paragraph() -> None:
    assert preset_lines([SMALL]) == [
        "1 presets that a row of slo.yaml can name as its metric",
        "",
        "bus.late  (time, ms)",
        "              how late the bus is",
        "  namespace   City/Bus",
        "  metric      Late {Line, Stop} of the queue",
        "  statistic   p95 (default), Maximum",
        "  value       one statistic over the whole window, of the worst resource",
        "  no data     inconclusive",
        "  rules       sustained, growth",
        "",
    ]


def test_each_side_of_a_share_and_what_shows_life_stand_apart() -> None:
    where = (("Line", "{queue}"),)
    share = replace(
        SMALL,
        kind=Kind.COUNT,
        fold=Fold.RATIO,
        absent=Absent.ZERO_WHILE_ALIVE,
        templates=(
            total(Role.ALIVE, "Buses", Each.QUEUE, where),
            total(Role.NUMERATOR, "Full", Each.QUEUE, where),
            total(Role.NUMERATOR, "Lost", Each.NODE, where),
            total(Role.DENOMINATOR, "Tours", Each.QUEUE, where),
        ),
        statistics=(),
        client_view="failed",
        rules=frozenset(),
    )
    assert preset_lines([share])[2:] == [
        "bus.late  (count)",
        "              how late the bus is",
        "  namespace   City/Bus",
        "  numerator   Full Sum {Line} of the queue",
        "              Lost Sum {Line} of each node",
        "  denominator Tours Sum {Line} of the queue",
        "  alive by    Buses Sum {Line} of the queue",
        "  value       100 × numerator ÷ denominator, or what the client saw as failed",
        "  no data     0 while a sibling metric shows traffic, else inconclusive",
        "  rules       none",
        "",
    ]


@pytest.mark.parametrize("preset", PRESETS.values(), ids=lambda preset: preset.name)
def test_all_that_is_asked_for_is_said(preset: Preset) -> None:
    said = re.sub(r"\s+", " ", "\n".join(preset_lines([preset])))
    assert preset.name in said
    for template in preset.templates:
        assert f" {template.name} " in said
        assert f"{{{', '.join(name for name, _ in template.dimensions)}}} of {template.each}" in said
    assert preset.fold.value in said
    assert preset.what in said


def test_no_line_is_longer_than_a_terminal() -> None:
    lines = preset_lines(PRESETS.values())
    assert max(map(len, lines)) <= 100
    names = [line.split("  ")[0] for line in lines if line and not line.startswith(" ")]
    assert [name for name in names if name in PRESETS] == list(PRESETS)
