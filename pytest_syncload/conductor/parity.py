"""Reads the two documents of `parity:`, has them compared, and keeps what was found."""

from __future__ import annotations

from pathlib import Path

from pytest_syncload.conductor.run_folder import RunFolder
from pytest_syncload.facts.check import Check, Finding
from pytest_syncload.facts.errors import Refused
from pytest_syncload.facts.parity import Parity, ParityFound
from pytest_syncload.facts.plan import Spec
from pytest_syncload.parity import Document, compare, documents, read
from pytest_syncload.report.parity import accepted_in_words, unaccepted_in_words

_PARITY = "parity"


def parity_check(spec: Spec, parity: Parity, folder: RunFolder) -> Check:
    """Whether the environment is like the one that it stands for; what was found is kept in the run's folder."""
    where = f"{spec.file.name}:{parity.line}"
    try:
        found = compare(_read(parity.terraform), _read(parity.reference), parity)
        require_the_same_documents(folder.parity(), found)
    except Refused as error:
        return Check(name=_PARITY, finding=Finding.FAILED, says=f"{error} ({where})")
    folder.keep_parity(found)
    if found.unaccepted:
        return Check(name=_PARITY, finding=Finding.FAILED, says=unaccepted_in_words(found, where))
    finding = Finding.NOTE if found.stale else Finding.OK
    return Check(name=_PARITY, finding=finding, says=accepted_in_words(found, spec.file.name))


def require_the_same_documents(before: ParityFound | None, now: ParityFound) -> None:
    """Raise `Refused` where an earlier phase of this run was compared by other documents than this one."""
    if before is None:
        return
    for one, other in ((before.terraform, now.terraform), (before.reference, now.reference)):
        if one.digest != other.digest:
            raise Refused(
                f"{other.name} is another than an earlier phase of this run was compared by; run all phases again"
            )


def _read(path: str) -> Document:
    """The document. Raises `Refused` where there is none."""
    file = Path(path)
    try:
        with file.open("rb") as opened:
            content = opened.read(documents.MAX_BYTES + 1)
    except (OSError, ValueError) as error:  # a path may have a zero byte in it
        why = getattr(error, "strerror", None) or str(error)
        raise Refused(f"{file.name} cannot be read: {why}; run terraform show -json > {file.name}") from None
    return read(content, file.name)
