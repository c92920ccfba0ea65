-- room.lua tells whether the dead letters of a subscriber have room for one more.
--
-- KEYS  [1] its dead letters (hash)
-- ARGV  [1] "<stream>/<id>"  [2] most letters  [3] most bytes  [4] bytes of this one
-- Returns 1 if there is room, or if it is there already, else 0.

local fields = redis.call('HKEYS', KEYS[1])
if redis.call('HEXISTS', KEYS[1], ARGV[1]) == 1 then return 1 end
if #fields >= tonumber(ARGV[2]) then return 0 end
local size = tonumber(ARGV[4])
for _, field in ipairs(fields) do size = size + redis.call('HSTRLEN', KEYS[1], field) end
if #fields > 0 and size > tonumber(ARGV[3]) then return 0 end
return 1
