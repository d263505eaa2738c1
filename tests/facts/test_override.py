"""What a conftest.py gives reaches another process by a name or a pickle, or is refused with the reason."""

from __future__ import annotations

import functools
import json
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter

from pytest_syncload.facts.errors import Refused
from pytest_syncload.facts.override import Override

ADAPTER = TypeAdapter(Override)


def sign_in(user: int, prefix: str = "t") -> str:
    return f"{prefix}-{user}"


def refusal(given: object) -> str:
    with pytest.raises(Refused) as caught:
        Override.of("syncload_identities", given)
    return str(caught.value)


@pytest.mark.parametrize(
    ("given", "gives"),
    [(f"{__name__}:sign_in", "t-7"), (sign_in, "t-7"), (functools.partial(sign_in, prefix="other"), "other-7")],
)
def test_another_process_has_the_same(given: object, gives: str) -> None:
    override = ADAPTER.validate_json(ADAPTER.dump_json(Override.of("syncload_identities", given)))
    assert override.load()(7) == gives


def test_another_process_imports_from_where_pytest_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "our_tokens.py").write_text("def sign_in(user):\n    return f'ours-{user}'\n", "utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    override = Override.of("syncload_identities", "our_tokens:sign_in")
    code = (
        "import sys\nfrom pydantic import TypeAdapter\nfrom pytest_syncload.facts.override import Override\n"
        "print(TypeAdapter(Override).validate_json(sys.stdin.read()).load()(7))"
    )
    told = json.dumps(ADAPTER.dump_python(override, mode="json"))
    ran = subprocess.run([sys.executable, "-c", code], input=told, capture_output=True, text=True, check=True)
    assert ran.stdout == "ours-7\n"


@pytest.mark.parametrize("given", ["", "sign_in", "our tokens:sign_in", "a:b:c", "a:", ":b", "./a.py:b"])
def test_a_text_that_names_no_function_is_refused(given: str) -> None:
    assert "names no function; write it as 'module:function'" in refusal(given)


def test_what_cannot_be_pickled_is_refused_with_the_reason() -> None:
    def closure(user: int) -> str:
        return sign_in(user)

    assert "a lambda): each generator is a process of its own" in refusal(lambda user: "t")
    assert "a closure, as it was made inside another function" in refusal(closure)
    said = refusal({"password": "s3cret", "lock": threading.Lock()})
    assert "an object of type dict" in said
    assert "s3cret" not in said


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ("nowhere.at_all:sign_in", "cannot import nowhere.at_all:sign_in (ModuleNotFoundError"),
        (f"{__name__}:no_such", "AttributeError"),
    ],
)
def test_what_a_generator_cannot_import_is_refused_there(given: str, says: str) -> None:
    with pytest.raises(Refused) as caught:
        Override.of("syncload_identities (conftest.py:3)", given).load()
    assert str(caught.value).startswith("syncload_identities (conftest.py:3): a generator ")
    assert says in str(caught.value)


def test_what_a_module_raises_while_it_is_imported_is_named_and_not_quoted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "our_broken_tokens.py").write_text("raise ValueError('password s3cret')\n", "utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(Refused, match=r"cannot import our_broken_tokens:sign_in \(ValueError\)") as caught:
        Override.of("syncload_identities", "our_broken_tokens:sign_in").load()
    assert "s3cret" not in str(caught.value)


def test_nothing_of_what_was_pickled_is_in_a_repr() -> None:
    made: Any = Override.of("syncload_identities", functools.partial(sign_in, prefix="s3cret"))
    assert "pickled" not in repr(made)
