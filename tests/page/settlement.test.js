// What became of a payment is asked for until it is known, and nothing is said to have failed before.

import assert from "node:assert/strict";
import { test } from "node:test";

import { ApiError } from "../../src/jari/web/site/static/api/client.js";
import { awaitSettlement, settle } from "../../src/jari/web/site/static/api/settlement.js";
import { makePayment, makeReservation } from "./reservations.js";
import { passTime, serve } from "./servers.js";

const PAYMENT = { paymentKey: "key", orderId: "order-7", amount: 30_000 };
const CHECKED = makeReservation({ payment: makePayment("CONFIRMING") });
const PAID = makeReservation({ status: "CONFIRMED", payment: makePayment("DONE") });

/** Notes why the page waits. */
function watch() {
  /** @type {string[]} */
  const why = [];
  return { why, waiting: { onWait: (/** @type {string} */ each) => { why.push(each); }, signal: new AbortController().signal } };
}

test("a payment that is charged at once is not asked for again", async (context) => {
  const asked = serve(context, [{ data: PAID }]);
  const { why, waiting } = watch();
  assert.equal((await passTime(context, () => settle(PAYMENT, waiting))).status, "CONFIRMED");
  assert.deepEqual(asked.map(({ method, path, body }) => [method, path, body]), [["POST", "/api/payments/confirm", PAYMENT]]);
  assert.deepEqual(why, []);
});

test("a payment under way is waited for until it has ended", async (context) => {
  const asked = serve(context, [{ data: CHECKED }, { data: CHECKED }, { data: CHECKED }, { data: PAID }]);
  const { why, waiting } = watch();
  assert.equal((await passTime(context, () => settle(PAYMENT, waiting))).status, "CONFIRMED");
  assert.deepEqual(asked.slice(1).map(({ path }) => path), Array.from({ length: 3 }, () => "/api/reservations/7"));
  assert.deepEqual(why, ["checking", "checking", "checking"]);
});

test("no answer, a server that is full and one that is at it leave the payment open, and are asked again", async (context) => {
  const asked = serve(context, [
    null,
    { status: 503, code: "UNAVAILABLE" },
    { status: 429, code: "TOO_MANY_ATTEMPTS" },
    { status: 409, code: "PAYMENT_IN_PROGRESS" },
    { data: PAID },
  ]);
  const { why, waiting } = watch();
  assert.equal((await passTime(context, () => settle(PAYMENT, waiting))).status, "CONFIRMED");
  assert.equal(asked.length, 5);
  assert.deepEqual(why, ["unreachable", "unreachable", "unreachable", "checking"]);
});

test("a refusal settles it: nothing was charged, and nothing is asked again", async (context) => {
  const asked = serve(context, [{ status: 402, code: "PAYMENT_REFUSED" }]);
  const { waiting } = watch();
  await assert.rejects(passTime(context, () => settle(PAYMENT, waiting)),
    (error) => error instanceof ApiError && error.code === "PAYMENT_REFUSED");
  assert.equal(asked.length, 1);
});

test("a server that asks for patience is given it", async (context) => {
  serve(context, [{ status: 503, code: "UNAVAILABLE", headers: { "Retry-After": "30" } }, { data: PAID }]);
  const { waiting } = watch();
  await passTime(context, async () => {
    const startMs = Date.now();
    await settle(PAYMENT, waiting);
    assert.ok(Date.now() - startMs >= 30_000);
  });
});

test("whoever leaves the page is not waited for", async (context) => {
  serve(context, [{ data: CHECKED }]);
  const leaving = new AbortController();
  const waiting = { signal: leaving.signal, onWait: () => leaving.abort() };
  await assert.rejects(passTime(context, () => awaitSettlement(CHECKED, waiting)), { name: "AbortError" });
});
