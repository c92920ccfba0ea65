-- drop.lua forgets a dead letter. It needs no memory, where a transaction (MULTI) is
-- refused by a Redis that is full.
--
-- KEYS  [1] the group's dead letters (hash)  [2] their order in time (sorted set)
-- ARGV  [1] "<stream>/<id>"
-- Returns 1 if it was there, else 0.

redis.call('ZSCORE', KEYS[2], ARGV[1]) -- fails here, before any write, if a key is of another type
local dropped = redis.call('HDEL', KEYS[1], ARGV[1])
redis.call('ZREM', KEYS[2], ARGV[1])
return dropped
