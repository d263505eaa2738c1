// The benchmark's request by k6: a closed loop of as many users, or its open executor.
import http from 'k6/http'
import { check } from 'k6'

const job = JSON.parse(open(__ENV.BENCHMARK_JOB))
const duration = `${job.seconds}s`

export const options = {
  scenarios: {
    only: job.rate_per_s
      ? {
          executor: 'constant-arrival-rate',
          rate: job.rate_per_s,
          timeUnit: '1s',
          duration,
          preAllocatedVUs: job.in_flight,
          maxVUs: 1000
        }
      : { executor: 'constant-vus', vus: job.in_flight, duration }
  },
  insecureSkipTLSVerify: true,
  summaryTrendStats: ['med', 'p(95)', 'p(99)', 'max']
}

export default function () {
  const headers = Object.assign({}, job.headers, { [job.key_header]: `bench-${__VU}-${__ITER}` })
  const response = http.post(`${job.url}/v1/sync-jobs`, job.body, { headers })
  check(response, { accepted: (it) => it.status === 202 && it.json('job_id') !== undefined })
}

export function handleSummary (data) {
  return { stdout: JSON.stringify({ metrics: data.metrics }) + '\n' }
}
