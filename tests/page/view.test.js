// Which part of the plan is seen: plan units to pixels and back, and the way from one view to the next.

import assert from "node:assert/strict";
import { test } from "node:test";

import { Glide } from "../../src/jari/web/site/static/map/glide.js";
import { View } from "../../src/jari/web/site/static/map/view.js";

const BOUNDS = { left: 10, top: 20, right: 210, bottom: 120 };

function makeView({ width = 800, height = 600, pitch = 1 } = {}) {
  const view = new View(BOUNDS, pitch);
  view.resize(width, height);
  return view;
}

/**
 * @param {number} actual
 * @param {number} expected
 */
const near = (actual, expected) => assert.ok(Math.abs(actual - expected) < 1e-6, `${actual} is not ${expected}`);

test("the whole venue lies within the view, in its middle", () => {
  const view = makeView();
  const corner = view.toPixels(BOUNDS.left, BOUNDS.top);
  const opposite = view.toPixels(BOUNDS.right, BOUNDS.bottom);
  assert.ok(corner.x >= 0 && corner.y >= 0 && opposite.x <= 800 && opposite.y <= 600);
  near(corner.x + opposite.x, 800);
  near(corner.y + opposite.y, 600);
});

test("pixels and plan units turn into each other", () => {
  const view = makeView();
  view.zoomAt(300, 200, 2.5);
  const { x, y } = view.toPlan(123, 456);
  const back = view.toPixels(x, y);
  near(back.x, 123);
  near(back.y, 456);
});

test("zooming about a point leaves it where it is", () => {
  const view = makeView();
  const before = view.toPlan(350, 250);
  view.zoomAt(350, 250, 1.7);
  const after = view.toPlan(350, 250);
  near(after.x, before.x);
  near(after.y, before.y);
});

test("nobody comes nearer than seats can be told apart, or loses the venue in the distance", () => {
  const view = makeView({ pitch: 2 });
  view.zoomAt(0, 0, 1e6);
  near(view.scale, 26);
  view.zoomAt(0, 0, 1e-6);
  assert.ok(view.scale > view.wholeScale() * 0.8);
});

test("however far one pans, the middle of the view stays over the venue", () => {
  const view = makeView();
  for (const [right, down] of [[1e6, 0], [0, 1e6], [-1e6, 0], [0, -1e6]]) {
    view.panBy(right, down);
    const { x, y } = view.centre();
    assert.ok(x >= BOUNDS.left - 1e-6 && x <= BOUNDS.right + 1e-6);
    assert.ok(y >= BOUNDS.top - 1e-6 && y <= BOUNDS.bottom + 1e-6);
  }
});

test("another size fits the whole map again, but keeps the middle of a part", () => {
  const whole = makeView();
  whole.resize(400, 300);
  near(whole.scale, whole.wholeScale());
  const part = makeView();
  part.centreOn({ x: 100, y: 60, scale: 20 });
  part.resize(400, 300);
  near(part.centre().x, 100);
  near(part.centre().y, 60);
  near(part.scale, 20);
});

test("a glide begins where the view is, ends at its target, and its target only comes nearer", () => {
  const from = { x: 0, y: 0, scale: 1 };
  const to = { x: 100, y: 50, scale: 16 };
  const glide = new Glide(from, to, 1000);
  assert.deepEqual(glide.at(1000), from);
  let last = Infinity;
  for (let nowMs = 1000; !glide.isOver(nowMs); nowMs += 16) {
    const { x, y, scale } = glide.at(nowMs);
    const pixels = Math.hypot(to.x - x, to.y - y) * scale;
    assert.ok(pixels <= last + 1e-9);
    last = pixels;
  }
  const end = glide.at(5000);
  near(end.x, 100);
  near(end.y, 50);
  near(end.scale, 16);
});

test("a frame that began before the glide does not throw it back", () => {
  const from = { x: 3, y: 4, scale: 2 };
  assert.deepEqual(new Glide(from, { x: 9, y: 9, scale: 2 }, 1000).at(990), from);
});
