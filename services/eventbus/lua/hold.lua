-- hold.lua makes one replica the holder of a subscriber, or keeps it that.
--
-- KEYS  [1] holder
-- ARGV  [1] the replica  [2] for how many milliseconds; 0 gives it up
-- Returns 1 if the replica is the holder now, else 0.

local holder = redis.call('GET', KEYS[1])
if holder and holder ~= ARGV[1] then return 0 end
if ARGV[2] == '0' then
  redis.call('DEL', KEYS[1])
  return 0
end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
