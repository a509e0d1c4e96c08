-- Claims keys that nobody has, or that the holder has from before: 1 for each that is the holder's now, else 0.
-- KEYS: the claims. ARGV: the holder; how long a claim lasts, in ms.
local claimed = {}
for place, key in ipairs(KEYS) do
    local holder = redis.call('GET', key)
    claimed[place] = 0
    if not holder or holder == ARGV[1] then
        redis.call('SET', key, ARGV[1], 'PX', ARGV[2])
        claimed[place] = 1
    end
end
return claimed
