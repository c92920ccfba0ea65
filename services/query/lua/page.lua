-- page.lua reads posts with their latest comments, all at one moment.
--
-- KEYS  [1] the feed
-- ARGV  [1] the prefix of the view's keys
--       [2] the member of the feed to go on from, "" for the newest
--       [3] how many posts  [4] how many comments of each
--       [5…] if given: the ids of the posts to read instead of the feed
-- Returns per post {id, post, how many comments are approved, {comment, …}}, the
-- newest post first and its comments oldest first; a post that is not known or
-- not shown is left out.

local prefix = ARGV[1]
local found
if ARGV[5] then
  found = {}
  for i = 5, #ARGV do found[i - 4] = ' ' .. ARGV[i] end
else
  local from = ARGV[2] == '' and '+' or '(' .. ARGV[2]
  found = redis.call('ZRANGE', KEYS[1], from, '-', 'BYLEX', 'REV', 'LIMIT', 0, ARGV[3])
end

local posts = {}
for _, member in ipairs(found) do
  local id = string.sub(member, string.find(member, ' ', 1, true) + 1)
  local post = redis.call('GET', prefix .. 'post:' .. id)
  if post then
    local latest = redis.call('ZRANGE', prefix .. 'order:' .. id, -tonumber(ARGV[4]), -1)
    local comments = {}
    if #latest > 0 then
      for i, m in ipairs(latest) do latest[i] = string.sub(m, string.find(m, ' ', 1, true) + 1) end
      comments = redis.call('HMGET', prefix .. 'comments:' .. id, unpack(latest))
    end
    posts[#posts + 1] = { id, post, redis.call('SCARD', prefix .. 'approved:' .. id), comments }
  end
end
return posts
