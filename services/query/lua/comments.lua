-- comments.lua reads one page of a post's comments, all at one moment. live.lua
-- stands before it.
--
-- KEYS  [1] the document that says which generations there are  [2] the notices
-- ARGV  [1] the post  [2] the member of the order to go on from, "" for the
--       first  [3] how many  [4] "back" for the newest first, else the oldest
-- Returns {id of the last notice, post, {comment, …}}, or nil if the post is not
-- known.

local prefix = live()
local post = redis.call('GET', prefix .. 'post:' .. ARGV[1])
if not post then return false end
local order, found = prefix .. 'order:' .. ARGV[1], nil
local from = ARGV[2] ~= '' and '(' .. ARGV[2]
if ARGV[4] == 'back' then
  found = redis.call('ZRANGE', order, from or '+', '-', 'BYLEX', 'REV', 'LIMIT', 0, ARGV[3])
else
  found = redis.call('ZRANGE', order, from or '-', '+', 'BYLEX', 'LIMIT', 0, ARGV[3])
end
if #found == 0 then return { noticed(), post, {} } end
for i, m in ipairs(found) do found[i] = string.sub(m, string.find(m, ' ', 1, true) + 1) end
return { noticed(), post, redis.call('HMGET', prefix .. 'comments:' .. ARGV[1], unpack(found)) }
