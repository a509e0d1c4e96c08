-- Note how far PostgreSQL has come. What is older than `keep` entries need not stay.
--
-- KEYS: head, stream. ARGV: epoch, version, the time in ms after which all that it does not have was committed, how many entries to keep.
local head = redis.call('HMGET', KEYS[1], 'epoch', 'version', 'persisted')
if head[1] ~= ARGV[1] or tonumber(head[3]) >= tonumber(ARGV[2]) then
    return 0
end
redis.call('HSET', KEYS[1], 'persisted', ARGV[2], 'behind_since', ARGV[3])
redis.call('XTRIM', KEYS[2], 'MINID', '~', math.max(0, ARGV[2] - ARGV[4]) .. '-0')
redis.pcall('XGROUP', 'SETID', KEYS[2], 'persisters', ARGV[2] .. '-0')  -- fails if nobody has made the group yet
return 1
