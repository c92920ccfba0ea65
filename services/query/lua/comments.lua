-- comments.lua reads one page of a post's comments, all at one moment.
--
-- KEYS  [1] the post  [2] its comments (hash)  [3] their order (sorted set)
-- ARGV  [1] the member of the order to go on from, "" for the oldest  [2] how many
-- Returns {post, {comment, …}}, or nil if the post is not known.

local post = redis.call('GET', KEYS[1])
if not post then return false end
local from = ARGV[1] == '' and '-' or '(' .. ARGV[1]
local found = redis.call('ZRANGE', KEYS[3], from, '+', 'BYLEX', 'LIMIT', 0, ARGV[2])
if #found == 0 then return { post, {} } end
for i, m in ipairs(found) do found[i] = string.sub(m, string.find(m, ' ', 1, true) + 1) end
return { post, redis.call('HMGET', KEYS[2], unpack(found)) }
