-- commit.lua writes documents, their indexes and their events as one.
--
-- One call carries one or more changes of the same slot, each on its own: what
-- one change meets does not touch the others. Of one change everything is
-- checked before anything is written, and the first write is the one that
-- Redis refuses when it is full or read-only, so that a change is done whole
-- or not at all.
--
-- A document is a string, or a field of a hash. Its value is JSON, preceded by
-- a line "@<event id> <entry id>" if its last change had an event: that line
-- is how a repetition is recognised.
--
-- KEYS  per change: the document's key, the stream's if there is an event,
--       then the keys of the indexes and of the guards, in their order.
-- ARGV  [1] the number of changes; then per change:
--       field      of the hash, "" for a string
--       want       SHA-1 of the value that was read, "" for none
--       doc        the new JSON
--       ttl        milliseconds after which the document goes, 0 for never
--       event      the event's id, "" for none
--       entry      the id of the event's entry if that stands already, else ""
--       n, …       the fields and values of the entry to append; 0 for none
--       n, …       of the indexes: verb (ZADD ZREM SADD SREM) and member
--       n, …       of the guards: "in" or "out" and member
-- Returns per change an array:
--       OK, entry id                 written
--       AGAIN, entry id              had been written by the same event
--       CONFLICT, value or ""        the document is not as it was read
--       GUARD, number                that guard does not hold
--       ERROR, message               a key of another type, or a bad argument

local types = {}

local function hasType(key, want)
  local t = types[key]
  if not t or t == 'none' then
    t = redis.call('TYPE', key).ok
    types[key] = t
  end
  return t == want or t == 'none'
end

local verbs = { ZADD = 'zset', ZREM = 'zset', SADD = 'set', SREM = 'set' }

local k, a = 0, 1
local function key() k = k + 1; return KEYS[k] end
local function arg() a = a + 1; return ARGV[a] end

-- read takes the next change off KEYS and ARGV. Step by step, because Lua
-- leaves the order inside a table constructor open.
local function read()
  local c = { indexes = {}, guards = {} }
  c.key = key()
  c.field = arg()
  c.want = arg()
  c.doc = arg()
  c.ttl = arg()
  c.event = arg()
  c.entry = arg()
  local n = tonumber(arg())
  if n > 0 then
    c.stream = key()
    c.first = a + 1
    a = a + n
    c.last = a
  end
  for i = 1, tonumber(arg()) do
    local index = { key = key() }
    index.verb = arg()
    index.member = arg()
    c.indexes[i] = index
  end
  for i = 1, tonumber(arg()) do
    local guard = { key = key() }
    guard.want = arg()
    guard.member = arg()
    c.guards[i] = guard
  end
  return c
end

local function check(c)
  local now
  if c.field == '' then now = redis.pcall('GET', c.key) else now = redis.pcall('HGET', c.key, c.field) end
  if type(now) == 'table' then return { 'ERROR', 'document ' .. c.key .. ': ' .. now.err } end
  if now and c.event ~= '' and string.sub(now, 1, #c.event + 2) == '@' .. c.event .. ' ' then
    return { 'AGAIN', string.match(now, '^[^\n]* (%S+)\n') }
  end
  if (now and redis.sha1hex(now) or '') ~= c.want then
    return { 'CONFLICT', now or '' }
  end
  if c.stream and not hasType(c.stream, 'stream') then
    return { 'ERROR', 'stream ' .. c.stream .. ' is of another type' }
  end
  for _, index in ipairs(c.indexes) do
    if not verbs[index.verb] then return { 'ERROR', 'no index verb ' .. index.verb } end
    if not hasType(index.key, verbs[index.verb]) then
      return { 'ERROR', 'index ' .. index.key .. ' is of another type' }
    end
  end
  for i, guard in ipairs(c.guards) do
    if not hasType(guard.key, 'set') then return { 'ERROR', 'guard ' .. guard.key .. ' is of another type' } end
    local there = redis.call('SISMEMBER', guard.key, guard.member) == 1
    if there ~= (guard.want == 'in') then return { 'GUARD', i } end
  end
end

local function write(c)
  local entry = c.entry
  if c.stream then
    entry = redis.call('XADD', c.stream, '*', unpack(ARGV, c.first, c.last))
    types[c.stream] = 'stream'
  end
  local value = c.doc
  if c.event ~= '' then value = '@' .. c.event .. ' ' .. entry .. '\n' .. value end
  if c.field ~= '' then
    redis.call('HSET', c.key, c.field, value)
  elseif c.ttl ~= '0' then
    redis.call('SET', c.key, value, 'PX', c.ttl)
  else
    redis.call('SET', c.key, value)
  end
  for _, index in ipairs(c.indexes) do
    if index.verb == 'ZADD' then
      redis.call('ZADD', index.key, 0, index.member)
    else
      redis.call(index.verb, index.key, index.member)
    end
    types[index.key] = verbs[index.verb]
  end
  types[c.key] = nil
  return { 'OK', entry }
end

local out = {}
for i = 1, tonumber(ARGV[1]) do
  local c = read()
  out[i] = check(c) or write(c)
end
return out
