"""What the stand-in for the AWS CLI says: as a program of its own, or asked in the tests' process. Needs only Python.

A file `<service>.<operation>` has a line of JSON for each answer; the last one stays.
"""

from __future__ import annotations

import json
import shutil
import sys
import time
from collections.abc import Sequence
from pathlib import Path


def answered(folder: Path, words: Sequence[str]) -> tuple[int, str, str]:
    """Exit status, output and error output of `aws` with these words."""
    service, operation, *rest = words
    with (folder / "calls").open("a", encoding="utf-8") as calls:
        calls.write(json.dumps([service, operation, rest]) + "\n")
    key = next((word for word in rest if word.startswith("runs/")), "")
    name = ".".join([service, operation, *([key.rpartition("/")[2]] if key else [])])
    file = folder / name
    if not file.exists():
        return 1, "", f"An error occurred (AccessDenied): nobody said what {name} answers"
    lines = file.read_text("utf-8").splitlines()
    if len(lines) > 1:
        file.write_text("\n".join(lines[1:]) + "\n", "utf-8")
    said = json.loads(lines[0])
    time.sleep(said.get("after", 0))
    if "error" in said:
        return 1, "", said["error"]
    if "copy" in said:
        shutil.copy(said["copy"], rest[-3])
    return 0, said.get("print") or json.dumps(said.get("answer", {})), ""


if __name__ == "__main__":
    status, out, error = answered(Path(sys.argv[1]), sys.argv[2:])
    sys.stdout.write(out)
    sys.stderr.write(error)
    sys.exit(status)
