"""Rows of a file with their lines, and every bad line with its own."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_syncload.spec import feeder_files
from pytest_syncload.spec.feeder_files import content, table


def test_a_csv_file_has_text_by_the_names_of_its_first_line() -> None:
    found = table(b'\xef\xbb\xbfid,first name\r\n1,Ann\r\n\r\n2,"a ""b""\n, c"\r\n3,\r\n', is_csv=True)
    assert found.rows == [
        {"id": "1", "first name": "Ann"},
        {"id": "2", "first name": 'a "b"\n, c'},
        {"id": "3", "first name": ""},
    ]
    assert found.lines == [2, 4, 6]
    assert found.problems == []


def test_json_lines_keep_their_types() -> None:
    found = table(b'{"n": 1}\n\n"text"\r\n[1, null]\n"\xe2\x80\xa8"', is_csv=False)
    assert found.rows == [{"n": 1}, "text", [1, None], "\u2028"]
    assert found.lines == [1, 3, 4, 5]
    assert found.problems == []


@pytest.mark.parametrize(
    ("written", "is_csv", "problems"),
    [
        (b"", True, [(1, "has no row; add one")]),
        (b"id\n", True, [(1, "has no row; add one")]),
        (b"\n\n", False, [(1, "has no row; add one")]),
        (b"id,n\n1,2\n3\n4,5,6\n", True, [(3, "has 1 values where line 1 names 2 fields"), (4, "has 3 values")]),
        (b'id\n"a\n', True, [(2, "is no CSV: unexpected end of data")]),
        (b'id\na\n"b"c\n', True, [(3, "is no CSV: ")]),
        (b"id,id\n1,2\n", True, [(1, "names 'id' twice")]),
        (b"id,\n1,2\n", True, [(1, "names a field that is empty")]),
        (b"id, n\n1,2\n", True, [(1, "or has space around it")]),
        (b"id\n\xff\n", True, [(2, "is not UTF-8 text")]),
        (b'{"a": 1}\n{"a": }\n', False, [(2, "is no JSON: Expecting value at column 7")]),
        (b'{"a": NaN}\n', False, [(1, "is no JSON")]),
        (b"[" * 100_000, False, [(1, "is no JSON")]),
        (b"9" * 5000, False, [(1, "is no JSON")]),
        (b'"\\ud83d\\ude00"\n{"a": ["\\ud83d"]}\n', False, [(2, "holds half of a surrogate pair")]),
        (b'{"\\udc00": 1}\n', False, [(1, "holds half of a surrogate pair")]),
    ],
)
def test_a_bad_line_is_told_with_its_number(written: bytes, is_csv: bool, problems: list[tuple[int, str]]) -> None:
    found = table(written, is_csv=is_csv)
    assert [line for line, _ in found.problems] == [line for line, _ in problems]
    assert all(what in said for (_, what), (_, said) in zip(problems, found.problems, strict=True))


def test_a_mistake_made_in_every_line_is_told_a_few_times() -> None:
    found = table(b"a,b\n" + b"1\n" * 100, is_csv=True)
    assert [line for line, _ in found.problems] == [2, 3, 4, 5, 6, 7]
    assert found.problems[-1][1] == "is wrong too, and so are 94 lines behind it"


def test_too_many_bytes_or_rows_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feeder_files, "MAX_BYTES", 1 << 20)
    path = tmp_path / "big.csv"
    path.write_bytes(b"a\n" + b"1\n" * (1 << 19))
    with pytest.raises(OSError, match="is larger than 1 MiB, and every generator holds all of it"):
        content(path)
    monkeypatch.setattr(feeder_files, "MAX_ROWS", 10)
    for is_csv in (True, False):
        found = table(b"1\n" * 12, is_csv=is_csv)
        assert [what for _, what in found.problems] == ["has more than 10 rows, and every generator holds all of them"]


CELLS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=6)


@given(st.lists(st.tuples(CELLS.filter(bool), CELLS), min_size=1))
def test_what_the_standard_library_writes_is_read(rows: list[tuple[str, str]]) -> None:
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(["a", "b"])
    writer.writerows(rows)
    found = table(text.getvalue().encode(), is_csv=True)
    assert found.problems == []
    assert found.rows == [{"a": one, "b": other} for one, other in rows]


@given(st.lists(st.dictionaries(st.text(), st.integers() | st.text() | st.none()), min_size=1), st.booleans())
def test_what_json_writes_is_read(rows: list[object], ascii_only: bool) -> None:
    text = "\n".join(json.dumps(row, ensure_ascii=ascii_only) for row in rows)
    found = table(text.encode("utf-8", "replace"), is_csv=False)
    assert found.problems == []
    assert len(found.rows) == len(rows)
    if ascii_only:
        assert found.rows == rows
