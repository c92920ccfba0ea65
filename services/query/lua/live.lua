-- live.lua begins every script that reads the view. live() returns how the keys
-- of the generation begin that is read now, which is registered in KEYS[1], and
-- its schema version; so what one script reads is all of one generation. noticed()
-- returns the id of the last notice of a change, in the stream KEYS[2]: what the
-- script reads has that change and all before it, and none after it.

local function live()
  local gens = redis.call('GET', KEYS[1])
  if not gens then return '{query}:1:', 1 end
  local g = cjson.decode(gens).live
  return '{query}:' .. string.format('%d', g.gen) .. ':', g.schema
end

local function noticed()
  local last = redis.call('XREVRANGE', KEYS[2], '+', '-', 'COUNT', 1)[1]
  return last and last[1] or '0-0'
end

-- The comments of a post are in two ordered sets. A member of approved is "time id".
-- A member of others is "time id status version", all that is shown of a comment
-- that is not approved: its text need not be read. A generation of schema 1 has one
-- order for all and an unordered set of approved ids; until it is rebuilt, what the
-- two would hold is made of it for each answer.

local function idOf(member)
  return (string.match(member, '^%S+ (%S+)'))
end

-- counted returns how many comments of a post are approved.
local function counted(prefix, schema, post)
  return redis.call(schema < 2 and 'SCARD' or 'ZCARD', prefix .. 'approved:' .. post)
end

-- texts reads the documents of approved comments, at most budget bytes of them but
-- the first. It returns them, how many bytes they have, and of how many members.
local function texts(prefix, post, members, budget)
  local found, bytes, taken = {}, 0, 0
  local a = 1
  while a <= #members do
    local ids = {}
    for i = a, math.min(a + 9, #members) do ids[#ids + 1] = idOf(members[i]) end
    for _, value in ipairs(redis.call('HMGET', prefix .. 'comments:' .. post, unpack(ids))) do
      if value then
        if #found > 0 and bytes + #value > budget then return found, bytes, taken end
        bytes = bytes + #value
        found[#found + 1] = value
      end
      taken = taken + 1
    end
    a = a + 10
  end
  return found, bytes, taken
end

-- legacy returns the members of approved and of others that a page of a generation
-- of schema 1 has: of up to 1,000 comments, in one direction from a member, until
-- there are so many approved ones.
local function legacy(prefix, post, from, back, most)
  local order, approved, others = prefix .. 'order:' .. post, {}, {}
  local found
  if back then
    found = redis.call('ZRANGE', order, from or '+', '-', 'BYLEX', 'REV', 'LIMIT', 0, 1000)
  else
    found = redis.call('ZRANGE', order, from or '-', '+', 'BYLEX', 'LIMIT', 0, 1000)
  end
  for _, m in ipairs(found) do
    if #approved == most then break end
    local id = idOf(m)
    if redis.call('SISMEMBER', prefix .. 'approved:' .. post, id) == 1 then
      approved[#approved + 1] = m
    else
      local value = redis.call('HGET', prefix .. 'comments:' .. post, id)
      local c = value and cjson.decode(value)
      if c then
        others[#others + 1] = m .. ' ' .. (c.status and c.status.v or '') .. ' ' .. string.format('%d', c.version and c.version.v or 1)
      end
    end
  end
  return approved, others
end
