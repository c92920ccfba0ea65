-- quota.lua takes from several quotas what one request costs, or from none of them.
--
-- Each quota is a bucket that fills up again at an even pace (GCRA, the generic
-- cell rate algorithm). A key holds the theoretical arrival time: when its bucket
-- will be full again, in seconds since 2017. It expires when it is.
--
-- KEYS  one per quota
-- ARGV  per quota: capacity, seconds per unit, cost; a cost above the capacity
--       counts as the capacity
-- Returns milliseconds until the request fits, 0 if it was admitted; then per quota
--       what is left in it, and milliseconds until it is full.
--
-- All keys are read before the first is written.

local time = redis.call('TIME')
local now = time[1] - 1483228800 + time[2] / 1000000
local retry, full, result = 0, {}, {}

for i, key in ipairs(KEYS) do
  local capacity, pace, cost = tonumber(ARGV[3 * i - 2]), tonumber(ARGV[3 * i - 1]), tonumber(ARGV[3 * i])
  local tat = math.max(tonumber(redis.call('GET', key)) or now, now)
  local after = tat + pace * math.min(cost, capacity)
  retry = math.max(retry, after - pace * capacity - now)
  full[i] = { tat, after, pace, capacity }
end

local admitted = retry < 0.000001 -- rounding
result[1] = admitted and 0 or math.ceil(retry * 1000)
for i, key in ipairs(KEYS) do
  local tat, after, pace, capacity = unpack(full[i])
  if admitted then
    if after > tat then
      redis.call('SET', key, string.format('%.6f', after), 'EX', math.ceil(after - now))
    end
    tat = after
  end
  result[2 * i] = math.floor(capacity - (tat - now) / pace + 0.000001)
  result[2 * i + 1] = math.ceil((tat - now) * 1000)
end
return result
