"""Lines as k6 prints them, and what the recorded run of a real k6 is."""

from __future__ import annotations

import gzip
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

DATA = Path(__file__).with_name("data")
#: A whole second on the wall; the phases of these tests begin here.
START = datetime(2026, 11, 23, 17, 15, 14, tzinfo=UTC).timestamp()


def recorded() -> list[bytes]:
    """What `k6 run --out json` (v2.2) printed for 209 requests: 10 to 40/s in two seconds, 40/s for four."""
    return gzip.decompress((DATA / "recorded.ndjson.gz").read_bytes()).splitlines(keepends=True)


def point(metric: str, at_s: float, value: float, **tags: str) -> bytes:
    """A point at so many seconds from `START`."""
    moment = datetime.fromtimestamp(START + at_s, UTC).isoformat().replace("+00:00", "Z")
    data: dict[str, Any] = {"time": moment, "value": value, "tags": tags or None}
    return json.dumps({"metric": metric, "type": "Point", "data": data}, separators=(",", ":")).encode() + b"\n"


def request(sent_s: float, took_ms: float = 20.0, status: int = 202, error_code: int = 0, **tags: str) -> bytes:
    """The one point of a request that is read; ``tags`` are the script's."""
    code = {"error_code": str(error_code)} if error_code else {}
    return point("http_req_duration", sent_s + took_ms / 1000, took_ms, status=str(status), **code, **tags)


def drop(at_s: float) -> bytes:
    """An iteration that found no virtual user."""
    return point("dropped_iterations", at_s, 1, scenario="load")
