-- retire.lua removes a consumer from a group if that loses nothing: deleting a
-- consumer drops its pending entries, so one that has any stays.
--
-- KEYS  [1] stream  [2] the consumer's sign of life
-- ARGV  [1] group  [2] consumer
-- Returns OK, NONE if there is no such consumer, or why it stays.

if redis.call('EXISTS', KEYS[2]) == 1 then return 'it shows a sign of life' end
local consumers = redis.call('XINFO', 'CONSUMERS', KEYS[1], ARGV[1])
for _, c in ipairs(consumers) do
  local info = {}
  for i = 1, #c, 2 do info[c[i]] = c[i + 1] end
  if info.name == ARGV[2] then
    if info.pending > 0 then return 'it has ' .. info.pending .. ' entries pending' end
    redis.call('XGROUP', 'DELCONSUMER', KEYS[1], ARGV[1], ARGV[2])
    return 'OK'
  end
end
return 'NONE'
