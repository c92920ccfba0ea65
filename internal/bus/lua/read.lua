-- read.lua reads what comes next on a stream, and what the server's clock says
-- at that moment: whatever is appended later has at least that many milliseconds.
--
-- KEYS  [1] stream
-- ARGV  [1] id after which to read  [2] most entries  [3] about how many bytes
-- Returns milliseconds since 1970, 1 if that is all that there is (else 0), and
-- {{id, {field, value, …}}, …}.
-- Errors: if the key is no stream.

local time = redis.call('TIME')
local after, most, bytes = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local entries, size, whole = {}, 0, 0
if after == '18446744073709551615-18446744073709551615' then
  most, whole = 0, 1 -- nothing can follow, and XRANGE refuses to look
end
while #entries < most and size < bytes do
  local want = math.min(16, most - #entries) -- few at a time, as each can be large
  local part = redis.call('XRANGE', KEYS[1], '(' .. after, '+', 'COUNT', want)
  for _, entry in ipairs(part) do
    entries[#entries + 1] = entry
    after = entry[1]
    for _, text in ipairs(entry[2]) do size = size + #text end
  end
  if #part < want then
    whole = 1
    break
  end
end
return { time[1] * 1000 + math.floor(time[2] / 1000), whole, entries }
