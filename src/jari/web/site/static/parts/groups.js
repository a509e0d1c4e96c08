// @ts-check
// Groups things that have something in common.

/**
 * Things by a key of theirs, in their order. (Map.groupBy is too young for phones that are in use.)
 * @template Thing
 * @param {Thing[]} things
 * @param {(thing: Thing) => string} keyOf
 */
export function groupBy(things, keyOf) {
  /** @type {Map<string, Thing[]>} */
  const groups = new Map();
  for (const thing of things) {
    const group = groups.get(keyOf(thing));
    if (group) group.push(thing);
    else groups.set(keyOf(thing), [thing]);
  }
  return groups;
}
