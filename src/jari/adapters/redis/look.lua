-- How a schedule's sheet stands, and its lease for whoever brings a token.
--
-- KEYS: lease, head. ARGV: token (empty: take no lease), how long the lease lasts in ms.
-- Returns 1 or 0 (whether the lease was taken, or asked for by nobody), the server's time in ms, the name of this run of
-- the server, and the head's fields. A run ends when the server does; a replica that takes over is another run.
local taken = 1
if ARGV[1] ~= '' and not redis.call('SET', KEYS[1], ARGV[1], 'NX', 'PX', ARGV[2]) then
    taken = 0
end
local time = redis.call('TIME')
local now_ms = time[1] * 1000 + math.floor(time[2] / 1000)
local run = string.match(redis.call('INFO', 'server'), 'run_id:(%x+)')
return {taken, now_ms, run, redis.call('HGETALL', KEYS[2])}
