-- What a decision needs: allocations by seat and by buyer, and tenures.
--
-- KEYS: seats, owners, tenures. ARGV: how many seats and how many buyers are asked for, then these, then the tenures.
-- Returns the server's time in ms, the allocations and the tenures that there are.
local PAGE = 1000  -- the most that one command is given

local function values_of(key, fields)
    local present = {}
    for first = 1, #fields, PAGE do
        local page = redis.call('HMGET', key, unpack(fields, first, math.min(first + PAGE - 1, #fields)))
        for _, value in ipairs(page) do
            if value then
                present[#present + 1] = value
            end
        end
    end
    return present
end

local seats, buyers = tonumber(ARGV[1]), tonumber(ARGV[2])
local wanted, named, tenures = {}, {}, {}

local function want(seat)
    if not named[seat] then
        named[seat] = true
        wanted[#wanted + 1] = seat
    end
end

for at = 3, 2 + seats do
    want(ARGV[at])
end
for at = 3 + seats, 2 + seats + buyers do
    for _, seat in ipairs(redis.call('ZRANGEBYSCORE', KEYS[2], ARGV[at], ARGV[at])) do
        want(seat)
    end
end
for at = 3 + seats + buyers, #ARGV do
    tenures[#tenures + 1] = ARGV[at]
end
local time = redis.call('TIME')
return {
    time[1] * 1000 + math.floor(time[2] / 1000),
    values_of(KEYS[1], wanted),
    values_of(KEYS[3], tenures),
}
