"""Which k6 is on PATH, and whether it is one that this was written for."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass

from pytest_syncload.facts.errors import Refused

#: From 1.0 on k6 promises that options, outputs and exit codes stay as they are within a major version (its versioning
#: policy); what is read here was written down of 2.2.
LEAST = (1, 0)
WRITTEN_FOR = 2
_VERSION = re.compile(r"\bk6 v(\d+)\.(\d+)\.(\d+)")
_LONGEST_S = 10.0
_INSTEAD = "or take engine: k6 out of load of slo.yaml"


@dataclass(frozen=True, slots=True, kw_only=True)
class Binary:
    """A k6 that may be used."""

    path: str
    version: tuple[int, int, int]

    def __str__(self) -> str:
        return f"k6 v{'.'.join(map(str, self.version))}"

    @property
    def is_newer(self) -> bool:
        """Whether it is of a later major version than what it prints was written down of."""
        return self.version[0] > WRITTEN_FOR


def find_k6(environ: Mapping[str, str]) -> Binary:
    """The k6 on PATH. Raises `Refused` where there is none, or none that may be used."""
    path = shutil.which("k6", path=environ.get("PATH"))
    if path is None:
        raise Refused(f"there is no k6 on PATH; install it (k6's documentation, Install k6), {_INSTEAD}")
    return Binary(path=path, version=fit(path, said_version(path)))


def said_version(path: str) -> str:
    """What `k6 version` says. Raises `Refused` where it does not run."""
    try:
        ended = subprocess.run(
            [path, "version"], capture_output=True, text=True, errors="replace", timeout=_LONGEST_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        why = getattr(error, "strerror", None) or f"it did not end within {_LONGEST_S:.0f} s"
        raise Refused(f"{path} version cannot be run: {why}; install k6 anew, {_INSTEAD}") from None
    return ended.stdout or ended.stderr


def fit(path: str, says: str) -> tuple[int, int, int]:
    """The version that it says. Raises `Refused` where that is none, or too old a one."""
    found = _VERSION.search(says)
    if found is None:
        shown = "".join(character if character.isprintable() else " " for character in says[:80]).strip() or "nothing"
        raise Refused(f"{path} version says {shown!r}, which is no version of k6; is it another program of that name?")
    major, minor, patch = map(int, found.groups())
    if (major, minor) < LEAST:
        least = ".".join(map(str, LEAST))
        raise Refused(
            f"{path} is k6 v{major}.{minor}.{patch}, and {least} is the least: before it k6 did not promise to keep "
            f"its options and outputs; install a newer one, {_INSTEAD}"
        )
    return major, minor, patch
