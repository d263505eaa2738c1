"""What k6 says to a person, kept in the run's folder with secrets masked, so long as it is not endless."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType

from pytest_syncload.facts.plan import HIDDEN

#: k6 warns of each request that fails: of thousands the first say what the others would.
_MOST_LINES = 500
_LONGEST_LINE = 2000
_LAST_WORDS = 300
#: What nobody may read, whoever's it is: tokens, keys in an address, and what follows Bearer.
_SECRETS = re.compile(r"eyJ[\w-]+\.[\w-]+(?:\.[\w-]*)?|(?<=Bearer )\S+|(?<=key=)[^&\s'\"]+|(?<=//)[^\s/@]+(?=@)")


class Log:
    """One file, made with its first line; what cannot be written is left out, for it is no measurement."""

    def __init__(self, path: Path, secrets: Iterable[str]) -> None:
        self._path = path
        self._secrets = sorted({secret for secret in secrets if len(secret) > 3}, key=lambda each: (-len(each), each))
        self._lines = 0
        self._last = ""
        self._file: int | None = None

    def __enter__(self) -> Log:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._lines > _MOST_LINES:
            self._write(f"… and {self._lines - _MOST_LINES} lines more")
        if self._file is not None:
            os.close(self._file)

    def take(self, line: str) -> None:
        """A line that k6 printed."""
        shown = self.masked(line.rstrip())
        if not shown.strip():
            return
        self._last = shown
        self._lines += 1
        if self._lines <= _MOST_LINES:
            self._write(shown)

    @property
    def last_words(self) -> str:
        """The last line, shortened."""
        return self._last[:_LAST_WORDS]

    def masked(self, text: str) -> str:
        """The text without what nobody may read, and without control sequences."""
        text = "".join(character if character.isprintable() else " " for character in text[:_LONGEST_LINE])
        for secret in self._secrets:
            text = text.replace(secret, HIDDEN)
        return _SECRETS.sub(HIDDEN, text)

    def _write(self, line: str) -> None:
        try:
            if self._file is None:
                self._file = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
            os.write(self._file, f"{line}\n".encode("utf-8", "replace"))
        except OSError:
            pass  # a full disk is told of by whoever keeps what was measured
