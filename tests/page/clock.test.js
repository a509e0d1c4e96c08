// The server's clock as the page has it.

import assert from "node:assert/strict";
import { test } from "node:test";

import { correctClock, nowMs } from "../../src/jari/web/site/static/api/clock.js";

test("a clock that is an hour slow is put right by what the server says", ({ mock }) => {
  mock.timers.enable({ apis: ["Date"], now: 1_000_000 });
  correctClock(new Date(1_000_000 + 3_600_000).toISOString(), 1_000_000);
  assert.equal(nowMs(), 4_600_000);
  mock.timers.tick(5000);
  assert.equal(nowMs(), 4_605_000);
});

test("half of the journey is taken off, for the answer was on its way so long", ({ mock }) => {
  mock.timers.enable({ apis: ["Date"], now: 1_000_000 });
  const askedMs = Date.now();
  mock.timers.tick(400);
  correctClock(new Date(1_000_200).toISOString(), askedMs);
  assert.equal(nowMs(), Date.now());
});
