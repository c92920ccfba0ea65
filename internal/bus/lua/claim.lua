-- claim.lua makes entries pending under one consumer's name another's own.
--
-- XAUTOCLAIM cannot say whose entries it takes and goes by idle time alone,
-- which grows on a living consumer with a slow handler; so this script names
-- the owner, and checks its sign of life and its ownership in the same step.
--
-- KEYS  [1] stream  [2] the owner's sign of life
-- ARGV  [1] group  [2] claimer  [3] owner  [4…] ids
-- Returns {{id, deliveries, {field, value, …}}, …}, {lost id, …}: what was
-- claimed, its count of deliveries raised by this one, and what the stream no
-- longer has, which is acknowledged. Nothing of either if the owner lives, and
-- no entry that has another owner by now.

local stream, group, claimer, owner = KEYS[1], ARGV[1], ARGV[2], ARGV[3]
if owner ~= claimer and redis.call('EXISTS', KEYS[2]) == 1 then
  return { {}, {} }
end

local got, lost = {}, {}
for i = 4, #ARGV do
  local id = ARGV[i]
  local pending = redis.call('XPENDING', stream, group, id, id, 1)[1]
  if pending and pending[2] == owner then
    local entry = redis.call('XRANGE', stream, id, id)[1]
    if entry then
      redis.call('XCLAIM', stream, group, claimer, 0, id)
      got[#got + 1] = { id, pending[4] + 1, entry[2] }
    else
      redis.call('XACK', stream, group, id)
      lost[#lost + 1] = id
    end
  end
end
return { got, lost }
