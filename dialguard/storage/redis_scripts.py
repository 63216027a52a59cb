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
-- keys: mark, values, slots, bits; arguments: digest of the catalog, seller, how many values, bit, how many slots
local mark = redis.call('HMGET', KEYS[1], 'l', 'f', 'd', 'w', 's' .. ARGV[2])
if not mark[1] or not mark[4] then return {'empty'} end
if mark[2] ~= '1' then return {'format'} end
if mark[3] ~= ARGV[1] then return {'catalog', mark[3]} end
local last = 1 + ARGV[3]
local before = last + ARGV[5]
local bits = {}
for i = before + 1, #KEYS do
  if redis.call('STRLEN', KEYS[i]) ~= 1000000 then return {'block'} end
  bits[i - before] = redis.call('GETBIT', KEYS[i], ARGV[4])
end
-- One string, since it is taken apart quicker than many: ledger, version, how many bits, bits; then each value after its length and 1.
local said = mark[5] or ''
local answer = {'+', mark[1], struct.pack('>I5I1', tonumber(mark[4]), #bits), table.concat(bits), struct.pack('>I4', #said + 1), said}
for i = 2, last do
  local value = redis.call('GET', KEYS[i])
  answer[#answer + 1] = value and struct.pack('>I4', #value + 1) .. value or '\\0\\0\\0\\0'
end
if before > last then
  local time = redis.call('TIME')
  answer[#answer + 1] = struct.pack('>I4I7', 8, time[1] * 1000000 + time[2])
end
for i = last + 1, before do
  local parts, size = redis.call('HGETALL', KEYS[i]), 1
  for j = 1, #parts do
    parts[j] = struct.pack('>I2', #parts[j]) .. parts[j]
    size = size + #parts[j]
  end
  answer[#answer + 1] = struct.pack('>I4', size) .. table.concat(parts)
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
-- keys: mark, attempts, slots; arguments: ledger, version, value, ids whose slots became these attempts
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
_SERVER = "local server = redis.call('INFO', 'replication'):match('master_replid:(%w+)')\n"

TAKE = _script(
    """
-- keys: mark, slots, rows and attempts of the number; arguments: ledger or nothing, least version, generation of the slots, field,
-- microseconds until it lapses, content and what is said, milliseconds for which it is kept, moment, heads of rows and attempts.
-- A person's slots have no rows and attempts.
local mark = redis.call('HMGET', KEYS[1], 'l', 'f', 'w', 'e', 'q', 'b')
if not mark[1] then return {'empty'} end
if mark[2] ~= '1' then return {'format'} end
if ARGV[1] ~= '' and mark[1] ~= ARGV[1] then return {'other', mark[1]} end
if tonumber(mark[3]) < tonumber(ARGV[2]) then return {'behind', mark[3]} end
"""
    + _NOW
    + _SERVER
    + """
if mark[4] ~= server then return {'failover', mark[6] and 1 or 0} end
if mark[5] and tonumber(mark[5]) > now then return {'quiet'} end
if ARGV[1] == '' and (not mark[6] or now - mark[6] < 3000000) then return {'announce'} end
if (redis.call('HGET', KEYS[2], '') or '') ~= ARGV[3] then return {'changed'} end
for i = 3, #KEYS do
  if redis.call('GETRANGE', KEYS[i], 0, 4) ~= ARGV[i + 6] then return {'changed'} end
end
local ends = now + ARGV[5]
local generation = math.max(now, (tonumber(ARGV[3]) or 0) + 1)
redis.call('HSET', KEYS[2], '', generation, ARGV[4], 'h' .. struct.pack('>I7I7I7', ARGV[8], now, ends) .. ARGV[6])
redis.call('PEXPIRE', KEYS[2], ARGV[7])
for i, field in ipairs(redis.call('HKEYS', KEYS[2])) do
  if field ~= '' and now - struct.unpack('>I7', redis.call('HGET', KEYS[2], field), 9) > ARGV[7] * 1000 then
    redis.call('HDEL', KEYS[2], field)
  end
end
return {'taken', ends, now}
"""
)

PUT = _script(
    """
-- keys: mark, slots; arguments: ledger, field, value, milliseconds for which it is kept. A slot that was lost is put back.
if redis.call('HGET', KEYS[1], 'l') ~= ARGV[1] then return {'other'} end
"""
    + _NOW
    + """
local generation = math.max(now, (tonumber(redis.call('HGET', KEYS[2], '')) or 0) + 1)
redis.call('HSET', KEYS[2], '', generation, ARGV[2], ARGV[3])
redis.call('PEXPIRE', KEYS[2], ARGV[4])
return {'ok'}
"""
)

SETTLE = _script(
    """
-- keys: mark; arguments: microseconds for which no slot is given. From then on the slots that count are all on this server.
if not redis.call('HGET', KEYS[1], 'l') then return {'empty'} end
"""
    + _NOW
    + _SERVER
    + """
local quiet = math.max(now + ARGV[1], tonumber(redis.call('HGET', KEYS[1], 'q')) or 0)
redis.call('HSET', KEYS[1], 'e', server, 'q', string.format('%.0f', quiet))
return {'ok'}
"""
)

ANNOUNCE = _script(
    """
-- keys: mark. Somebody takes slots here who keeps no journal of them.
if not redis.call('HGET', KEYS[1], 'l') then return {'empty'} end
"""
    + _NOW
    + """
redis.call('HSETNX', KEYS[1], 'b', string.format('%.0f', now))
return {'ok'}
"""
)

RELEASE = _script(
    """
-- keys: mark, slots; arguments: field. Answers with what was held.
local mark = redis.call('HMGET', KEYS[1], 'l', 'f')
if not mark[1] then return {'empty'} end
if mark[2] ~= '1' then return {'format'} end
"""
    + _NOW
    + """
local held = redis.call('HGET', KEYS[2], ARGV[1])
if not held or held:sub(1, 1) ~= 'h' or struct.unpack('>I7', held, 16) <= now then return {'ok', 0} end
redis.call('HSET', KEYS[2], ARGV[1], 'x' .. held:sub(2))
return {'ok', held}
"""
)
