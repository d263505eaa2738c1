"""An `aws` that says what a test has it say, and keeps what it was asked: on PATH, or without a process of its own.

What it was asked, and what it says, is held against botocore's models of the services, so that neither is made up.
"""

from __future__ import annotations

import functools
import json
import os
import shlex
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import botocore.session
import pytest
from botocore.validate import ParamValidator

from tests.in_region import answering


@functools.cache
def model(service: str) -> Any:
    """botocore's."""
    return botocore.session.get_session().get_service_model(service)


def operation_of(service: str, operation: str) -> Any:
    """Of the CLI's name for it."""
    return model(service).operation_model("".join(word.capitalize() for word in operation.split("-")))


class StandIn:
    """Its program is in ``folder / "bin"``, which is on PATH as long as the test."""

    def __init__(self, folder: Path, patch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        self._patch = patch
        program = folder / "bin" / "aws"
        program.parent.mkdir(parents=True)
        # Without site-packages, as it is started often.
        command = [sys.executable, "-IS", answering.__file__, str(folder)]
        program.write_text(f'#!/bin/sh\nexec {shlex.join(command)} "$@"\n', "utf-8")
        program.chmod(0o755)
        patch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")

    def within(self) -> StandIn:
        """What is started as `aws` is asked in this process instead: one of its own takes longer than all the rest."""
        real = subprocess.run

        def run(command: Sequence[str], **settings: Any) -> Any:
            if command[0] != "aws":
                return real(command, **settings)
            status, out, error = answering.answered(self.folder, command[1:])
            return subprocess.CompletedProcess(command, status, out, error)

        self._patch.setattr(subprocess, "run", run)
        return self

    def says(self, service: str, operation: str, *answers: Mapping[str, Any]) -> None:
        """Answers one after the other; the last one for ever."""
        for answer in answers:
            _validate(answer, operation_of(service, operation).output_shape)
        self._keep(f"{service}.{operation}", [{"answer": answer} for answer in answers])

    def fails(self, service: str, operation: str, error: str, then: Sequence[Mapping[str, Any]] = ()) -> None:
        """Once, and then with the answers; without any, always."""
        self._keep(f"{service}.{operation}", [{"error": error}, *({"answer": answer} for answer in then)])

    def gives(self, name: str, file: Path) -> None:
        """An object below runs/, whatever the run."""
        self._keep(f"s3api.get-object.{name}", [{"copy": str(file)}])

    def prints(self, service: str, operation: str, text: str) -> None:
        """No JSON."""
        self._keep(f"{service}.{operation}", [{"print": text}])

    def waits(self, service: str, operation: str, seconds: float, answer: Mapping[str, Any]) -> None:
        """Before the answer."""
        self._keep(f"{service}.{operation}", [{"after": seconds, "answer": answer}])

    def asked(self) -> list[tuple[str, str, Any]]:
        """Each call: service, operation, and its members, which the model knows; of s3api its words."""
        calls = self.folder / "calls"
        found = []
        for line in calls.read_text("utf-8").splitlines() if calls.exists() else []:
            service, operation, words = json.loads(line)
            given: Any = words
            if words[0] == "--cli-input-json":
                given = json.loads(words[1])
                _validate(given, operation_of(service, operation).input_shape)
            found.append((service, operation, given))
        return found

    def names(self) -> list[str]:
        """The operations that were asked for, in order."""
        return [operation for _, operation, _ in self.asked()]

    def _keep(self, name: str, said: Sequence[Mapping[str, Any]]) -> None:
        (self.folder / name).write_text("".join(json.dumps(each) + "\n" for each in said), "utf-8")


def _validate(said: Mapping[str, Any], shape: Any) -> None:
    unknown = list(_unknown(said, shape))
    assert not unknown, f"{shape.name} has no {unknown}"
    report = ParamValidator().validate(dict(said), shape)
    assert not report.has_errors(), report.generate_report()


def _unknown(said: Any, shape: Any) -> Any:
    """Members that the model does not have, below lists too; shlex-quoted for the reader."""
    if shape.type_name == "structure":
        for name, value in said.items():
            if name in shape.members:
                yield from _unknown(value, shape.members[name])
            else:
                yield shlex.quote(name)
    elif shape.type_name == "list":
        for value in said:
            yield from _unknown(value, shape.member)
