-- comments.lua reads one page of a post's comments, all at one moment. live.lua
-- stands before it.
--
-- KEYS  [1] the document that says which generations there are  [2] the notices
-- ARGV  [1] the post  [2] the member of approved to go on from, "" for the first
--       [3] how many approved ones, and how many others  [4] how many bytes of
--       documents may be read, the post and the first comment excepted
--       [5] "back" for the newest first, and then no others; else the oldest
-- Returns {id of the last notice, post, 1 if there are more approved ones, {approved
-- comment, …}, {other, …}}, or nil if the post is not known. The others, members of
-- their set, are the latest between the approved ones of this page and those of the
-- page before, on the last page to the end; the newest is first.

local prefix, schema = live()
local post = redis.call('GET', prefix .. 'post:' .. ARGV[1])
if not post then return false end
local limit, budget, back = tonumber(ARGV[3]), tonumber(ARGV[4]), ARGV[5] == 'back'
local from = ARGV[2] ~= '' and '(' .. ARGV[2] or nil

local members, others
if schema < 2 then
  members, others = legacy(prefix, ARGV[1], from, back, limit + 1)
elseif back then
  members = redis.call('ZRANGE', prefix .. 'approved:' .. ARGV[1], from or '+', '-', 'BYLEX', 'REV', 'LIMIT', 0, limit + 1)
else
  members = redis.call('ZRANGE', prefix .. 'approved:' .. ARGV[1], from or '-', '+', 'BYLEX', 'LIMIT', 0, limit + 1)
end
local more = 0
if #members > limit then
  more = 1
  members[#members] = nil
end
local comments, _, taken = texts(prefix, ARGV[1], members, budget)
if taken < #members then more = 1 end
if back then return { noticed(), post, more, comments, {} } end

local last = more == 1 and members[taken] or nil
local latest = {}
if schema < 2 then
  for i = #others, 1, -1 do
    if #latest < limit and (not last or others[i] < last) then latest[#latest + 1] = others[i] end
  end
else
  latest = redis.call('ZRANGE', prefix .. 'others:' .. ARGV[1], last and '(' .. last or '+', from or '-', 'BYLEX', 'REV', 'LIMIT', 0, limit)
end
return { noticed(), post, more, comments, latest }
