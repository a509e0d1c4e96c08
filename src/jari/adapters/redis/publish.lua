-- Applies the commits that follow the head one by one. Returns the head afterwards, or nothing where there is none.
--
-- KEYS  the seats, the stream
-- ARGV  the epoch; how many entries the stream keeps; how many seconds all of it lives unless it is published again;
--       then of each commit: version, changes as text, number of changes;
--       and of each change: what the seats become (empty: AVAILABLE), number of seats, their ids

local seats, stream = KEYS[1], KEYS[2]
local head = redis.call('HGET', seats, 'head')
if not head then
    return false
end
local epoch, version = string.match(head, '^(.*)-(%d+)$')
if epoch ~= ARGV[1] then
    return head
end
version = tonumber(version)

local place = 4
while place <= #ARGV do
    local follows = tonumber(ARGV[place]) == version + 1
    if follows then
        version = version + 1
        redis.call('XADD', stream, 'MAXLEN', '~', ARGV[2], ARGV[place] .. '-0', 'epoch', epoch, 'changes', ARGV[place + 1])
    end
    local changes = tonumber(ARGV[place + 2])
    place = place + 3
    for _ = 1, changes do
        local becomes, last = ARGV[place], place + 1 + tonumber(ARGV[place + 1])
        if follows then
            for seat = place + 2, last do
                if becomes == '' then
                    redis.call('HDEL', seats, ARGV[seat])
                else
                    redis.call('HSET', seats, ARGV[seat], becomes)
                end
            end
        end
        place = last + 1
    end
end

head = epoch .. '-' .. string.format('%d', version)
redis.call('HSET', seats, 'head', head)
redis.call('EXPIRE', seats, ARGV[3])
redis.call('EXPIRE', stream, ARGV[3])
return head
