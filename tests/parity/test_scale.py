"""What is compared is data; the data must be whole."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_syncload.parity import compare, read
from pytest_syncload.parity.scale import SCALES
from tests.parity.made import document, every, found, parity, told


def test_every_attribute_says_why_and_can_be_read() -> None:
    for type_, scale in SCALES.items():
        assert type_.startswith("aws_")
        assert bool(scale.attributes) != bool(scale.counted), type_
        paths = [attribute.path for attribute in scale.attributes]
        assert len(paths) == len({*paths})
        for attribute in scale.attributes:
            assert attribute.why
            assert re.fullmatch(r"\w+(?:\{\})?(?:\[\w+\])?(?:\.\w+(?:\{\})?(?:\[\w+\])?)*", attribute.path), (
                attribute.path
            )
            if attribute.scaled_by:
                assert scale.scaled_block_as if "[" in attribute.path else scale.scaled_as, attribute.path


def test_what_an_id_needs_is_read() -> None:
    assert SCALES["aws_ecs_service"].identity == ("name", "cluster")
    assert SCALES["aws_nat_gateway"].identity == ()


def values_at(path: str, value: Any) -> Any:
    """The values of a resource that has this value at this path, laid out as the AWS provider lays blocks out."""
    for step in reversed(path.split(".")):
        name, text, key = re.fullmatch(r"(\w+)(\{\})?(?:\[(\w+)\])?", step).groups()  # type: ignore[union-attr]
        if key is not None:
            value = [{key: "other"}, {key: "one"} | value]
        if text:
            value = json.dumps(value)
        elif key is None and isinstance(value, dict):
            value = [value]
        value = {name: value}
    return value


#: Those that have a value; which blocks there are is read too.
ATTRIBUTES = [
    (type_, attribute.path)
    for type_, scale in SCALES.items()
    for attribute in scale.attributes
    if not attribute.path.endswith("]")
]


@pytest.mark.parametrize(("type_", "path"), ATTRIBUTES, ids=lambda each: each)
def test_every_attribute_is_read_where_its_path_says(type_: str, path: str) -> None:
    def put(value: int) -> Any:
        resource = {
            "address": f"{type_}.own",
            "type": type_,
            "values": {"name": "own"} | values_at(path, value),
            "sensitive_values": {},
        }
        return lambda document: every(document)[0].append(resource)

    label = re.sub(r"\[\w+\]", "[one]", path).replace("{}", "")
    assert told(found(put(7), put(8))) == [(f"{type_}.own", label, "7", "8")]
    assert told(found(put(7), put(7))) == []


SCALAR = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=9)
)
VALUES = st.dictionaries(st.sampled_from(ATTRIBUTES), SCALAR | st.lists(st.text(max_size=3), max_size=3), min_size=1)


@given(VALUES, st.randoms())
def test_a_document_that_is_only_written_otherwise_has_no_difference(values: Any, random: Any) -> None:
    resources = [
        {"address": f"{type_}.r{number}", "type": type_, "values": values_at(path, value)}
        for number, ((type_, path), value) in enumerate(values.items())
    ]
    one = {"format_version": "1.0", "values": {"root_module": {"resources": resources}}}
    moved = random.sample(resources, len(resources))
    below = [{"resources": moved[1:]}]
    other = {"format_version": "1.0", "values": {"root_module": {"resources": moved[:1], "child_modules": below}}}
    same = compare(document(one), read(json.dumps(other, indent=1).encode(), "other.json"), parity())
    assert (same.differences, same.noted, same.compared) == ((), (), len(resources))
