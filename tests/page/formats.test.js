// Money, numbers and times as the two languages write them.

import assert from "node:assert/strict";
import { test } from "node:test";

import { writeCount, writeMoney, writeSeconds } from "../../src/jari/web/site/static/parts/formats.js";
import { setLanguage } from "../../src/jari/web/site/static/parts/language.js";

test("money is written from the currency's minor unit: won has none, dollars have cents", () => {
  setLanguage("ko");
  assert.equal(writeMoney(15_000, "KRW"), "₩15,000");
  setLanguage("en");
  assert.equal(writeMoney(1999, "USD"), "$19.99");
});

test("large numbers are easy to read", () => {
  for (const language of /** @type {const} */ (["ko", "en"])) {
    setLanguage(language);
    assert.equal(writeCount(23_750), "23,750");
  }
});

test("time that is left is written in minutes and seconds", () => {
  assert.deepEqual([0, 9, 60, 245].map((seconds) => writeSeconds(seconds)), ["0:00", "0:09", "1:00", "4:05"]);
});
