-- live.lua begins every script that reads the view. live() returns how the keys
-- of the generation begin that is read now, which is registered in KEYS[1]; so
-- what one script reads is all of one generation. noticed() returns the id of the
-- last notice of a change, in the stream KEYS[2]: what the script reads has that
-- change and all before it, and none after it.

local function live()
  local gens = redis.call('GET', KEYS[1])
  return '{query}:' .. (gens and string.format('%d', cjson.decode(gens).live.gen) or '1') .. ':'
end

local function noticed()
  local last = redis.call('XREVRANGE', KEYS[2], '+', '-', 'COUNT', 1)[1]
  return last and last[1] or '0-0'
end

