-- Puts what was written aside in the place of what is shown, if the head is still the expected one and all is there.
--
-- KEYS  the seats, the stream; the seats and the stream that were written aside
-- ARGV  the expected head (empty: none); how many fields and how many entries were written aside; seconds to live

local head = redis.call('HGET', KEYS[1], 'head') or ''
if head ~= ARGV[1]
    or redis.call('HLEN', KEYS[3]) ~= tonumber(ARGV[2])
    or redis.call('XLEN', KEYS[4]) ~= tonumber(ARGV[3]) then
    redis.call('UNLINK', KEYS[3], KEYS[4]) -- another was quicker, or a part is lost
    return 0
end
redis.call('UNLINK', KEYS[1], KEYS[2]) -- RENAME would free them within this script
for old = 1, 2 do
    if redis.call('EXISTS', KEYS[old + 2]) == 1 then
        redis.call('RENAME', KEYS[old + 2], KEYS[old])
        redis.call('EXPIRE', KEYS[old], ARGV[4])
    end
end
return 1
