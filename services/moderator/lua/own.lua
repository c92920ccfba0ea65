-- own.lua lets one at a time own something for a while.
--
-- KEYS  [1] who owns it
-- ARGV  [1] "take" or "release"  [2] who  [3] milliseconds to own it from now on
-- Returns who owns it after that, "" for nobody.

local who = redis.call('GET', KEYS[1])
if who and who ~= ARGV[2] then return who end
if ARGV[1] == 'take' then
  redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
  return ARGV[2]
end
redis.call('DEL', KEYS[1])
return ''
