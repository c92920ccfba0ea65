-- look.lua reads comments by their ids, each post's at one moment. live.lua
-- stands before it.
--
-- KEYS  [1] the document that says which generations there are
-- ARGV  per post: its id, how many comments, and their ids
-- Returns per post {post, how many of its comments are approved, {comment, …}},
-- with nil for a post or comment that is not known. The text and the name of a
-- comment that is not approved are left out.

local prefix, schema = live()

local function public(value)
  if not value then return value end
  local c = cjson.decode(value)
  if c.status and c.status.v == 'approved' then return value end
  if c.content then c.content.v = '' end
  if c.author then c.author.v = '' end
  return cjson.encode(c)
end

local posts = {}
local a = 1
while ARGV[a] do
  local id, n = ARGV[a], tonumber(ARGV[a + 1])
  local comments = n == 0 and {} or redis.call('HMGET', prefix .. 'comments:' .. id, unpack(ARGV, a + 2, a + 1 + n))
  for i, value in ipairs(comments) do comments[i] = public(value) end
  posts[#posts + 1] = { redis.call('GET', prefix .. 'post:' .. id), counted(prefix, schema, id), comments }
  a = a + 2 + n
end
return posts
