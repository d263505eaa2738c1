"""What an example's Terraform says, read as HCL: blocks by their address. Expressions stay text, as `${…}`."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hcl2
from hcl2.utils import SerializationOptions

_AS_MEANT = SerializationOptions(with_comments=False, explicit_blocks=False, strip_string_quotes=True)


@functools.cache
def blocks(example: Path, kind: str) -> dict[str, Any]:
    """All blocks of that kind, such as `resource`, by `type.name`, or by name where there is no type."""
    found: dict[str, Any] = {}
    for file in sorted((example / "terraform").glob("*.tf")):
        for block in _read(file.read_text("utf-8")).get(kind, []):
            for address, body in _addressed(block):
                assert address not in found, f"{address} is there twice"
                found[address] = body
    return found


def _addressed(block: Any) -> Iterator[tuple[str, Any]]:
    for first, inner in block.items():
        if all(isinstance(each, dict) for each in inner.values()) and inner:
            for second, body in inner.items():
                yield f"{first}.{second}", body
        else:
            yield first, inner


def encoded(expression: str) -> Any:
    """What `jsonencode` is given there."""
    inner = expression.removeprefix("${jsonencode(").removesuffix(")}")
    assert inner != expression, f"{expression} is no jsonencode"
    return _read(f"it = {inner}\n")["it"]


def statements(example: Path, policy: str) -> dict[str, Any]:
    """Those of a policy document by Sid, the dynamic ones too."""
    body = blocks(example, "data")[f"aws_iam_policy_document.{policy}"]
    plain = list(body["statement"]) if "statement" in body else []
    plain += [each["content"][0] for found in body.get("dynamic", []) for each in found.values()]
    return {each["sid"]: each for each in plain}


def actions(example: Path, policy: str) -> dict[str, set[str]]:
    """What each statement of a policy document allows."""
    return {sid: {*each["actions"]} for sid, each in statements(example, policy).items()}


def _read(text: str) -> Any:
    return hcl2.loads(text, serialization_options=_AS_MEANT)
