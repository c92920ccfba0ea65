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
-- KEYS  per change: the document's key, then, as far as there are such, the
--       event's stream, the key of the once, the note's stream, the keys of the
--       indexes and those of the guards, in their order.
-- ARGV  [1] the number of changes  [2] the number of an entry's fields
--       [3] which of them is the event's id  then their names; then per change:
--       shape     one character each, a count from "0" on: field, want, ttl,
--                 values, adopted, once, note's arguments, indexes, guards
--       doc       the new JSON
--       field     of the hash, if the document is not a string
--       want      SHA-1 of the value that was read, if there was one
--       ttl       milliseconds after which the document goes, if ever
--       values    of the entry to append, by the names above; "" leaves one out
--       adopted   the name of an entry that stands already, for the first line of
--                 the document, and the entry id to note there
--       once      value and milliseconds to keep it
--       note      the arguments of XADD behind the key
--       indexes   verb (ZADD ZREM SADD SREM) and member of each
--       guards    "in" or "out" and member of each
-- Returns two values per change, one after the other:
--       OK, entry id                 written
--       AGAIN, entry id              had been written by the same event
--       SEEN, value                  the once was there, with this value
--       CONFLICT, value or ""        the document is not as it was read
--       GUARD, number                that guard does not hold
--       ERROR, message               a key of another type, or a bad argument
--
-- Redis does nothing else while a script runs, so this one walks over KEYS and
-- ARGV by position and makes no tables on the way; fewer arguments are fewer
-- strings to be made by Redis and by Lua, which is most of what a change costs.

local call, pcall, KEYS, ARGV = redis.call, redis.pcall, KEYS, ARGV
local byte, sub = string.byte, string.sub
local verbs = { ZADD = 'zset', ZREM = 'zset', SADD = 'set', SREM = 'set' }
local types = {} -- of the streams, indexes and guards met in this call
local fields, id = tonumber(ARGV[2]), tonumber(ARGV[3])
local row = {} -- names and values of an entry
for i = 1, fields do row[2 * i - 1] = ARGV[3 + i] end

local function wrong(key, want)
  local t = types[key]
  if not t then
    t = call('TYPE', key).ok
    if t ~= 'none' then types[key] = t end
  end
  return t ~= want and t ~= 'none'
end

-- append adds the entry whose values begin at ARGV[a].
local function append(stream, a, n)
  local m = 0
  for i = 1, n do
    local value = ARGV[a + i - 1]
    if value ~= '' then
      row[m + 1], row[m + 2] = ARGV[3 + i], value
      m = m + 2
    end
  end
  return call('XADD', stream, '*', unpack(row, 1, m))
end

-- change does the change that begins at KEYS[k] and ARGV[a], and returns its
-- verdict and value, and where the next begins.
local function change(k, a)
  local f, w, t, v, d, o, n, x, g = byte(ARGV[a], 1, 9)
  f, w, t, v, d, o, n, x, g = f - 48, w - 48, t - 48, v - 48, d - 48, o - 48, n - 48, x - 48, g - 48
  local key, doc = KEYS[k], ARGV[a + 1]
  local aValues = a + 2 + f + w + t
  local aOnce = aValues + v + 2 * d
  local aNote = aOnce + 2 * o
  local aIndex = aNote + n
  local aGuard = aIndex + 2 * x
  local aNext = aGuard + 2 * g
  local kOnce = v > 0 and k + 2 or k + 1
  local kNote = kOnce + o
  local kIndex = n > 0 and kNote or kNote - 1 -- the first index is KEYS[kIndex + 1]
  local kGuard = kIndex + x
  local kNext = kGuard + g + 1

  local event, entry
  if v > 0 then event = ARGV[aValues + id - 1] elseif d > 0 then event, entry = ARGV[aValues], ARGV[aValues + 1] end

  local now
  if f == 0 then now = pcall('GET', key) else now = pcall('HGET', key, ARGV[a + 2]) end
  if type(now) == 'table' then return 'ERROR', 'document ' .. key .. ': ' .. now.err, kNext, aNext end
  if now and event and sub(now, 1, #event + 2) == '@' .. event .. ' ' then
    return 'AGAIN', string.match(now, '^[^\n]* (%S+)\n'), kNext, aNext
  end
  if o > 0 then
    local seen = pcall('GET', KEYS[kOnce])
    if type(seen) == 'table' then return 'ERROR', 'once ' .. KEYS[kOnce] .. ': ' .. seen.err, kNext, aNext end
    if seen then return 'SEEN', seen, kNext, aNext end
  end
  if now then
    if w == 0 or redis.sha1hex(now) ~= ARGV[a + 2 + f] then return 'CONFLICT', now, kNext, aNext end
  elseif w > 0 then
    return 'CONFLICT', '', kNext, aNext
  end
  if v > 0 and wrong(KEYS[k + 1], 'stream') then
    return 'ERROR', 'stream ' .. KEYS[k + 1] .. ' is of another type', kNext, aNext
  end
  if n > 0 and wrong(KEYS[kNote], 'stream') then
    return 'ERROR', 'note ' .. KEYS[kNote] .. ' is of another type', kNext, aNext
  end
  for i = 1, x do
    local kind = verbs[ARGV[aIndex + 2 * i - 2]]
    if not kind then return 'ERROR', 'no index verb ' .. ARGV[aIndex + 2 * i - 2], kNext, aNext end
    if wrong(KEYS[kIndex + i], kind) then
      return 'ERROR', 'index ' .. KEYS[kIndex + i] .. ' is of another type', kNext, aNext
    end
  end
  for i = 1, g do
    if wrong(KEYS[kGuard + i], 'set') then
      return 'ERROR', 'guard ' .. KEYS[kGuard + i] .. ' is of another type', kNext, aNext
    end
    local there = call('SISMEMBER', KEYS[kGuard + i], ARGV[aGuard + 2 * i - 1]) == 1
    if there ~= (ARGV[aGuard + 2 * i - 2] == 'in') then return 'GUARD', i, kNext, aNext end
  end

  -- From here on everything is written.
  if v > 0 then entry = append(KEYS[k + 1], aValues, v) end
  if event then doc = '@' .. event .. ' ' .. entry .. '\n' .. doc end
  if f > 0 then
    call('HSET', key, ARGV[a + 2], doc)
  elseif t > 0 then
    call('SET', key, doc, 'PX', ARGV[a + 2 + w])
  else
    call('SET', key, doc)
  end
  if o > 0 then call('SET', KEYS[kOnce], ARGV[aOnce], 'PX', ARGV[aOnce + 1]) end
  if n > 0 then call('XADD', KEYS[kNote], unpack(ARGV, aNote, aNote + n - 1)) end
  for i = 1, x do
    local verb, member = ARGV[aIndex + 2 * i - 2], ARGV[aIndex + 2 * i - 1]
    if verb == 'ZADD' then call('ZADD', KEYS[kIndex + i], '0', member) else call(verb, KEYS[kIndex + i], member) end
  end
  return 'OK', entry or '', kNext, aNext
end

local out = {}
local k, a = 1, 4 + fields
for i = 1, tonumber(ARGV[1]) do
  out[2 * i - 1], out[2 * i], k, a = change(k, a)
end
return out
