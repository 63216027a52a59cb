"""The scripts that run inside Redis, one step each: nothing comes between their reading and their writing.

Each is given the mark of a tag as its first key and begins by reading it, so that data without a mark (empty, flushed, half
filled) is told from data that says nothing. The first element of every answer is a word: ``ok``, or what was amiss.

The mark names the *reign* under which its data is whole: the replication id, which is another one after a start, and after another
server took over. Such a server may have lost what was written last; it is ``anew``, and unknown, until the folder has sent that again.
"""

from hashlib import sha1
from typing import NamedTuple


class Script(NamedTuple):
    """A script and its SHA-1, by which Redis knows it once it has seen it."""

    text: str
    sha: str


def _script(text: str) -> Script:
    return Script(text, sha1(text.encode(), usedforsecurity=False).hexdigest())


_HERE = """
local about = redis.call('INFO', 'replication')
local here = about:find('role:master', 1, true) and about:match('master_replid:(%x+)') or ''
"""
_NOW = "local time = redis.call('TIME')\nlocal now = time[1] * 1000000 + time[2]\n"
_LAPSED = (
    """
local function lapsed(lease, now)
  if not lease then return {'lapsed'} end
  local begun, ends = struct.unpack('>I7I7', lease)
  if now < begun then return {'lapsed'} end
  if now > ends then return {'lapsed', string.format('%.0f', now - ends)} end
  return nil, math.min(ends - begun, 4294967295)
end
"""
)
"""What is amiss with a lease, if anything, else its length. One that begins later than now: the clock of this server was set back."""

READ = _script(
    """
-- keys: mark, values, slots, bits; arguments: digest of the catalog, seller, how many values, bit, how many slots, whether a lease
-- is asked for (1): by whoever does not know the folder, or but the time (2)
-- Writes nothing, and is refused by a server that takes no writes: it cannot have been told what was recorded last.
redis.call('SETRANGE', KEYS[1] .. '-', 0, '')
"""
    + _HERE
    + _LAPSED
    + """
local mark = redis.call('HMGET', KEYS[1], 'l', 'f', 'd', 'w', 's' .. ARGV[2], 'i', 'v')
if not mark[1] or not mark[4] then return {'empty'} end
if mark[2] ~= '1' then return {'format'} end
if mark[6] ~= here then return {'anew'} end
local now, length = 0, 0
if ARGV[6] ~= '0' or ARGV[5] ~= '0' then
  local time = redis.call('TIME')
  now = time[1] * 1000000 + time[2]
end
if ARGV[6] == '1' then
  local amiss
  amiss, length = lapsed(mark[7], now)
  if amiss then return amiss end
end
if mark[3] ~= ARGV[1] then return {'catalog', mark[3]} end
local last = 1 + ARGV[3]
local before = last + ARGV[5]
local bits = {}
for i = before + 1, #KEYS do
  if redis.call('STRLEN', KEYS[i]) ~= 1000000 then return {'block'} end
  bits[i - before] = redis.call('GETBIT', KEYS[i], ARGV[4])
end
-- One string, since it is taken apart quicker than many: ledger, version, moment (0: not asked for), length of the lease, how many bits, bits; then each value
-- after its length and 1.
local said = mark[5] or ''
local answer = {'+', mark[1], struct.pack('>I5I7I4I1', tonumber(mark[4]), now, length, #bits), table.concat(bits), struct.pack('>I4', #said + 1), said}
for i = 2, last do
  local value = redis.call('GET', KEYS[i])
  answer[#answer + 1] = value and struct.pack('>I4', #value + 1) .. value or '\\0\\0\\0\\0'
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
"""
)

PULL = _script(
    """
-- keys: mark, bits; arguments: digest of the catalog, whether a lease is asked for (1)
"""
    + _LAPSED
    + _NOW
    + """
local mark = redis.call('HMGET', KEYS[1], 'l', 'f', 'd', 'v')
if not mark[1] then return {'empty'} end
if mark[2] ~= '1' then return {'format'} end
if ARGV[2] == '1' then
  local amiss = lapsed(mark[4], now)
  if amiss then return amiss end
end
if mark[3] ~= ARGV[1] then return {'catalog', mark[3]} end
return {'ok', redis.call('GET', KEYS[2])}
"""
)

_OURS = (
    _HERE
    + """
local mark = redis.call('HMGET', KEYS[1], 'l', 'w', 'i')
if ARGV[1] ~= '' then
  if not mark[1] then return {'empty'} end
  if mark[1] ~= ARGV[1] then return {'other'} end
  if ARGV[3] ~= '1' and (mark[3] ~= here or (ARGV[3] ~= '0' and not ARGV[3]:find(here, 1, true))) then return {'anew'} end
end
"""
)
"""What writes: arguments are the ledger, its version, and the replication ids that the folder knows; 1 where what was lost is being sent
again, 0 where none was written down. Without a ledger the mark need not be there. A later version written over a loss would hide it,
and what is written to a server that was replaced, and lives on, has reached nobody."""

WRITE = _script(
    """
-- keys: mark, values; arguments: those of all that write, and a value each
"""
    + _OURS
    + """
local version = tonumber(ARGV[2])
for i = 2, #KEYS do
  local old = redis.call('GETRANGE', KEYS[i], 0, 4)
  if #old < 5 or struct.unpack('>I5', old) <= version then redis.call('SET', KEYS[i], ARGV[i + 2]) end
end
if ARGV[1] ~= '' and version > tonumber(mark[2] or 0) then redis.call('HSET', KEYS[1], 'w', ARGV[2]) end
return {'ok'}
"""
)

DECLARE = _script(
    """
-- keys: mark; arguments: those of all that write, seller, value
"""
    + _OURS
    + """
local version = tonumber(ARGV[2])
local old = redis.call('HGET', KEYS[1], 's' .. ARGV[4])
if not old or struct.unpack('>I5', old) <= version then redis.call('HSET', KEYS[1], 's' .. ARGV[4], ARGV[5]) end
if ARGV[1] ~= '' and version > tonumber(mark[2] or 0) then redis.call('HSET', KEYS[1], 'w', ARGV[2]) end
return {'ok'}
"""
)

RECORD = _script(
    """
-- keys: mark, attempts, slots; arguments: those of all that write, value, ids whose slots became these attempts
"""
    + _OURS
    + """
local version = tonumber(ARGV[2])
local old = redis.call('GETRANGE', KEYS[2], 0, 4)
if #old < 5 or struct.unpack('>I5', old) <= version then redis.call('SET', KEYS[2], ARGV[4]) end
for i = 5, #ARGV do
  local held = redis.call('HGET', KEYS[3], ARGV[i])
  if held then redis.call('HSET', KEYS[3], ARGV[i], 'u' .. held:sub(2)) end
end
if version > tonumber(mark[2] or 0) then redis.call('HSET', KEYS[1], 'w', ARGV[2]) end
return {'ok'}
"""
)

TAKE = _script(
    """
-- keys: mark, slots, rows and attempts of the number; arguments: ledger or nothing, least version, generation of the slots, field,
-- microseconds until it lapses (nothing: it is held, and only looked whether it stands), content and what is said, milliseconds for
-- which it is kept, moment, heads of rows and attempts. A person's slots have no rows and attempts.
local mark = redis.call('HMGET', KEYS[1], 'l', 'f', 'w', 'i', 'q', 'b', 'v')
if not mark[1] then return {'empty'} end
if mark[2] ~= '1' then return {'format'} end
if ARGV[1] ~= '' and mark[1] ~= ARGV[1] then return {'other', mark[1]} end
if tonumber(mark[3]) < tonumber(ARGV[2]) then return {'behind', mark[3]} end
"""
    + _HERE
    + _LAPSED
    + _NOW
    + """
if mark[4] ~= here then return {'anew'} end
if ARGV[1] == '' then
  local amiss = lapsed(mark[7], now)
  if amiss then return amiss end
end
if mark[5] and tonumber(mark[5]) > now then return {'quiet'} end
if ARGV[1] == '' and (not mark[6] or now - mark[6] < 3000000) then return {'announce'} end
if (redis.call('HGET', KEYS[2], '') or '') ~= ARGV[3] then return {'changed'} end
for i = 3, #KEYS do
  if redis.call('GETRANGE', KEYS[i], 0, 4) ~= ARGV[i + 6] then return {'changed'} end
end
if ARGV[5] == '' then return {'taken'} end
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
-- keys: mark, slots; arguments: ledger (nothing while it is filled), field, value, milliseconds for which it is kept. A slot that was
-- lost is put back.
if ARGV[1] ~= '' and redis.call('HGET', KEYS[1], 'l') ~= ARGV[1] then return {'other'} end
"""
    + _NOW
    + """
local generation = math.max(now, (tonumber(redis.call('HGET', KEYS[2], '')) or 0) + 1)
redis.call('HSET', KEYS[2], '', generation, ARGV[2], ARGV[3])
redis.call('PEXPIRE', KEYS[2], ARGV[4])
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

MARK = _script(
    """
-- keys: mark; arguments: names and values. Only under the reign that the mark names.
"""
    + _HERE
    + """
if redis.call('HGET', KEYS[1], 'i') ~= here then return {'anew'} end
redis.call('HSET', KEYS[1], unpack(ARGV))
return {'ok'}
"""
)

BEGIN = _script(
    """
-- keys: mark. What is filled from now on is whole under this reign.
"""
    + _HERE
    + """
redis.call('HSET', KEYS[1], 'i', here)
return {'ok'}
"""
)

STATE = _script(
    """
-- keys: mark. Ledger, format, catalog, version, whether nothing can have been lost since, and the replication id.
"""
    + _HERE
    + """
local mark = redis.call('HMGET', KEYS[1], 'l', 'f', 'd', 'w', 'i')
return {'ok', mark[1], mark[2], mark[3], mark[4], mark[5] == here and 1 or 0, here}
"""
)

KEEP = _script(
    """
-- keys: marks; arguments: ledger, the replication ids that the folder knows, digest of the catalog, the moment from which is vouched
-- (0: none is yet), for how many microseconds, and for each mark the least version (nothing: it is not vouched for). Answers with the
-- moment of the next lease, and a letter for each mark: ``k`` kept, or why not.
"""
    + _HERE
    + _NOW
    + """
local letters, begun, length = {}, tonumber(ARGV[4]), tonumber(ARGV[5])
for i, key in ipairs(KEYS) do
  local mark, least = redis.call('HMGET', key, 'l', 'f', 'd', 'w', 'i', 'v'), ARGV[i + 5]
  local letter = 'k'
  if not mark[1] or not mark[4] or mark[2] ~= '1' then letter = 'e'
  elseif mark[1] ~= ARGV[1] then letter = 'o'
  elseif here == '' or mark[5] ~= here then letter = 'a'
  elseif not ARGV[2]:find(here, 1, true) then letter = 't'
  elseif mark[3] ~= ARGV[3] then letter = 'l'
  elseif least == '' then letter = 'w'
  elseif tonumber(mark[4]) < tonumber(least) then letter = 'b'
  elseif begun > 0 then
    local held = mark[6] and select(2, struct.unpack('>I7I7', mark[6])) or 0
    if held < begun + length or held > now + length then
      redis.call('HSET', key, 'v', struct.pack('>I7I7', begun, begun + length))
    end
  end
  letters[i] = letter
end
return {'ok', string.format('%.0f', now), table.concat(letters)}
"""
)

VOUCH = _script(
    """
-- keys: mark; arguments: ledger, least version, microseconds for which no slot is given where some may be in no journal. All else that
-- was lost has been sent again.
"""
    + _HERE
    + _NOW
    + """
local mark = redis.call('HMGET', KEYS[1], 'l', 'w', 'i', 'b', 'q')
if not mark[1] then return {'empty'} end
if mark[1] ~= ARGV[1] then return {'other'} end
if mark[3] == here then return {'ok'} end
if here == '' or tonumber(mark[2]) < tonumber(ARGV[2]) then return {'anew'} end
if mark[4] then redis.call('HSET', KEYS[1], 'q', string.format('%.0f', math.max(now + ARGV[3], tonumber(mark[5]) or 0))) end
redis.call('HSET', KEYS[1], 'i', here)
return {'ok'}
"""
)
