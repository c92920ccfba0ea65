-- look.lua reads comments by their ids, each post's at one moment.
--
-- KEYS  [1] the feed, which lies where the rest of the view does
-- ARGV  [1] the prefix of the view's keys
--       then per post: its id, how many comments, and their ids
-- Returns per post {post, how many of its comments are approved, {comment, …}},
-- with nil for a post or comment that is not known.

local prefix = ARGV[1]
local posts = {}
local a = 2
while ARGV[a] do
  local id, n = ARGV[a], tonumber(ARGV[a + 1])
  posts[#posts + 1] = {
    redis.call('GET', prefix .. 'post:' .. id),
    redis.call('SCARD', prefix .. 'approved:' .. id),
    redis.call('HMGET', prefix .. 'comments:' .. id, unpack(ARGV, a + 2, a + 1 + n)),
  }
  a = a + 2 + n
end
return posts
