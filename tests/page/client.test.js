// The calls of the API: what is repeated, and what errors say.

import assert from "node:assert/strict";
import { test } from "node:test";

import * as api from "../../src/jari/web/site/static/api/client.js";
import { passTime, serve } from "./servers.js";

const HELD = { holdId: "h1", seatIds: [101], expiresAt: "2030-01-01T00:00:00Z" };

test("a hold whose answer was lost is asked for again under the same key, so that it is done once", async (context) => {
  const asked = serve(context, [null, { status: 502 }, { status: 409, code: "IDEMPOTENT_REQUEST_IN_PROGRESS" }, { data: HELD }]);
  assert.deepEqual(await passTime(context, () => api.hold(1, [101])), HELD);
  assert.equal(asked.length, 4);
  assert.equal(new Set(asked.map(({ key }) => key)).size, 1);
});

test("two holds have keys of their own", async (context) => {
  const asked = serve(context, [{ data: HELD }, { data: HELD }]);
  await api.hold(1, [101]);
  await api.hold(1, [101]);
  assert.notEqual(asked[0].key, asked[1].key);
});

test("a refusal is not asked again, and names the seats", async (context) => {
  const asked = serve(context, [{ status: 409, code: "SEATS_TAKEN" }]);
  await assert.rejects(api.hold(1, [101]), (error) => api.codeOf(error) === "SEATS_TAKEN" && api.statusOf(error) === 409);
  assert.equal(asked.length, 1);
});

test("a hold that never gets an answer ends in saying so", async (context) => {
  const asked = serve(context, Array.from({ length: 9 }, () => null));
  await assert.rejects(passTime(context, () => api.hold(1, [101])), api.NetworkError);
  assert.equal(asked.length, 4);
});

test("nobody is logged in where the server knows no session, and every other error is one", async (context) => {
  serve(context, [{ status: 401, code: "UNAUTHENTICATED" }, { status: 503, code: "UNAVAILABLE" }]);
  assert.equal(await api.me(), null);
  await assert.rejects(api.me(), api.ApiError);
});

test("an error of the page's own is none of the call's", () => {
  assert.equal(api.isOfCall(new TypeError("undefined is not a function")), false);
  assert.equal(api.isOfCall(new api.NetworkError("gone")), true);
});
