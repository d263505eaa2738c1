import numpy as np

from benchmarks.broke_first import CONDITIONS, METHODS, head, measure, row
from tests.bottleneck.climbs import SHOWS


def test_a_row_has_a_figure_for_each_column() -> None:
    seen = measure(next(iter(CONDITIONS.values())), 1)
    assert seen.right == dict.fromkeys(SHOWS, 1)
    assert seen.series > 10
    cells = row("one", seen).split("|")
    assert len(cells) == len(head("climb").splitlines()[0].split("|"))
    assert [cell.strip() for cell in cells[2:10]] == ["100.0"] * len(SHOWS) + ["0.0", "0.0"]


def test_the_methods_differ() -> None:
    values = np.array([0.0] * 12 + [9.0] * 4)
    assert [method(values) for method in METHODS.values()] == [12, 12, 8, 0]
