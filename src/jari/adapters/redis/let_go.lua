-- Gives claims up that are still the holder's: one may have lapsed, and be another's by now.
-- KEYS: the claims. ARGV: the holder.
for _, key in ipairs(KEYS) do
    if redis.call('GET', key) == ARGV[1] then
        redis.call('DEL', key)
    end
end
return 0
