"""The scripts of portable.py, in Lua as Redis 7.0 and its heirs run it. They name all their keys, as a cluster demands.

An error that a command returns within a script is returned as it is; raised, it would be wrapped in a text of its own.
"""

import hashlib

import attrs


@attrs.frozen
class Script:
    """A script, and the name under which a server that has run it knows it."""

    text: str
    sha: str


def _script(text: str) -> Script:
    return Script(text, hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest())


LOOK = _script("""
-- KEYS: what to look at. ARGV: whether values are asked for (1 or 0).
-- Answers {1, values}, or {0, the places of the missing keys}.
local found, missing = {}, {}
for place, key in ipairs(KEYS) do
    local value
    if ARGV[1] == '1' then
        value = redis.pcall('GET', key)
        if type(value) == 'table' then return value end
    else
        value = redis.call('EXISTS', key) == 1
    end
    if value then found[#found + 1] = value else missing[#missing + 1] = place end
end
if #missing > 0 then return {0, missing} end
if ARGV[1] == '1' then return {1, found} end
return {1, {}}
""")

COMPARE_SET = _script("""
-- KEYS: the key. ARGV: expected, desired. Answers the value afterwards.
local value = redis.pcall('GET', KEYS[1])
if type(value) == 'table' then return value end
if value == ARGV[1] or (not value and ARGV[1] == '') then
    redis.call('SET', KEYS[1], ARGV[2])
    return ARGV[2]
end
return value or ARGV[1]
""")

ARRIVE = _script("""
-- KEYS: counter, waiting, leases, facts, passed. ARGV: parties, member, epoch, lease in ms, call, first look (1 or 0).
-- Answers {'waits', 0}, {'passed', index or -1}, {'epoch', the present one}, {'parties', theirs} or {'replaced', 0}.
local counter, waiting, leases, facts, passed = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local parties, member, epoch = tonumber(ARGV[1]), ARGV[2], tonumber(ARGV[3])
local count = redis.pcall('GET', counter)
if type(count) == 'table' then return count end
if count and not string.match(count, '^-?%d+$') then
    return redis.error_reply('ERR value is not an integer or out of range')
end

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
for _, dead in ipairs(redis.call('ZRANGEBYSCORE', leases, '-inf', now)) do
    redis.call('ZREM', leases, dead)
    redis.call('ZREM', waiting, dead)
end
local theirs = tonumber(redis.call('HGET', facts, 'epoch') or -1)
if redis.call('EXISTS', waiting) == 0 then  -- nobody waits: there is nothing to remember
    redis.call('DEL', facts)
    theirs = -1
end
local present = tonumber(count or (theirs >= 0 and theirs) or epoch)
if theirs >= 0 and theirs ~= present then  -- somebody else has changed the counter
    redis.call('DEL', waiting, leases, facts)
end

if epoch < present then
    return {'passed', redis.call('ZRANK', passed, member) or -1}
elseif epoch > present then
    return {'epoch', present}
end
local expected = tonumber(redis.call('HGET', facts, 'parties') or parties)
if expected ~= parties then return {'parties', expected} end
local call = redis.call('HGET', facts, 'call:' .. member)
if ARGV[6] == '0' and call and call ~= ARGV[5] then return {'replaced', 0} end

local last = redis.call('ZRANGE', waiting, -1, -1, 'WITHSCORES')
redis.call('ZADD', waiting, 'NX', (last[2] or 0) + 1, member)
redis.call('ZADD', leases, now + ARGV[4], member)
redis.call('HSET', facts, 'epoch', epoch, 'parties', parties, 'call:' .. member, ARGV[5])
redis.call('HDEL', facts, 'late:' .. member)
if redis.call('ZCARD', waiting) == parties then
    redis.call('SET', counter, string.format('%.0f', epoch + 1), 'KEEPTTL')
    redis.call('RENAME', waiting, passed)
    redis.call('PEXPIRE', passed, 60000)
    redis.call('DEL', leases, facts)
    return {'passed', redis.call('ZRANK', passed, member)}
end
for _, key in ipairs({waiting, leases, facts}) do redis.call('PEXPIRE', key, 2 * ARGV[4]) end
return {'waits', 0}
""")

LEAVE = _script("""
-- KEYS: as for ARRIVE. ARGV: member, call.
-- Answers {'passed', index}, or {'left', {who waited until now, who gave up before}}.
local counter, waiting, leases, facts, passed = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local member = ARGV[1]
local index = redis.call('ZRANK', passed, member)
if index then return {'passed', index} end
local came, late = redis.call('ZRANGE', waiting, 0, -1), {}
local known = redis.call('HGETALL', facts)
for place = 1, #known, 2 do
    local name = string.match(known[place], '^late:(.*)$')
    if name then late[#late + 1] = name end
end
if redis.call('HGET', facts, 'call:' .. member) ~= ARGV[2] then return {'left', {came, late}} end
redis.call('ZREM', waiting, member)
redis.call('ZREM', leases, member)
redis.call('HDEL', facts, 'call:' .. member)
if redis.call('EXISTS', waiting) == 1 then
    redis.call('HSET', facts, 'late:' .. member, 1)
else
    redis.call('DEL', facts)
end
return {'left', {came, late}}
""")
