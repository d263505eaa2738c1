"""The peers, installed where the registries have them; what cannot be had is said and left out.

Debian's packages go to the system, as root and where apt is; Python's and Node's into a folder of the benchmark's own.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

#: Command → Debian's package.
_DEBIAN = {"nginx": "nginx", "wrk": "wrk", "hey": "hey", "h2load": "nghttp2-client"}
_PYTHON = ("aiohttp", "httpx", "httpx-aiohttp", "locust", "uvloop")
_LONGEST_S = 600
_SEARCH = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"])


@dataclass(frozen=True, slots=True, kw_only=True)
class Tools:
    """Where each is; None where it is not to be had. ``python`` is of the environment with the peers' libraries."""

    nginx: str | None = None
    wrk: str | None = None
    wrk2: str | None = None
    hey: str | None = None
    h2load: str | None = None
    k6: str | None = None
    node: str | None = None
    autocannon: str | None = None
    python: str | None = None


def ready(folder: Path, say: Callable[[str], None], *, install: bool) -> Tools:
    """Install what is missing, unless told not to, and find everything."""
    folder.mkdir(parents=True, exist_ok=True)
    if install:
        _debian(say)
        _python(folder, say)
        _node(folder, say)
    tools = _found(folder)
    missing = [name for name in Tools.__dataclass_fields__ if getattr(tools, name) is None]
    if missing:
        say(f"left out, for want of it: {', '.join(missing)}")
    return tools


def _found(folder: Path) -> Tools:
    autocannon = folder / "node/node_modules/autocannon"
    python = folder / "venv/bin/python"
    return Tools(
        autocannon=str(autocannon) if autocannon.is_dir() else None,
        python=str(python) if (folder / "venv/complete").exists() else None,
        **{name: which(name) for name in ("nginx", "wrk", "wrk2", "hey", "h2load", "k6", "node")},
    )


def which(name: str) -> str | None:
    """A command's path; servers are not on everybody's."""
    return shutil.which(name, path=_SEARCH)


def _debian(say: Callable[[str], None]) -> None:
    wanted = [package for name, package in _DEBIAN.items() if which(name) is None]
    if not wanted:
        return
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        say(f"install these yourself, for want of root or apt: {', '.join(wanted)}")
        return
    say(f"installing {', '.join(wanted)}")
    environ = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    _try(["apt-get", "update", "-q"], say, environ)
    for package in wanted:  # one at a time: one that is not there must not keep the others away
        _try(["apt-get", "install", "-y", "-q", "--no-install-recommends", package], say, environ)


def _python(folder: Path, say: Callable[[str], None]) -> None:
    venv, complete = folder / "venv", folder / "venv/complete"
    if complete.exists():
        return
    say(f"installing {', '.join(_PYTHON)}")
    python = str(venv / "bin/python")
    pip = [python, "-m", "pip", "install", "-q", "--disable-pip-version-check", *_PYTHON]
    if _try([sys.executable, "-m", "venv", str(venv)], say) and _try(pip, say):
        complete.touch()


def _node(folder: Path, say: Callable[[str], None]) -> None:
    npm = shutil.which("npm")
    if npm is None or (folder / "node/node_modules/autocannon").is_dir():
        return
    say("installing autocannon")
    _try([npm, "install", "--silent", "--no-fund", "--no-audit", "--prefix", str(folder / "node"), "autocannon"], say)


def _try(command: list[str], say: Callable[[str], None], environ: dict[str, str] | None = None) -> bool:
    try:
        done = subprocess.run(
            command,
            env=environ,
            capture_output=True,
            text=True,
            timeout=_LONGEST_S,
            check=False,
            stdin=subprocess.DEVNULL,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        say(f"{' '.join(command[:3])} …: {error}")
        return False
    if done.returncode:
        say(f"{' '.join(command[:3])} … ended with {done.returncode}: {done.stderr.strip()[-300:]}")
    return done.returncode == 0
