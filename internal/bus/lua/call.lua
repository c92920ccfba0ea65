-- call.lua runs one command, for those that Redis refuses when it is full.
--
-- KEYS  [1] the key of the command
-- ARGV  the command and its arguments, the key among them
-- Returns what the command returns.
-- Errors: those of the command.

return redis.call(unpack(ARGV))
