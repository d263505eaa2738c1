-- The request of the benchmark, for wrk and wrk2: serialised once, then only the key changes.
local before, after
local count = 0

function init(_)
  wrk.method = "POST"
  wrk.body = os.getenv("BENCHMARK_BODY")
  wrk.headers["Idempotency-Key"] = "@KEY@"
  local whole = wrk.format()
  local from, to = string.find(whole, "@KEY@", 1, true)
  before = string.sub(whole, 1, from - 1) .. "bench-"
  after = string.sub(whole, to + 1)
end

function request()
  count = count + 1
  return before .. count .. after
end

function done(summary, latency, _)
  local errors = summary.errors
  io.write(string.format(
    '\n{"requests": %d, "p50_ms": %f, "p95_ms": %f, "p99_ms": %f, "max_ms": %f, "failed": %d}\n',
    summary.requests,
    latency:percentile(50) / 1000,
    latency:percentile(95) / 1000,
    latency:percentile(99) / 1000,
    latency.max / 1000,
    errors.connect + errors.read + errors.write + errors.status + errors.timeout
  ))
end
