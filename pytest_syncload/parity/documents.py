"""Which kind of Terraform document a file is. Only the two of ``terraform show -json`` can be compared.

The forms are those of Terraform's "JSON Output Format" (format_version 1.x; 0.x of Terraform before 1.1 is laid out the
same for what is read here), looked at with Terraform 1.11.4. No message shows anything that stands in a file.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from pytest_syncload.facts.errors import Refused
from pytest_syncload.facts.parity import DocumentUsed

#: A state of thousands of resources has some ten MiB.
MAX_BYTES = 128 << 20
#: The first bytes of a zip, which is what `terraform plan -out` writes.
_ZIP = b"PK\x03\x04"
_MAJORS = ("0", "1")


class Kind(StrEnum):
    """What can be compared."""

    STATE = "state"
    PLAN = "plan"


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A document that can be compared. ``value`` is all of it, secrets included: it is not to be shown or kept."""

    kind: Kind
    value: Mapping[str, Any]
    used: DocumentUsed

    def __repr__(self) -> str:
        return f"Document({self.kind}, {self.used.name})"


def read(content: bytes, name: str) -> Document:
    """The document in a file of this ``name``. Raises `Refused`, which says what the file is and what to run."""
    value = _parsed(content, name)
    if "planned_values" in value:
        kind = Kind.PLAN
    elif "values" in value or value.keys() == {"format_version"}:  # the latter is what an empty state has
        kind = Kind.STATE
    elif "lineage" in value or ("version" in value and "serial" in value):
        raise Refused(f"{name} is the raw state, as terraform state pull gives it; {_instead(name)}")
    else:
        raise Refused(f"{name} is JSON, and no document of terraform show -json; {_instead(name)}")
    require_known_format(value, name)
    if kind is Kind.PLAN:
        require_whole_plan(value, name)
    digest = hashlib.sha256(content).hexdigest()
    return Document(kind=kind, value=value, used=DocumentUsed(name=name, digest=digest, kind=kind.value))


def require_known_format(value: Mapping[str, Any], name: str) -> None:
    """Raise `Refused` where the layout may be another: Terraform asks readers to refuse other major versions."""
    version = value.get("format_version")
    if not isinstance(version, str) or version.partition(".")[0] not in _MAJORS:
        raise Refused(f"{name} has another format_version than 1.x, so it cannot be read; write it with Terraform 1.x")


def require_whole_plan(value: Mapping[str, Any], name: str) -> None:
    """Raise `Refused` where Terraform says that planning ended with an error, or was of a part: some is missing."""
    if value.get("errored") is True:
        raise Refused(f"{name} is a plan that ended with an error, so not all is in it; mend that and plan again")
    if value.get("complete") is False:
        raise Refused(f"{name} is a plan of a part, as -target makes it; plan all of it")


def _parsed(content: bytes, name: str) -> Mapping[str, Any]:
    if len(content) > MAX_BYTES:
        raise Refused(f"{name} is larger than {MAX_BYTES >> 20} MiB; is it a document of terraform show -json?")
    if not content.strip():
        raise Refused(f"{name} is empty; {_instead(name)}, and look whether that ended with an error")
    if content.startswith(_ZIP):
        raise Refused(f"{name} is a saved plan itself, which only Terraform reads; {_instead(name, 'the saved plan')}")
    try:
        value = json.loads(content, parse_constant=_no_number)  # UTF-16 too, as PowerShell writes it
    except json.JSONDecodeError as error:
        if _begins_with_events(content):
            what = f"{name} is the stream of events that terraform plan -json or apply -json prints"
            raise Refused(f"{what}; save the plan (terraform plan -out=FILE), then {_instead(name, 'FILE')}") from None
        where = f"line {error.lineno}, column {error.colno}"
        raise Refused(f"{name} is no JSON ({where}), perhaps terraform show without -json; {_instead(name)}") from None
    except (ValueError, RecursionError):
        # Bytes that are no text, NaN, a number too long, or nested too deeply; the error would quote what stands there.
        raise Refused(f"{name} is no JSON that can be read; {_instead(name)}") from None
    if not isinstance(value, dict):
        raise Refused(f"{name} is JSON, and no document of terraform show -json; {_instead(name)}")
    if _is_event(value):
        raise Refused(f"{name} is an event that terraform plan -json or apply -json prints; {_instead(name)}")
    return value


def _begins_with_events(content: bytes) -> bool:
    try:
        return _is_event(json.loads(content.lstrip().partition(b"\n")[0]))
    except (ValueError, RecursionError):
        return False


def _is_event(value: Any) -> bool:
    return isinstance(value, dict) and "@level" in value and "type" in value


def _instead(name: str, plan: str = "") -> str:
    of = f" {plan}" if plan else ""
    return f"run terraform show -json{of} > {name}"


def _no_number(_: str) -> None:
    """NaN and the infinities are no JSON (RFC 8259, section 6)."""
    raise ValueError
