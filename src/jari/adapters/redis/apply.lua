-- Carry out steps on a schedule's sheet, all or none: only for the holder of its lease, and on the version it has read.
--
-- KEYS: lease, head, and whatever the steps name. ARGV: token, epoch and version that the head must have (no version: any;
-- the version -: there must be no head), and the steps in MessagePack, each as its command, the number of its key in KEYS
-- and its arguments.
-- No rule stands here: the steps were decided elsewhere. The first step may fail, the others cannot.
if redis.call('GET', KEYS[1]) ~= ARGV[1] then
    return 'lease'
end
if ARGV[3] ~= '' then
    local head = redis.call('HMGET', KEYS[2], 'epoch', 'version')
    if (head[1] or '') ~= ARGV[2] or (head[2] or '-') ~= ARGV[3] then
        return 'version'
    end
end
for _, step in ipairs(cmsgpack.unpack(ARGV[4])) do
    redis.call(step[1], KEYS[step[2]], unpack(step[3]))
end
return 'done'
