// The seats that a buyer has chosen: as many as one may have, and only what is still to be had.

import assert from "node:assert/strict";
import { test } from "node:test";

import { Choice } from "../../src/jari/web/site/static/pages/schedule/choice.js";
import { Holds } from "../../src/jari/web/site/static/pages/schedule/holds.js";
import { makeAllocations } from "./plans.js";
import { serve } from "./servers.js";

function makeChoice({ maxSeats = 4 } = {}) {
  const { allocations } = makeAllocations({ rows: 1, columns: 8 });
  const holds = new Holds(1);
  const choice = new Choice({ maxSeats }, allocations, holds);
  /** @type {number[][]} */
  const told = [];
  choice.changes.add((seats) => told.push(seats));
  return { allocations, holds, choice, told };
}

test("what is held and bought counts against what may be chosen", async (context) => {
  const { holds, choice } = makeChoice();
  serve(context, [{ data: {
    serverTime: "2030-01-01T00:00:00Z", holds: [{ holdId: "h", seatIds: [107], expiresAt: null }], occupied: [108],
  } }]);
  await holds.refresh();
  choice.add(0);
  assert.equal(choice.room, 1);
});

test("seats that others have taken are told apart from those that are still to be had", () => {
  const { allocations, choice } = makeChoice();
  choice.add(0);
  choice.add(1);
  allocations.apply({ version: 2, seats: { HOLD: [101, 103] } });
  assert.deepEqual(choice.taken([0, 1, 2]), [0]);
});

test("a seat whose hold is under way is not taken by others: the stream may be faster than the answer", () => {
  const { allocations, choice } = makeChoice();
  choice.add(0);
  choice.expectHold([0]);
  allocations.apply({ version: 2, seats: { HOLD: [101] } });
  assert.deepEqual(choice.taken([0]), []);
  choice.expectHold([]);
  assert.deepEqual(choice.taken([0]), [0]);
});

test("dropping tells of the seats that were chosen, and of nothing else", () => {
  const { choice, told } = makeChoice();
  choice.add(0);
  choice.drop([0, 5]);
  choice.drop([5]);
  assert.deepEqual(told, [[0], [0]]);
});

test("what has become mine is chosen no more, and after a log-in no more than there is room for", () => {
  const { allocations, holds, choice } = makeChoice();
  for (const seat of [0, 1, 2, 3]) choice.add(seat);
  holds.occupied = [105, 106];
  allocations.own([101], holds.occupied);
  choice.makeRoom();
  assert.deepEqual([...choice.seats], [1, 2]);
});
