// What the buyer is told when the server said no, or nothing.

import assert from "node:assert/strict";
import { test } from "node:test";

import { ApiError, NetworkError } from "../../src/jari/web/site/static/api/client.js";
import { setLanguage } from "../../src/jari/web/site/static/parts/language.js";
import { explain, explainCode, isTurnedBack } from "../../src/jari/web/site/static/parts/refusals.js";

setLanguage("en");

test("no answer is told apart from a refusal", () => {
  assert.equal(explain(new NetworkError("gone")), "No answer from the server. Check the connection and try again.");
});

test("a limit says how long to wait, and the usual time where the server did not say", () => {
  assert.equal(explain(new ApiError(429, {}, 12)), "Too many tries. Please wait 12 seconds.");
  assert.equal(explain(new ApiError(429, {}, 0)), "Too many tries. Please wait 60 seconds.");
});

test("who has kept seats too long is told in how many minutes they can come back", () => {
  const refused = explain(new ApiError(409, { code: "KEPT_TOO_LONG" }, 290));
  assert.match(refused, /come back for these in 5 minutes\.$/);
  setLanguage("ko");
  assert.match(explain(new ApiError(409, { code: "KEPT_TOO_LONG" }, 290)), /5분 뒤에/);
  setLanguage("en");
});

test("a code that the page has no words for is told in the server's words", () => {
  assert.equal(explain(new ApiError(409, { code: "BRAND_NEW", detail: "The roof is open." }, 0)),
    "That did not work: The roof is open.");
  assert.equal(explainCode("BRAND_NEW"), undefined);
});

test("a gateway's own code is told in the page's words, and turning back is no reason to ask why", () => {
  assert.equal(explainCode("REJECT_CARD_COMPANY"), explainCode("REJECT_CARD_PAYMENT"));
  assert.notEqual(explainCode("PAY_PROCESS_CANCELED"), undefined);
  assert.ok(isTurnedBack("PAY_PROCESS_CANCELED"));
  assert.ok(!isTurnedBack("REJECT_CARD_COMPANY"));
  assert.ok(!isTurnedBack("PAYMENT_REFUSED"));
});

test("a code is no name of something else", () => {
  assert.equal(explainCode("constructor"), undefined);
});

test("a fault of the page's own is told as well", () => {
  assert.equal(explain(new TypeError("x is undefined")), "That did not work: x is undefined");
});
