"""The Python of the pages runs, and its overrides give what generators can be handed."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_syncload.facts.override import Override
from pytest_syncload.facts.plan import RequestTemplate
from tests.docs.blocks import PAGES, Block, blocks

PYTHON = [block for page in PAGES for block in blocks(page) if block.language == "python"]


def defined(block: Block) -> dict[str, Any]:
    """What a block's module has in it; its tests are defined and not run."""
    module: dict[str, Any] = {"__name__": "conftest"}
    exec(compile(block.text, str(block), "exec"), module)
    return module


@pytest.mark.parametrize("block", PYTHON, ids=str)
def test_a_block_runs_and_overrides_what_there_is(block: Block) -> None:
    functions = {name: each for name, each in defined(block).items() if name.startswith(("syncload_", "test_"))}
    assert functions
    for name in {*functions} & {"syncload_request", "syncload_identities"}:
        assert Override.of(name, functions[name]())


def test_the_request_is_one() -> None:
    (made,) = (module["syncload_request"]() for block in PYTHON if "syncload_request" in (module := defined(block)))
    assert isinstance(made, RequestTemplate)
