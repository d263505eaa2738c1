"""What the peers print is read as they mean it; what is no result is refused."""

from __future__ import annotations

import json

import pytest

from benchmarks.engine.told import (
    Parser,
    Told,
    nearest_rank,
    of_samples,
    parse_autocannon,
    parse_h2load,
    parse_hey,
    parse_k6,
    parse_line,
)

HEY = """
Summary:
  Total:	1.8021 secs
  Slowest:	0.0396 secs
  Fastest:	0.0001 secs
  Average:	0.0029 secs
  Requests/sec:	21483.0000

Latency distribution:
  10% in 0.0010 secs
  50% in 0.0025 secs
  95% in 0.0060 secs
  99% in 0.0095 secs

Status code distribution:
  [202]	38700 responses
  [503]	12 responses

Error distribution:
  [3]	Post "http://127.0.0.1:9/": EOF
"""
H2LOAD = """
finished in 2.00s, 2998.00 req/s, 1.02MB/s
requests: 6010 total, 6004 started, 5996 done, 5990 succeeded, 6 failed, 6 errored, 0 timeout
status codes: 5990 2xx, 0 3xx, 0 4xx, 0 5xx
                     min         max         mean         sd        +/- sd
time for request:      105us     11.04ms       402us       310us    91.20%
time for connect:      200us      1.20ms       600us       100us    70.00%
"""
AUTOCANNON = {
    "requests": {"total": 5997, "sent": 6061},
    "latency": {"p50": 6, "p97_5": 20, "p99": 35, "max": 71},
    "errors": 1,
    "timeouts": 2,
    "non2xx": 3,
}
K6 = {
    "metrics": {
        "http_req_duration": {"values": {"med": 0.5, "p(95)": 5.0, "p(99)": 21.0, "max": 80.5}},
        "http_reqs": {"values": {"count": 5990, "rate": 2995.0}},
        "dropped_iterations": {"values": {"count": 10, "rate": 5.0}},
        "checks": {"values": {"passes": 5980, "fails": 10, "rate": 0.99}},
    }
}
#: As k6 2.2 exports it: the same figures one level higher, and no metric of what never happened.
EXPORTED = {"metrics": {name: K6["metrics"][name]["values"] for name in ("http_req_duration", "http_reqs")}}
LINE = Told(requests=7, p50_ms=1.5, dropped=0)


@pytest.mark.parametrize(
    ("parse", "output", "told"),
    [
        (parse_hey, HEY, Told(requests=38712, p50_ms=2.5, p95_ms=6.0, p99_ms=9.5, max_ms=39.6, failed=15)),
        (parse_h2load, H2LOAD, Told(requests=5996, max_ms=11.04, failed=6)),
        (parse_h2load, H2LOAD.replace("11.04ms", "1.50s"), Told(requests=5996, max_ms=1500.0, failed=6)),
        (
            parse_autocannon,
            "a warning\n" + json.dumps(AUTOCANNON),
            Told(requests=5997, p50_ms=6, p99_ms=35, max_ms=71, failed=6),
        ),
        (
            parse_k6,
            json.dumps(K6) + "\n",
            Told(requests=5990, p50_ms=0.5, p95_ms=5.0, p99_ms=21.0, max_ms=80.5, dropped=10, failed=10),
        ),
        (
            parse_k6,
            json.dumps(EXPORTED),
            Told(requests=5990, p50_ms=0.5, p95_ms=5.0, p99_ms=21.0, max_ms=80.5, dropped=0, failed=0),
        ),
        (parse_line, f"Running 2s test\n{LINE.line()}\nbye\n", LINE),
    ],
)
def test_a_peer_is_read_as_it_means_it(parse: Parser, output: str, told: Told) -> None:
    read = parse(output)
    assert read.requests == told.requests
    for figure in ("p50_ms", "p95_ms", "p99_ms", "max_ms", "lag_p99_ms"):
        assert getattr(read, figure) == pytest.approx(getattr(told, figure)), figure
    assert (read.dropped, read.failed) == (told.dropped, told.failed)


@pytest.mark.parametrize("parse", [parse_hey, parse_h2load, parse_autocannon, parse_k6, parse_line])
def test_no_figures_are_no_zeros(parse: Parser) -> None:
    with pytest.raises(ValueError, match="no figures in 'it broke'"):
        parse("it broke")


def test_percentiles_are_nearest_rank() -> None:
    ordered = [float(value) for value in range(1, 101)]
    assert [nearest_rank(ordered, percent) for percent in (50, 95, 99, 100)] == [50, 95, 99, 100]
    assert nearest_rank([7.0], 1) == 7.0
    assert nearest_rank([], 50) is None


def test_samples_are_put_in_order() -> None:
    told = of_samples([3.0, 1.0, 2.0], [0.5, 0.1], dropped=4, failed=5)
    assert told == Told(requests=3, p50_ms=2.0, p95_ms=3.0, p99_ms=3.0, max_ms=3.0, lag_p99_ms=0.5, dropped=4, failed=5)
