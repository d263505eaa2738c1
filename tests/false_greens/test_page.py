"""The page of the catalogue says what the catalogue says."""

from __future__ import annotations

from tests.false_greens.of_the_data import ENTRIES
from tests.false_greens.page import PAGE, page


def test_the_page_is_current() -> None:
    assert PAGE.read_text("utf-8") == page(), "run python -m tests.false_greens.page"


def test_the_page_names_every_entry_and_its_guards() -> None:
    for entry in ENTRIES:
        (row,) = (line for line in page().splitlines() if line.startswith(f"| {entry.name} |"))
        assert all(f"`{guard.partition(':')[2]}`" in row for guard in entry.guards)
