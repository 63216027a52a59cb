"""The scripts that run inside Redis, one step each: nothing comes between their reading and their writing.

Each is given the mark of a tag as its first key and begins by reading it, so that data without a mark (empty, flushed, half
filled) is told from data that says nothing. The first element of every answer is a word: ``ok``, or what was amiss.
"""

from hashlib import sha1
from typing import NamedTuple


class Script(NamedTuple):
    """A script and its SHA-1, by which Redis knows it once it has seen it."""

    text: str
    sha: str


def _script(text: str) -> Script:
    return Script(text, sha1(text.encode(), usedforsecurity=False).hexdigest())


READ = _script("""
-- keys: mark, rows and attempts of each number, bits; arguments: digest of the catalog, seller, how many numbers, bit
local mark = redis.call('HMGET', KEYS[1], 'l', 'f', 'd', 'w', 's' .. ARGV[2])
if not mark[1] or not mark[4] then return {'empty'} end
if mark[2] ~= '1' then return {'format'} end
if mark[3] ~= ARGV[1] then return {'catalog', mark[3]} end
local last = 1 + 2 * ARGV[3]
local bits = {}
for i = last + 1, #KEYS do
  if redis.call('STRLEN', KEYS[i]) ~= 1000000 then return {'block'} end
  bits[i - last] = redis.call('GETBIT', KEYS[i], ARGV[4])
end
-- One string, since it is taken apart quicker than many: ledger, version, how many bits, bits; then each value after its length and 1.
local said = mark[5] or ''
local answer = {'+', mark[1], struct.pack('>I5I1', tonumber(mark[4]), #bits), table.concat(bits), struct.pack('>I4', #said + 1), said}
for i = 2, last do
  local value = redis.call('GET', KEYS[i])
  answer[#answer + 1] = value and struct.pack('>I4', #value + 1) .. value or '\\0\\0\\0\\0'
end
return table.concat(answer)
""")

PULL = _script("""
-- keys: mark, bits; arguments: digest of the catalog
local mark = redis.call('HMGET', KEYS[1], 'l', 'f', 'd')
if not mark[1] then return {'empty'} end
if mark[2] ~= '1' then return {'format'} end
if mark[3] ~= ARGV[1] then return {'catalog', mark[3]} end
return {'ok', redis.call('GET', KEYS[2])}
""")

WRITE = _script("""
-- keys: mark, values; arguments: ledger, version, and a value each. Without a ledger the mark need not be there.
local mark = redis.call('HMGET', KEYS[1], 'l', 'w')
if ARGV[1] ~= '' then
  if not mark[1] then return {'empty'} end
  if mark[1] ~= ARGV[1] then return {'other'} end
end
local version = tonumber(ARGV[2])
for i = 2, #KEYS do
  local old = redis.call('GETRANGE', KEYS[i], 0, 4)
  if #old < 5 or struct.unpack('>I5', old) <= version then redis.call('SET', KEYS[i], ARGV[i + 1]) end
end
if ARGV[1] ~= '' and version > tonumber(mark[2] or 0) then redis.call('HSET', KEYS[1], 'w', ARGV[2]) end
return {'ok'}
""")

DECLARE = _script("""
-- keys: mark; arguments: ledger, version, seller, value
local mark = redis.call('HMGET', KEYS[1], 'l', 'w', 's' .. ARGV[3])
if ARGV[1] ~= '' then
  if not mark[1] then return {'empty'} end
  if mark[1] ~= ARGV[1] then return {'other'} end
end
local version = tonumber(ARGV[2])
if not mark[3] or struct.unpack('>I5', mark[3]) <= version then redis.call('HSET', KEYS[1], 's' .. ARGV[3], ARGV[4]) end
if ARGV[1] ~= '' and version > tonumber(mark[2] or 0) then redis.call('HSET', KEYS[1], 'w', ARGV[2]) end
return {'ok'}
""")

RECORD = _script("""
-- keys: mark, attempts, reservations; arguments: ledger, version, value, ids whose reservations became these attempts
local mark = redis.call('HMGET', KEYS[1], 'l', 'w')
if not mark[1] then return {'empty'} end
if mark[1] ~= ARGV[1] then return {'other'} end
local version = tonumber(ARGV[2])
local old = redis.call('GETRANGE', KEYS[2], 0, 4)
if #old < 5 or struct.unpack('>I5', old) <= version then redis.call('SET', KEYS[2], ARGV[3]) end
for i = 4, #ARGV do
  local held = redis.call('HGET', KEYS[3], ARGV[i])
  if held then redis.call('HSET', KEYS[3], ARGV[i], 'u' .. held:sub(2)) end
end
if version > tonumber(mark[2] or 0) then redis.call('HSET', KEYS[1], 'w', ARGV[2]) end
return {'ok'}
""")

_NOW = "local time = redis.call('TIME')\nlocal now = time[1] * 1000000 + time[2]\n"

RESERVE = _script(
    """
-- keys: mark, attempts, reservations; arguments: least version, id, moment, microseconds until it lapses, microseconds for which
-- the id is remembered, what is said of the attempt, limits (both as msgpack), ledger or nothing
local mark = redis.call('HMGET', KEYS[1], 'l', 'f', 'w')
if not mark[1] then return {'empty'} end
if mark[2] ~= '1' then return {'format'} end
if ARGV[8] ~= '' and mark[1] ~= ARGV[8] then return {'other', mark[1]} end
if tonumber(mark[3]) < tonumber(ARGV[1]) then return {'behind', mark[3]} end
"""
    + _NOW
    + """
local at, own, limits = tonumber(ARGV[3]), cmsgpack.unpack(ARGV[6]), cmsgpack.unpack(ARGV[7])
local entries = {}
local all = redis.call('HGETALL', KEYS[3])
for i = 1, #all, 2 do
  local state, when, ends, forget = all[i + 1]:sub(1, 1), struct.unpack('>I7I7I7', all[i + 1], 2)
  if all[i] == ARGV[2] and (state == 'u' or (state == 'r' and ends > now)) then return {'held', ends} end
  if state == 'r' and ends > now then
    entries[#entries + 1] = {when, cmsgpack.unpack(all[i + 1]:sub(23))}
  elseif forget <= now then
    redis.call('HDEL', KEYS[3], all[i])
  end
end
local packed = redis.call('GET', KEYS[2])
if packed and #packed > 5 then
  local width, number = 1, packed:byte(6) * 256 + packed:byte(7)
  if number >= 32768 then width, number = 2, number - 32768 end
  local step = 7 + 2 * width
  local form = '>I7I' .. width .. 'I' .. width
  local tail = cmsgpack.unpack(packed:sub(8 + number * step))
  local said, outcomes, settled, floor = tail[1], tail[2], 0, tail[4] or 0
  if tail[3] then settled = struct.unpack('>I7', packed, 8 + (number - 1) * step) + tail[3] * 1000000 end
  local first = at
  for i = 1, #limits do first = math.min(first, limits[i][1]) end
  if first < floor then return {'floor'} end
  for i = number - 1, 0, -1 do
    local when, combination, outcome = struct.unpack(form, packed, 8 + i * step)
    if when <= first then break end
    local entry = {}
    for field = 1, 6 do entry[field] = said[combination * 6 + field] end
    if at >= settled then entry[7] = outcomes[math.floor(outcome / 2)] end
    entries[#entries + 1] = {when, entry}
  end
end
for i = 1, #limits do
  local after, below, where, same = limits[i][1], limits[i][2], limits[i][3], limits[i][4]
  local number = limits[i][5]
  for j = 1, #entries do
    local counts = entries[j][1] > after
    local entry = entries[j][2]
    for k = 1, #where do
      local value = entry[where[k][1]]
      if counts and value ~= nil then
        local among = false
        for l = 1, #where[k][2] do if where[k][2][l] == value then among = true end end
        counts = among == where[k][3]
      end
    end
    for k = 1, #same do
      local value, mine = entry[same[k]], own[same[k]]
      if value ~= nil and mine ~= nil and value ~= mine then counts = false end
    end
    if counts then number = number + 1 end
  end
  if number >= below then return {'refused', i - 1, number} end
end
local ends = now + ARGV[4]
redis.call('HSET', KEYS[3], ARGV[2], 'r' .. struct.pack('>I7I7I7', at, ends, ends + ARGV[5]) .. ARGV[6])
local left = math.ceil((ARGV[4] + ARGV[5]) / 1000)
if redis.call('PTTL', KEYS[3]) < left then redis.call('PEXPIRE', KEYS[3], left) end
return {'granted', ends}
"""
)

RELEASE = _script("""
-- keys: mark, reservations; arguments: id
local mark = redis.call('HMGET', KEYS[1], 'l', 'f')
if not mark[1] then return {'empty'} end
if mark[2] ~= '1' then return {'format'} end
local held = redis.call('HGET', KEYS[2], ARGV[1])
if not held or held:sub(1, 1) ~= 'r' then return {'ok', 0} end
redis.call('HSET', KEYS[2], ARGV[1], 'x' .. held:sub(2))
return {'ok', 1}
""")
