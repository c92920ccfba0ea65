-- lease.lua keeps a lease, or gives it back.
--
-- KEYS  [1] the lease
-- ARGV  [1] the token of who takes itself for its holder
--       [2] milliseconds from now until it ends; "0" gives it back
-- Returns 1, or 0 if it is not, or no longer, that holder's.

if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
if ARGV[2] == '0' then
  redis.call('DEL', KEYS[1])
else
  redis.call('PEXPIRE', KEYS[1], ARGV[2])
end
return 1
