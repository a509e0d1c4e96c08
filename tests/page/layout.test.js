// The plan of a schedule: which seat is where.

import assert from "node:assert/strict";
import { test } from "node:test";

import { makeLayout } from "./plans.js";

test("seats are found by id, and ids of another plan are passed over", () => {
  const layout = makeLayout({ rows: 1, columns: 4 });
  assert.deepEqual(layout.seatsOf([103, 999, 101]), [2, 0]);
  assert.deepEqual(layout.idsOf([2, 0]), [103, 101]);
});

test("a seat knows its block, its grade and what is special about it", () => {
  const layout = makeLayout({ rows: 1, columns: 2, blocks: 2, accessible: [104] });
  assert.deepEqual([0, 3].map((seat) => layout.blockOf(seat).name), ["101", "102"]);
  assert.deepEqual([0, 3].map((seat) => layout.gradeOf(seat).code), ["red", "blue"]);
  assert.deepEqual([0, 3].map((seat) => layout.has(seat, "accessible")), [false, true]);
  assert.equal(layout.priceOf([0, 3]), 24_000);
});

test("a block is as large as its seats, and the venue as its blocks", () => {
  const layout = makeLayout({ rows: 2, columns: 3, blocks: 2 });
  const { left, top, right, bottom, centreX, centreY, seats } = layout.blocks[1];
  assert.deepEqual({ left, top, right, bottom }, { left: 5, top: 0, right: 7, bottom: 1 });
  assert.deepEqual({ centreX, centreY, seats }, { centreX: 6, centreY: 0.5, seats: [6, 7, 8, 9, 10, 11] });
  assert.deepEqual(layout.bounds, { left: 0, top: 0, right: 7, bottom: 1 });
});

test("the nearest seat is the same as among all seats, wherever one points", () => {
  const layout = makeLayout({ rows: 9, columns: 11, blocks: 3 });
  const reach = 0.7;
  for (let step = 0; step < 400; step += 1) {
    const x = -2 + ((step * 37) % 400) / 9;
    const y = -2 + ((step * 61) % 400) / 30;
    const distances = Array.from({ length: layout.count }, (_, seat) => Math.hypot(layout.x[seat] - x, layout.y[seat] - y));
    const nearest = layout.nearest(x, y, reach);
    const least = Math.min(...distances);
    if (least > reach) assert.equal(nearest, -1);
    else assert.equal(distances[nearest], least);
  }
});

test("the pitch is the distance of neighbours, so that no two seats overlap", () => {
  assert.equal(makeLayout({ rows: 20, columns: 30 }).pitch, 1);
});

test("a plan of a single seat has a size to draw it in", () => {
  const layout = makeLayout({ rows: 1, columns: 1 });
  assert.ok(layout.pitch > 0);
  assert.equal(layout.nearest(0, 0, 1), 0);
});

test("a plan without seats can still be shown", () => {
  const layout = makeLayout({ rows: 0, columns: 0 });
  assert.deepEqual(layout.bounds, { left: 0, top: 0, right: 100, bottom: 50 });
  assert.equal(layout.nearest(1, 1, 10), -1);
});
