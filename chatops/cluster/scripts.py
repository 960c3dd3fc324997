"""What is asked of the engine in one step, in Lua (EVAL): others may write between two."""

# Kept, had run out and is taken anew, or whose it is. So has that of who has read another log.
LEASE = b"""
local owner = redis.call('GET', KEYS[1])
if owner and owner ~= ARGV[1] then return owner end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
redis.call('SADD', KEYS[2], ARGV[3])
if ARGV[4] ~= '' and redis.call('GET', KEYS[3]) ~= ARGV[4] then return 2 end
return owner and 1 or 2
"""
RELEASE = b"""
if redis.call('GET', KEYS[1]) == ARGV[1] then
  redis.call('DEL', KEYS[1])
  redis.call('SREM', KEYS[2], ARGV[2])
end
return 1
"""
# Of each lease whose it is, '' for nobody's, and the milliseconds that it has left.
ROLL = b"""
local leases = {}
for i, key in ipairs(KEYS) do
  leases[i] = {redis.call('GET', key) or '', redis.call('PTTL', key)}
end
return leases
"""
# Names of nodes whose leases last for so many milliseconds; those that hold none are forgotten.
LIVING = b"""
local living = {}
for _, node in ipairs(redis.call('SMEMBERS', KEYS[1])) do
  local left = redis.call('PTTL', ARGV[1] .. node)
  if left == -2 then redis.call('SREM', KEYS[1], node)
  elseif left >= tonumber(ARGV[2]) then living[#living + 1] = node end
end
return living
"""
# What the log is called. Where there is none one begins, with an entry that says so, and without
# a log nobody writes: its ids may come before those that have been read.
BEGIN = b"""
if redis.call('EXISTS', KEYS[1]) == 0 then
  redis.call('XADD', KEYS[1], '*', 'log', ARGV[1])
  redis.call('SET', KEYS[2], ARGV[1])
end
redis.call('SET', KEYS[2], ARGV[1], 'NX')
return redis.call('GET', KEYS[2])
"""
# Networks and rulings, which begin with their time: of two the later is kept.
RULE = b"""
local function at(ruling) return tonumber(string.match(ruling, '^%S+')) or 0 end
for i = 1, #ARGV, 2 do
  local old = redis.call('HGET', KEYS[1], ARGV[i])
  if not old or at(old) < at(ARGV[i + 1]) then
    redis.call('HSET', KEYS[1], ARGV[i], ARGV[i + 1])
  end
end
return 1
"""
# The same are over, unless others have come in their place.
OVER = b"""
for i = 1, #ARGV, 2 do
  if redis.call('HGET', KEYS[1], ARGV[i]) == ARGV[i + 1] then
    redis.call('HDEL', KEYS[1], ARGV[i])
  end
end
return 1
"""
# Names, what was found there and what is to be; those where something else is by now are named.
CHANGE = b"""
local others = {}
for i = 1, #ARGV, 3 do
  if (redis.call('HGET', KEYS[1], ARGV[i]) or '') ~= ARGV[i + 1] then
    others[#others + 1] = ARGV[i]
  elseif ARGV[i + 2] == '' then redis.call('HDEL', KEYS[1], ARGV[i])
  else redis.call('HSET', KEYS[1], ARGV[i], ARGV[i + 2]) end
end
return others
"""
# Each nick is the first's to claim it, while that one's node holds its lease.  Of ARGV: where
# leases are, who asks (node/boot/), then looks, ids and '1' of whoever owns it and takes it from
# anybody; an id of '' gives up what is one's own.
CLAIM = b"""
local refused = {}
for i = 3, #ARGV, 3 do
  local look, id = ARGV[i], ARGV[i + 1]
  local owner = redis.call('HGET', KEYS[1], look)
  local mine = owner and string.sub(owner, 1, #ARGV[2]) == ARGV[2]
  local alive = false
  if owner and not mine then
    local node, boot = string.match(owner, '^([^/]+)/([^/]+)/')
    alive = node and redis.call('GET', ARGV[1] .. node) == boot
  end
  if id == '' then
    if mine then redis.call('HDEL', KEYS[1], look) end
  elseif alive and ARGV[i + 2] ~= '1' then
    refused[#refused + 1] = look
    refused[#refused + 1] = owner
  else
    redis.call('HSET', KEYS[1], look, ARGV[2] .. id)
  end
end
return refused
"""
# Nicks from a cursor on, some at a time: those of nodes that hold no lease are nobody's any more.
SWEEP = b"""
local found = redis.call('HSCAN', KEYS[1], ARGV[2], 'COUNT', ARGV[3])
for i = 1, #found[2], 2 do
  local node, boot = string.match(found[2][i + 1], '^([^/]+)/([^/]+)/')
  if not node or redis.call('GET', ARGV[1] .. node) ~= boot then
    redis.call('HDEL', KEYS[1], found[2][i])
  end
end
return found[1]
"""
