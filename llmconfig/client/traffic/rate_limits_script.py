"""The one exchange of a gate with Redis, in Lua: tell how it stands, get what it may let in.

KEYS: `seen` (holder → end of its lease), `state` (holder → "places wants reserved turn heard"),
`requests` and `tokens` (start of a half second → how many). Times in milliseconds, by Redis' clock.

ARGV: holder, length of the lease, max_concurrency, requests and tokens a minute (0 is no limit),
calls under way, tokens that they have reserved, tokens of calls that have ended, the marks of the
requests' and the tokens' window that this holder saw within the last minute (0: none), the half
second in which requests were counted ahead, how many of them are not used, how many of these are
kept (they count as under way), how many more are wanted ahead, with how many tokens each, which
part of what is left they may be (16: a sixteenth), and for each waiting call, oldest first, the
tokens it may use.

Returns how many of these may go, how many places may be passed on without asking, whether others
wait, how many holders there are, in how many milliseconds there may be room, both marks, of the
requests and of the tokens how many are left and in how many milliseconds all are free again, how
many more there are ahead, and the half second in which all requests ahead are counted now.

A window has a mark, the time when it was begun. A holder that saw one which is gone, or is younger
now, knows that the window was lost: flushed, evicted, or on a server that was replaced. Nobody can
say what was sent, so the whole minute counts as used.

Requests count from the moment they are let in. Tokens count as reserved while a call is under way
and as used from its end, so that no 60 seconds hold too many, whichever way the provider counts.
Windows are a second longer than the minute: a request takes a moment to arrive.

What is taken ahead is a part of what is left, and nothing where others wait. Requests ahead count
as if they were let in now, each time anew until they are.
"""

SCRIPT = """
local holder, lease = ARGV[1], tonumber(ARGV[2])
local cap, rpm, tpm = tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
local using, reserved, used = tonumber(ARGV[6]), tonumber(ARGV[7]), tonumber(ARGV[8])
local counted_at, unused, kept = ARGV[11], tonumber(ARGV[12]), tonumber(ARGV[13])
local more, each_ahead, part = tonumber(ARGV[14]), tonumber(ARGV[15]), tonumber(ARGV[16])
local wants = #ARGV - 16
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
local slot = now - now % 500
local WINDOW, HEARD = 61000, 2000

-- Whoever was killed holds nothing any more; the tokens of its calls may have been used.
for _, dead in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now)) do
    if dead ~= holder then
        local state = redis.call('HGET', KEYS[2], dead)
        if state then
            used = used + tonumber(state:match('^%S+ %S+ (%S+)'))
            redis.call('HDEL', KEYS[2], dead)
        end
        redis.call('ZREM', KEYS[1], dead)
    end
end

local taken, promised, sharing, rivals, older = 0, 0, 1, 0, 0
local turn, rows = 0, redis.call('HGETALL', KEYS[2])
local others = {}
for i = 1, #rows, 2 do
    local places, wanted, held, last, heard = rows[i + 1]:match('(%S+) (%S+) (%S+) (%S+) (%S+)')
    if rows[i] == holder then
        turn = tonumber(last)
    else
        places, wanted = tonumber(places), tonumber(wanted)
        taken = taken + places
        promised = promised + tonumber(held)
        local waits = wanted > 0 and now - tonumber(heard) < HEARD
        if places > 0 or waits then sharing = sharing + 1 end
        if waits then
            rivals = rivals + 1
            if places == 0 then others[#others + 1] = tonumber(last) end
        end
    end
end
for _, last in ipairs(others) do
    if last < turn then older = older + 1 end
end

local room, keep, wait = wants, 1000000, 0
if cap > 0 then
    local free = cap - taken - using
    room = math.min(room, math.max(0, free))
    if rivals > 0 then
        -- Even shares; where there are more holders than places, who waits longest goes first.
        room = math.min(room, math.max(0, math.ceil(cap / sharing) - using))
        if sharing > cap then room = math.min(room, math.max(0, free - older)) end
        keep = math.floor(cap / sharing)
    end
end

-- The sum of a window and when its oldest half second leaves it.
local function window(key)
    local sum, oldest, newest, gone = 0, now, now - WINDOW, {}
    local kept = redis.call('HGETALL', key)
    for i = 1, #kept, 2 do
        if kept[i] == 'mark' then
            -- says since when this window is whole
        elseif tonumber(kept[i]) + WINDOW <= now then
            gone[#gone + 1] = kept[i]
        else
            sum = sum + tonumber(kept[i + 1])
            oldest = math.min(oldest, tonumber(kept[i]))
            newest = math.max(newest, tonumber(kept[i]))
        end
    end
    if #gone > 0 then redis.call('HDEL', key, unpack(gone)) end
    return sum, oldest + WINDOW - now, newest + WINDOW - now
end

local function whole_since(key, known, limit)
    local mark = tonumber(redis.call('HGET', key, 'mark') or 0)
    if known > 0 and (mark == 0 or known < mark) then
        redis.call('HSET', key, slot, limit)
        mark = known
    elseif mark == 0 then
        mark = now
    end
    redis.call('HSET', key, 'mark', mark)
    redis.call('PEXPIRE', key, WINDOW * 2)
    return mark
end

local rpm_mark, tpm_mark = 0, 0
if unused > 0 and redis.call('HEXISTS', KEYS[3], counted_at) == 1 then
    redis.call('HINCRBY', KEYS[3], counted_at, -unused)
end
if rpm > 0 then rpm_mark = whole_since(KEYS[3], tonumber(ARGV[9]), rpm) end
if tpm > 0 then tpm_mark = whole_since(KEYS[4], tonumber(ARGV[10]), tpm) end

local left_requests, requests_reset, left_tokens, tokens_reset = 0, 0, 0, 0
if rpm > 0 then
    if kept > 0 then redis.call('HINCRBY', KEYS[3], slot, kept) end
    local sum, free_in, reset_in = window(KEYS[3])
    left_requests, requests_reset = rpm - sum, reset_in
    if wants > 0 and rpm - sum < 1 then wait = math.max(wait, free_in) end
    room = math.min(room, math.max(0, rpm - sum))
end
local admitted, reserving = room, 0
if tpm > 0 then
    if used > 0 then
        redis.call('HINCRBY', KEYS[4], slot, used)
        redis.call('PEXPIRE', KEYS[4], WINDOW * 2)
    end
    local sum, free_in, reset_in = window(KEYS[4])
    tokens_reset = reset_in
    local left = tpm - sum - promised - reserved
    admitted = 0
    for i = 1, room do
        local asked = tonumber(ARGV[16 + i])
        if asked > left then
            -- Tokens that are only reserved may come back at any moment.
            if admitted == 0 and asked > tpm - sum then wait = math.max(wait, free_in) end
            break
        end
        left = left - asked
        reserving = reserving + asked
        admitted = admitted + 1
    end
    left_tokens = left
end

if rivals > 0 or admitted < wants then more = 0 end
if cap > 0 then more = math.min(more, (cap - taken - using - admitted) / part) end
if rpm > 0 then more = math.min(more, (left_requests - admitted) / part) end
if tpm > 0 then more = math.min(more, left_tokens / part / math.max(1, each_ahead)) end
more = math.max(0, math.floor(more))
left_tokens = left_tokens - more * each_ahead

if rpm > 0 and admitted + more > 0 then
    redis.call('HINCRBY', KEYS[3], slot, admitted + more)
    redis.call('PEXPIRE', KEYS[3], WINDOW * 2)
    left_requests, requests_reset = left_requests - admitted - more, WINDOW
end

local places, waiting = using + admitted + more, wants - admitted
if admitted > 0 then turn = now end
if places > 0 or waiting > 0 then
    redis.call('HSET', KEYS[2], holder,
        table.concat({places, waiting, reserved + reserving + more * each_ahead, turn, now}, ' '))
    redis.call('ZADD', KEYS[1], now + lease, holder)
    redis.call('PEXPIRE', KEYS[1], WINDOW * 2)
    redis.call('PEXPIRE', KEYS[2], WINDOW * 2)
else
    redis.call('HDEL', KEYS[2], holder)
    redis.call('ZREM', KEYS[1], holder)
end
return {admitted, keep, rivals > 0 and 1 or 0, sharing, wait, rpm_mark, tpm_mark,
    left_requests, requests_reset, left_tokens, tokens_reset, more, slot}
"""
