// The state of every seat: a snapshot, and every later change over it.

import assert from "node:assert/strict";
import { test } from "node:test";

import { AVAILABLE, HOLD, OCCUPIED } from "../../src/jari/web/site/static/map/allocations.js";
import { makeAllocations } from "./plans.js";

test("what a snapshot does not list is available", () => {
  const { allocations } = makeAllocations({ rows: 1, columns: 3 });
  allocations.replace({ version: 5, seats: { HOLD: [101, 102] } });
  const changed = allocations.replace({ version: 6, seats: { OCCUPIED: [102] } });
  assert.deepEqual([...allocations.status], [AVAILABLE, OCCUPIED, AVAILABLE]);
  assert.deepEqual(changed, [0, 1]);
});

test("changes settle over the snapshot in their order, and only what differs has changed", () => {
  const { allocations } = makeAllocations({ rows: 1, columns: 3 });
  assert.deepEqual(allocations.apply({ version: 2, seats: { HOLD: [101, 102] } }), [0, 1]);
  assert.deepEqual(allocations.apply({ version: 3, seats: { HOLD: [102], OCCUPIED: [101], AVAILABLE: [103] } }), [0]);
  assert.deepEqual(allocations.apply({ version: 4, seats: { AVAILABLE: [102] } }), [1]);
  assert.deepEqual([...allocations.status], [OCCUPIED, AVAILABLE, AVAILABLE]);
});

test("an older version, from an overlap after a reconnect, takes nothing back", () => {
  const { allocations } = makeAllocations({ rows: 1, columns: 2 });
  allocations.replace({ version: 9, seats: { OCCUPIED: [101] } });
  assert.deepEqual(allocations.apply({ version: 8, seats: { AVAILABLE: [101], HOLD: [102] } }), []);
  assert.equal(allocations.version, 9);
  assert.deepEqual([...allocations.status], [OCCUPIED, AVAILABLE]);
});

test("seats of another plan are passed over", () => {
  const { allocations } = makeAllocations({ rows: 1, columns: 1 });
  assert.deepEqual(allocations.apply({ version: 2, seats: { HOLD: [999] } }), []);
});

test("the counts of each grade are those of a recount, whatever came before", () => {
  const { allocations, layout } = makeAllocations({ rows: 2, columns: 3, blocks: 2 });
  const ids = layout.ids;
  allocations.replace({ version: 2, seats: { HOLD: ids.slice(0, 4), OCCUPIED: ids.slice(4, 8) } });
  for (let version = 3; version < 40; version += 1) {
    const some = ids.filter((id) => (id * version) % 5 === 0);
    allocations.apply({ version, seats: { [["AVAILABLE", "HOLD", "OCCUPIED"][version % 3]]: some } });
    for (const grade of [0, 1]) {
      for (const status of [AVAILABLE, HOLD, OCCUPIED]) {
        const recount = ids.filter((_, seat) => layout.grade[seat] === grade && allocations.status[seat] === status);
        assert.equal(allocations.count(grade, status), recount.length);
      }
    }
  }
});

test("a seat of mine is not free, whatever the stream says of it", () => {
  const { allocations } = makeAllocations({ rows: 1, columns: 3 });
  assert.deepEqual(allocations.own([101], [102]), [0, 1]);
  assert.deepEqual([0, 1, 2].map((seat) => allocations.isFree(seat)), [false, false, true]);
  assert.deepEqual(allocations.own([101], []), [1]);
  assert.deepEqual([0, 1, 2].map((seat) => allocations.isFree(seat)), [false, true, true]);
});
