-- Counts one attempt in a bucket whose window ends by itself: how many there are, and in how many ms the window ends.
-- KEYS: the bucket. ARGV: the length of a window that begins now, in ms.
local count = redis.call('INCR', KEYS[1])
local left_ms = redis.call('PTTL', KEYS[1])
if left_ms < 0 then
    left_ms = tonumber(ARGV[1])
    redis.call('PEXPIRE', KEYS[1], left_ms)
end
return { count, math.max(left_ms, 1) }
