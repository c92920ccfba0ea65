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
-- Returns two values per change, one after the other:
--       OK, entry id                 written
--       AGAIN, entry id              had been written by the same event
--       CONFLICT, value or ""        the document is not as it was read
--       GUARD, number                that guard does not hold
--       ERROR, message               a key of another type, or a bad argument
--
-- Redis does nothing else while a script runs, so this one walks over KEYS and
-- ARGV by position and makes no tables.

local call, KEYS, ARGV = redis.call, KEYS, ARGV
local verbs = { ZADD = 'zset', ZREM = 'zset', SADD = 'set', SREM = 'set' }
local types = {} -- of the streams, indexes and guards met in this call

local function wrong(key, want)
  local t = types[key]
  if not t then
    t = call('TYPE', key).ok
    if t ~= 'none' then types[key] = t end
  end
  return t ~= want and t ~= 'none'
end

-- check returns what keeps the change that begins at KEYS[k] and ARGV[a] from
-- being written, or nil and nothing.
local function check(k, a)
  local key, field, event = KEYS[k], ARGV[a], ARGV[a + 4]
  local now
  if field == '' then now = redis.pcall('GET', key) else now = redis.pcall('HGET', key, field) end
  if type(now) == 'table' then return 'ERROR', 'document ' .. key .. ': ' .. now.err end
  if now then
    if event ~= '' and string.sub(now, 1, #event + 2) == '@' .. event .. ' ' then
      return 'AGAIN', string.match(now, '^[^\n]* (%S+)\n')
    end
    if redis.sha1hex(now) ~= ARGV[a + 1] then return 'CONFLICT', now end
  elseif ARGV[a + 1] ~= '' then
    return 'CONFLICT', ''
  end
  local fields = tonumber(ARGV[a + 6])
  if fields > 0 then
    k = k + 1
    if wrong(KEYS[k], 'stream') then return 'ERROR', 'stream ' .. KEYS[k] .. ' is of another type' end
  end
  a = a + 7 + fields
  local indexes = tonumber(ARGV[a])
  for i = 1, indexes do
    local kind = verbs[ARGV[a + 2 * i - 1]]
    if not kind then return 'ERROR', 'no index verb ' .. ARGV[a + 2 * i - 1] end
    if wrong(KEYS[k + i], kind) then return 'ERROR', 'index ' .. KEYS[k + i] .. ' is of another type' end
  end
  k = k + indexes
  a = a + 1 + 2 * indexes
  for i = 1, tonumber(ARGV[a]) do
    if wrong(KEYS[k + i], 'set') then return 'ERROR', 'guard ' .. KEYS[k + i] .. ' is of another type' end
    local there = call('SISMEMBER', KEYS[k + i], ARGV[a + 2 * i]) == 1
    if there ~= (ARGV[a + 2 * i - 1] == 'in') then return 'GUARD', i end
  end
end

local function write(k, a)
  local key, field, doc, ttl, event, entry = KEYS[k], ARGV[a], ARGV[a + 2], ARGV[a + 3], ARGV[a + 4], ARGV[a + 5]
  local fields = tonumber(ARGV[a + 6])
  if fields > 0 then
    k = k + 1
    entry = call('XADD', KEYS[k], '*', unpack(ARGV, a + 7, a + 6 + fields))
  end
  if event ~= '' then doc = '@' .. event .. ' ' .. entry .. '\n' .. doc end
  if field ~= '' then
    call('HSET', key, field, doc)
  elseif ttl ~= '0' then
    call('SET', key, doc, 'PX', ttl)
  else
    call('SET', key, doc)
  end
  a = a + 7 + fields
  for i = 1, tonumber(ARGV[a]) do
    local verb, member = ARGV[a + 2 * i - 1], ARGV[a + 2 * i]
    if verb == 'ZADD' then call('ZADD', KEYS[k + i], 0, member) else call(verb, KEYS[k + i], member) end
  end
  return 'OK', entry
end

local out = {}
local k, a = 1, 2
for i = 1, tonumber(ARGV[1]) do
  local verdict, value = check(k, a)
  if not verdict then verdict, value = write(k, a) end
  out[2 * i - 1], out[2 * i] = verdict, value
  -- On to the next: past the document, the stream, the indexes and the guards.
  local fields = tonumber(ARGV[a + 6])
  k = k + 1
  if fields > 0 then k = k + 1 end
  a = a + 7 + fields
  for _ = 1, 2 do
    local n = tonumber(ARGV[a])
    k = k + n
    a = a + 1 + 2 * n
  end
end
return out
