-- look.lua reads comments by their ids, each post's at one moment. live.lua
-- stands before it.
--
-- KEYS  [1] the document that says which generations there are
-- ARGV  per post: its id, how many comments, and their ids
-- Returns per post {post, how many of its comments are approved, {comment, …}},
-- with nil for a post or comment that is not known.

local prefix = live()
local posts = {}
local a = 1
while ARGV[a] do
  local id, n = ARGV[a], tonumber(ARGV[a + 1])
  posts[#posts + 1] = {
    redis.call('GET', prefix .. 'post:' .. id),
    redis.call('SCARD', prefix .. 'approved:' .. id),
    n == 0 and {} or redis.call('HMGET', prefix .. 'comments:' .. id, unpack(ARGV, a + 2, a + 1 + n)),
  }
  a = a + 2 + n
end
return posts
