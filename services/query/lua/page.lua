-- page.lua reads posts with their latest comments, all at one moment. live.lua
-- stands before it.
--
-- KEYS  [1] the document that says which generations there are  [2] the notices
-- ARGV  [1] the member of the feed to go on from, "" for the newest
--       [2] how many posts  [3] how many approved comments of each, and how many
--       others  [4] how many bytes of documents may be read, the first post's
--       excepted  [5…] if given: the ids of the posts to read instead of the feed
-- Returns {id of the last notice, how many of the posts it has come by, of how many,
-- {…}}, in the fourth per post {id, post, how many comments are approved, {approved
-- comment, …}, {other, …}}, the newest post first and its comments newest first; a
-- post that is not known is left out. Others are members of their set. Where there
-- are as many approved ones as asked for, no other is older than the oldest of them.

local prefix, schema = live()
local wanted, shown, budget = tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local found
if ARGV[5] then
  found, wanted = {}, #ARGV
  for i = 5, #ARGV do found[i - 4] = '- ' .. ARGV[i] end
else
  local from = ARGV[1] == '' and '+' or '(' .. ARGV[1]
  found = redis.call('ZRANGE', prefix .. 'feed', from, '-', 'BYLEX', 'REV', 'LIMIT', 0, wanted + 1)
end

local function latest(post)
  if shown == 0 then return {}, {} end
  if schema < 2 then
    local approved, others = legacy(prefix, post, nil, true, shown)
    for i = #others, shown + 1, -1 do others[i] = nil end
    return approved, others
  end
  local approved = redis.call('ZRANGE', prefix .. 'approved:' .. post, '+', '-', 'BYLEX', 'REV', 'LIMIT', 0, shown)
  local oldest = #approved == shown and '(' .. approved[shown] or '-'
  return approved, redis.call('ZRANGE', prefix .. 'others:' .. post, '+', oldest, 'BYLEX', 'REV', 'LIMIT', 0, shown)
end

local posts, bytes, done = {}, 0, 0
for i, member in ipairs(found) do
  if i > wanted then break end
  local id = idOf(member)
  local post = id and redis.call('GET', prefix .. 'post:' .. id)
  if post then
    local approved, others = latest(id)
    local comments, size = texts(prefix, id, approved, math.max(0, budget - #post))
    bytes = bytes + #post + size
    if bytes > budget and #posts > 0 then break end
    posts[#posts + 1] = { id, post, counted(prefix, schema, id), comments, others }
  end
  done = i
end
return { noticed(), done, #found, posts }
