-- live.lua begins every script that reads the view. live() returns how the keys
-- of the generation begin that is read now, which is registered in KEYS[1]; so
-- what one script reads is all of one generation.

local function live()
  local gens = redis.call('GET', KEYS[1])
  return '{query}:' .. (gens and string.format('%d', cjson.decode(gens).live.gen) or '1') .. ':'
end

