-- What a decision needs: allocations by seat and by buyer, and tenures.
--
-- KEYS: seats, owners, tenures. ARGV: in MessagePack, the seats, the buyers and the tenures that are asked for.
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

local asked = cmsgpack.unpack(ARGV[1])
local wanted, named = {}, {}

local function want(seat)
    if not named[seat] then
        named[seat] = true
        wanted[#wanted + 1] = seat
    end
end

for _, seat in ipairs(asked[1]) do
    want(string.format('%d', seat))
end
for _, buyer in ipairs(asked[2]) do
    for _, seat in ipairs(redis.call('ZRANGEBYSCORE', KEYS[2], buyer, buyer)) do
        want(seat)
    end
end
local time = redis.call('TIME')
return {
    time[1] * 1000 + math.floor(time[2] / 1000),
    values_of(KEYS[1], wanted),
    values_of(KEYS[3], asked[3]),
}
