-- advance.lua writes down how far a subscriber has come, if the replica that says
-- so is still its holder. A place with a lower number than the present one is of
-- a command that was late, and changes nothing.
--
-- KEYS  [1] holder  [2] subscriber (hash)
-- ARGV  [1] the replica  [2] number of the place  [3] the place
-- Returns 1, or 0 if the replica is not the holder.

if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
if tonumber(redis.call('HGET', KEYS[2], 'number') or 0) < tonumber(ARGV[2]) then
  redis.call('HSET', KEYS[2], 'number', ARGV[2], 'place', ARGV[3])
end
return 1
