"""What a phase's jobs cost, on the page."""

from __future__ import annotations

from pytest_syncload.facts.cost import Cost
from pytest_syncload.report.cost import HEAD, caption, notes, sentence, table_rows
from pytest_syncload.report.html.markup import Html, lines, tag
from pytest_syncload.report.html.tables import table


def cost_part(cost: Cost) -> Html:
    """Heading, sentence, table and what the table does not have."""
    columns = 4 if cost.jobs_a_month is None else len(HEAD)
    said = sentence(cost)
    return lines(
        [
            tag("h3", "Cost"),
            tag("p", f"{said[0].upper()}{said[1:]}.", class_="sentence"),
            table(
                f"{caption(cost)}"[0].upper() + caption(cost)[1:],
                HEAD[:columns],
                [r[:columns] for r in table_rows(cost)],
            ),
            tag("ul", *(tag("li", note) for note in notes(cost)), class_="limits"),
        ]
    )
