"""What is compared is data; the data must be whole."""

from __future__ import annotations

import re

from pytest_syncload.parity.scale import SCALES


def test_every_attribute_says_why_and_can_be_read() -> None:
    for type_, scale in SCALES.items():
        assert type_.startswith("aws_")
        assert bool(scale.attributes) != bool(scale.counted), type_
        paths = [attribute.path for attribute in scale.attributes]
        assert len(paths) == len({*paths})
        for attribute in scale.attributes:
            assert attribute.why
            assert re.fullmatch(r"\w+(?:\[\w+\]|\{\})?(?:\.\w+(?:\[\w+\]|\{\})?)*", attribute.path), attribute.path
            if attribute.scaled_by:
                assert scale.scaled_block_as if "[" in attribute.path else scale.scaled_as, attribute.path


def test_what_an_id_needs_is_read() -> None:
    assert SCALES["aws_ecs_service"].identity == ("name", "cluster")
    assert SCALES["aws_nat_gateway"].identity == ()
