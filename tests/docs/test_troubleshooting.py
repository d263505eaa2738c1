"""docs/troubleshooting.md has an entry for each class of error and each reason why a phase is invalid."""

from __future__ import annotations

import inspect
import re
from types import ModuleType

import pytest

from pytest_syncload.auth import errors as auth_errors
from pytest_syncload.conductor import climbing, phase
from pytest_syncload.facts import errors
from pytest_syncload.facts.result import Invalidity
from pytest_syncload.k6 import binary, ending, executor, script
from pytest_syncload.k6 import validity as k6_validity
from pytest_syncload.load import limited, validity
from pytest_syncload.sources import aws, climbed, own, required, settle, tasks
from pytest_syncload.verdict import growth, ruling
from tests.docs.blocks import ROOT

PAGE = (ROOT / "docs" / "troubleshooting.md").read_text("utf-8")


def classes(module: ModuleType) -> list[str]:
    """The errors that a module defines, but for the base of all, which is never raised."""
    return [
        name
        for name, each in inspect.getmembers(module, inspect.isclass)
        if issubclass(each, errors.SyncloadError) and each.__module__ == module.__name__ and name != "SyncloadError"
    ]


def reasons(module: ModuleType) -> list[str]:
    """The functions that say why a phase is invalid: of the evidence, or, beside it, as an `Invalidity`."""
    return [
        name
        for name, each in inspect.getmembers(module, inspect.isfunction)
        if each.__module__ == module.__name__
        and not name.startswith("_")
        and inspect.signature(each, eval_str=True).return_annotation
        in (str | None, Invalidity | None, list[Invalidity])
    ]


def refusing(module: ModuleType) -> list[str]:
    """The functions that raise `Refused`, by their docstrings, and no other function's."""
    return [
        name
        for name, each in inspect.getmembers(module, inspect.isfunction)
        if each.__module__ == module.__name__ and re.search(r"\b[Rr]aises? `Refused`", each.__doc__ or "")
    ]


def entry(name: str) -> str:
    """The entry's text: below a heading with the name in the comment behind it, up to the next heading."""
    found = re.search(rf"^#+ .+\n\n<!-- (?:.+, )?{name}(?:, .+)? -->\n(?P<text>(?:(?!#).*\n?)+)", PAGE, re.M)
    assert found, f"docs/troubleshooting.md has no entry with <!-- {name} -->"
    return found["text"]


#: By the name of a module's folder or file, as two have an error of the same name.
NAMES = (
    *(f"facts {name}" for name in classes(errors)),
    *(f"auth {name}" for name in classes(auth_errors)),
    *(f"aws {name}" for name in classes(aws)),
    *(f"load {name}" for name in reasons(validity)),
    *(f"phase {name}" for name in (*reasons(phase), "refuse_short_tokens")),
    *(f"climbing {name}" for name in reasons(climbing)),
    *(f"limited {name}" for name in reasons(limited)),
    *(f"k6 {name}" for module in (k6_validity, ending) for name in reasons(module)),
    *(f"k6 {name}" for module in (binary, script, executor) for name in refusing(module)),
    "k6 refuse_another_count",
)


@pytest.mark.parametrize("name", NAMES)
def test_an_entry_says_what_it_means_and_what_to_do(name: str) -> None:
    says = entry(name)
    assert "**What it means.**" in says
    assert "**What to do.**" in says


def guards(module: ModuleType) -> list[str]:
    """The functions that say why a row is inconclusive: they raise, or say what is wrong, by query or at once."""
    return [
        name
        for name, each in inspect.getmembers(module, inspect.isfunction)
        if each.__module__ == module.__name__
        and not name.startswith("_")
        and (
            name.startswith("require_")
            or inspect.signature(each, eval_str=True).return_annotation in (str | None, dict[str, str])
        )
    ]


@pytest.mark.parametrize(
    "module", [required, settle, ruling, growth, tasks, own, climbed], ids=lambda module: module.__name__
)
def test_every_guard_of_a_row_is_in_a_table(module: ModuleType) -> None:
    first_cells = re.findall(r"^\| (`[\w`, ]+`) \| `", PAGE, re.M)
    there = set(re.findall(r"`(\w+)`", " ".join(first_cells)))
    # `unsettled` gathers what the others say.
    assert {*guards(module)} - {"unsettled"} <= there


def test_all_are_found() -> None:
    assert {"Refused", "PhaseInvalid", "Breach"} <= {*classes(errors)}
    assert {"Rejected", "QuotaExceeded"} <= {*classes(auth_errors)}
    assert {"lagged", "wrong_answers", "sent_but_not_counted"} <= {*reasons(validity)}
    assert {"clock_jumped", "lost_generators"} <= {*reasons(phase)}
    assert "remedy" not in reasons(validity)


def test_the_words_of_messages_are_those_of_the_code() -> None:
    """What an entry quotes as a message's beginning is in the code, so that a search from a terminal finds it."""
    source = "".join(
        file.read_text("utf-8")
        for file in sorted((ROOT / "pytest_syncload").rglob("*.py"))
        if "sandbox" not in file.parts
    )
    flat = re.sub(r'"\s*\n\s*f?"', "", source)
    quoted = re.findall(r"^> `(.+?)`$", PAGE, re.M) + re.findall(r"^\| `\w+`.* \| `(.+?)` \|", PAGE, re.M)
    assert len(quoted) > 60
    for words in quoted:
        for part in filter(None, (part.strip() for part in words.split("…"))):
            assert part in flat, f"no message has {part!r}"
