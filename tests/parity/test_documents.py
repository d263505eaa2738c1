"""Each kind of document is told from the others, and what cannot be compared says what to run instead."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_syncload.facts.errors import Refused
from pytest_syncload.parity import documents
from pytest_syncload.parity.documents import Kind, read
from tests.parity.made import DATA, SECRETS, document, written


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("terraform-state.json", Kind.STATE),
        ("terraform-plan.json", Kind.PLAN),
        ("production.json", Kind.STATE),
    ],
)
def test_what_terraform_show_writes_can_be_read(name: str, kind: Kind) -> None:
    found = read((DATA / name).read_bytes(), name)
    assert (found.kind, found.used.kind, found.used.name) == (kind, kind.value, name)
    assert len(found.used.digest) == 64


def test_an_empty_state_and_other_encodings_can_be_read() -> None:
    """The first is what Terraform 1.11.4 writes where nothing was applied yet; PowerShell's ``>`` writes UTF-16."""
    assert read(b'{"format_version":"1.0"}\n', "s.json").kind is Kind.STATE
    text = json.dumps(written("production.json"))
    for encoding in ("utf-8-sig", "utf-16"):
        assert read(text.encode(encoding), "s.json").value == json.loads(text)


@pytest.mark.parametrize(
    ("name", "says"),
    [
        (
            "terraform-events.jsonl",
            "is the stream of events that terraform plan -json or apply -json prints; save the plan",
        ),
        ("terraform-raw-state.json", "is the raw state, as terraform state pull gives it; run terraform show -json > "),
        ("terraform-output.json", "is JSON, and no document of terraform show -json; run terraform show -json > "),
        ("terraform-plan.txt", "is no JSON (line 2, column 1), perhaps terraform show without -json; run"),
    ],
)
def test_what_else_terraform_writes_is_recognised(name: str, says: str) -> None:
    with pytest.raises(Refused) as refused:
        read((DATA / name).read_bytes(), name)
    assert str(refused.value).startswith(f"{name} {says}")


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b" \n", "is empty"),
        (b"PK\x03\x04rest", "is a saved plan itself, which only Terraform reads"),
        (b'{"@level":"info","type":"version"}', "is an event that terraform plan -json"),
        (b"[]", "is JSON, and no document of terraform show -json"),
        (b'{"version": 4, "serial": 1}', "is the raw state"),
        (b'{"format_version": "1.0", "valid": true}', "is JSON, and no document of terraform show -json"),
        (b'{"format_version": "2.0", "values": {}}', "has another format_version than 1.x"),
        (b'{"values": {}}', "has another format_version than 1.x"),
        (b'{"format_version": "1.2", "planned_values": {}, "errored": true}', "is a plan that ended with an error"),
        (b'{"format_version": "1.2", "planned_values": {}, "complete": false}', "is a plan of a part"),
        (b'{"format_version": "1.0", "values": NaN}', "is no JSON that can be read"),
        (b"\xff\xff\xff", "is no JSON that can be read"),
        (b"[" * 100_000, "is no JSON that can be read"),
        (b'{"secret": hunter22}', "is no JSON (line 1, column 12)"),
    ],
)
def test_what_is_something_else_is_refused(content: bytes, says: str) -> None:
    with pytest.raises(Refused) as refused:
        read(content, "x.json")
    assert str(refused.value).startswith(f"x.json {says}")
    assert "hunter22" not in str(refused.value)
    assert refused.value.__cause__ is None


def test_what_is_too_large_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(documents, "MAX_BYTES", 1 << 20)
    with pytest.raises(Refused, match="is larger than 1 MiB"):
        read(b" " * (1 << 20) + b"{", "x.json")


def test_a_document_shows_nothing_of_itself() -> None:
    shown = repr(document(written("load-testing.json")))
    assert shown == "Document(state, load-testing.json)"


_JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner)
        | st.dictionaries(
            st.sampled_from(
                ["format_version", "values", "planned_values", "version", "serial", "lineage", "@level", "type"]
            ),
            inner,
        )
    ),
    max_leaves=8,
)


def outcome(content: bytes) -> str:
    try:
        return repr(read(content, "x.json"))
    except Refused as error:
        return str(error)


@given(value=_JSON, cut=st.integers(0, 40))
def test_whatever_a_file_holds_it_is_read_or_refused(value: Any, cut: int) -> None:
    content = json.dumps({"secret": SECRETS[0], "it": value}).encode()
    for each in (content, json.dumps(value).encode(), content[:-cut]):
        assert SECRETS[0] not in outcome(each)
