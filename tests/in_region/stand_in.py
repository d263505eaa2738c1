"""An `aws` on PATH that says what a test has it say, and keeps what it was asked.

What it was asked, and what it says, is held against botocore's models of the services, so that neither is made up.
"""

from __future__ import annotations

import functools
import json
import shlex
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import botocore.session
from botocore.validate import ParamValidator

#: In place of the AWS CLI: a file `<service>.<operation>` has a line of JSON for each answer; the last one stays. It is
#: started often, so it does without site-packages.
_PROGRAM = """#!{python} -IS
import json, pathlib, shutil, sys, time
here = pathlib.Path({folder!r})
service, operation, *rest = sys.argv[1:]
with (here / "calls").open("a") as calls:
    calls.write(json.dumps([service, operation, rest]) + "\\n")
key = next((word for word in rest if word.endswith((".json", ".tar.gz")) and word.startswith("runs/")), None)
file = here / (service + "." + operation + ("." + key.rpartition("/")[2] if key else ""))
if not file.exists():
    sys.exit("An error occurred (AccessDenied): nobody said what " + file.name + " answers")
lines = file.read_text().splitlines()
if len(lines) > 1:
    file.write_text("\\n".join(lines[1:]) + "\\n")
said = json.loads(lines[0])
time.sleep(said.get("after", 0))
if "error" in said:
    sys.exit(said["error"])
if "copy" in said:
    shutil.copy(said["copy"].replace("KEY", key or ""), sys.argv[-3])
print(said.get("print") or json.dumps(said.get("answer", {{}})))
"""


@functools.cache
def model(service: str) -> Any:
    """botocore's."""
    return botocore.session.get_session().get_service_model(service)


def operation_of(service: str, operation: str) -> Any:
    """Of the CLI's name for it."""
    return model(service).operation_model("".join(word.capitalize() for word in operation.split("-")))


class StandIn:
    """Its program is in ``folder / "bin"``."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.bin = folder / "bin"
        self.bin.mkdir(parents=True)
        program = self.bin / "aws"
        program.write_text(_PROGRAM.format(python=sys.executable, folder=str(folder)), "utf-8")
        program.chmod(0o755)

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
