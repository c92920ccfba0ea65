-- bury.lua adds a dead letter, once however often it is called.
--
-- KEYS  [1] the group's dead letters (hash)  [2] their order in time (sorted set)
-- ARGV  [1] "<stream>/<id>"  [2] the letter as JSON  [3] milliseconds since 1970
-- Returns 1 if it was added, 0 if it was there.

redis.call('ZSCORE', KEYS[2], ARGV[1]) -- fails here, before any write, if a key is of another type
local added = redis.call('HSETNX', KEYS[1], ARGV[1], ARGV[2])
redis.call('ZADD', KEYS[2], 'NX', ARGV[3], ARGV[1])
return added
