-- load.lua makes wrk send what its arguments say, and print what came back as one
-- line of JSON.
--
-- Arguments: the method; a file with the body, or "-"; a file with one path a
-- line, which the requests take one after another, or "-" for the URL's own.

local function read(name)
  local f = assert(io.open(name, 'rb'))
  local text = f:read('*a')
  f:close()
  return text
end

function init(args)
  wrk.method = args[1]
  if args[2] ~= '-' then
    wrk.body = read(args[2])
    wrk.headers['Content-Type'] = 'application/json'
  end
  if args[3] == '-' then return end
  local requests = {}
  for path in read(args[3]):gmatch('[^\n]+') do requests[#requests + 1] = wrk.format(nil, path) end
  local last = 0
  request = function()
    last = last % #requests + 1
    return requests[last]
  end
end

function done(summary, latency)
  local e = summary.errors
  print(string.format('{"requests":%d,"micros":%d,"bad":%d,"p50":%d,"p99":%d}', summary.requests, summary.duration,
    e.connect + e.read + e.write + e.status + e.timeout, latency:percentile(50), latency:percentile(99)))
end
