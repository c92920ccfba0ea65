-- redrive.lua moves a dead letter to the stream that its group reads again.
--
-- KEYS  [1] the group's dead letters (hash)  [2] their order (sorted set)
--       [3] the group's redrive stream
-- ARGV  [1] "<stream>/<id>"  [2…] fields and values of the new entry
-- Returns the new entry's id, or nil if there is no such letter.

redis.call('ZSCORE', KEYS[2], ARGV[1])
if redis.call('HEXISTS', KEYS[1], ARGV[1]) == 0 then return false end
local id = redis.call('XADD', KEYS[3], '*', unpack(ARGV, 2))
redis.call('HDEL', KEYS[1], ARGV[1])
redis.call('ZREM', KEYS[2], ARGV[1])
return id
