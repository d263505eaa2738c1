// The benchmark's request by autocannon's programming interface: its command line cannot change a header a request.
const { readFileSync } = require('node:fs')
const autocannon = require(process.env.BENCHMARK_AUTOCANNON)

const job = JSON.parse(readFileSync(process.argv[2], 'utf8'))
let count = 0
const setupRequest = (request) => {
  request.headers[job.key_header] = `bench-${count++}`
  return request
}
const options = {
  url: job.url,
  connections: job.in_flight,
  duration: job.seconds,
  requests: [{ method: 'POST', path: '/v1/sync-jobs', headers: job.headers, body: job.body, setupRequest }]
}
if (job.rate_per_s) options.overallRate = job.rate_per_s
autocannon(options, (error, result) => {
  if (error) throw error
  console.log(JSON.stringify(result))
})
