-- page.lua reads posts with their latest comments, all at one moment. live.lua
-- stands before it.
--
-- KEYS  [1] the document that says which generations there are  [2] the notices
-- ARGV  [1] the member of the feed to go on from, "" for the newest
--       [2] how many posts  [3] how many comments of each
--       [4…] if given: the ids of the posts to read instead of the feed
-- Returns {id of the last notice, {…}}, in the second per post {id, post, how many
-- comments are approved, {comment, …}}, the newest post first and its comments
-- oldest first; a post that is not known or not shown is left out.

local prefix = live()
local found
if ARGV[4] then
  found = {}
  for i = 4, #ARGV do found[i - 3] = ' ' .. ARGV[i] end
else
  local from = ARGV[1] == '' and '+' or '(' .. ARGV[1]
  found = redis.call('ZRANGE', prefix .. 'feed', from, '-', 'BYLEX', 'REV', 'LIMIT', 0, ARGV[2])
end

local posts = {}
for _, member in ipairs(found) do
  local id = string.sub(member, (string.find(member, ' ', 1, true) or 0) + 1)
  local post = redis.call('GET', prefix .. 'post:' .. id)
  if post then
    local latest = redis.call('ZRANGE', prefix .. 'order:' .. id, -tonumber(ARGV[3]), -1)
    local comments = {}
    if #latest > 0 then
      for i, m in ipairs(latest) do latest[i] = string.sub(m, string.find(m, ' ', 1, true) + 1) end
      comments = redis.call('HMGET', prefix .. 'comments:' .. id, unpack(latest))
    end
    posts[#posts + 1] = { id, post, redis.call('SCARD', prefix .. 'approved:' .. id), comments }
  end
end
return { noticed(), posts }
