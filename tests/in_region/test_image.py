"""The Dockerfile, by its instructions: what it starts from, what gets into a layer, who runs it. It is not built."""

from __future__ import annotations

import json
import re
import shlex

from tests.in_region.places import FARGATE


def instructions() -> list[tuple[str, str]]:
    """Each with its words; comments are left out, and lines that go on are one."""
    text = re.sub(r"\\\n", " ", (FARGATE / "Dockerfile").read_text("utf-8"))
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    return [(line.partition(" ")[0], line.partition(" ")[2]) for line in lines]


def words(name: str) -> list[str]:
    """Of every instruction of that name."""
    return [said for each, said in instructions() if each == name]


def test_both_stages_begin_with_one_base_by_digest() -> None:
    bases = [said.partition(" AS ")[0] for said in words("FROM")]
    assert len(bases) == 2
    assert len({*bases}) == 1
    assert re.fullmatch(r"python:3\.13-slim-bookworm@sha256:0{64}", bases[0])


def test_it_runs_the_entry_point_and_not_as_root() -> None:
    assert words("USER") == ["10001"]
    assert "--uid 10001 " in " ".join(words("RUN"))
    (entry,) = words("ENTRYPOINT")
    assert json.loads(entry) == ["/venv/bin/python", "/in_region/entry.py"]
    assert words("CMD") == []
    last = [name for name, _ in instructions()][-2:]
    assert last == ["USER", "ENTRYPOINT"]


def test_the_last_stage_has_no_git_and_no_compiler() -> None:
    names = [name for name, _ in instructions()]
    second = instructions()[len(names) - names[::-1].index("FROM") :]
    assert not [said for name, said in second if name == "RUN" and "apt-get" in said]


def test_nothing_but_what_is_named_gets_into_a_layer() -> None:
    ignored = [
        line
        for line in (FARGATE / ".dockerignore").read_text("utf-8").splitlines()
        if line and not line.startswith("#")
    ]
    assert ignored[0] == "*"
    let_through = {line.removeprefix("!") for line in ignored[1:]}
    assert all(line.startswith("!") for line in ignored[1:])
    copied = set()
    for said in words("COPY"):
        flags = [word for word in shlex.split(said) if word.startswith("--")]
        if not any(flag.startswith("--from=") for flag in flags):
            copied |= {*[word for word in shlex.split(said) if not word.startswith("--")][:-1]}
    assert copied == let_through
    assert all((FARGATE / name).is_file() for name in copied)
    assert words("ADD") == words("ARG") == []


def test_no_variable_could_be_a_secret_or_a_default_of_what_is_measured() -> None:
    (variables,) = words("ENV")
    assert {pair.partition("=")[0] for pair in variables.split()} == {"PATH", "PYTHONDONTWRITEBYTECODE"}
