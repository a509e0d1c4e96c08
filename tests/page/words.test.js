// The dictionaries: every text in both languages, none missing and none too many.

import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { test } from "node:test";

import { setLanguage } from "../../src/jari/web/site/static/parts/language.js";
import { say } from "../../src/jari/web/site/static/parts/words.js";
import { ENGLISH } from "../../src/jari/web/site/static/parts/words/english.js";
import { KOREAN } from "../../src/jari/web/site/static/parts/words/korean.js";

const STATIC = new URL("../../src/jari/web/site/static/", import.meta.url);
const KEYS = Object.keys(ENGLISH);

/** All that may say something: the modules and the markup, without the dictionaries. */
function sources() {
  const files = readdirSync(STATIC, { recursive: true, encoding: "utf8" });
  const sayers = files.filter((name) => /\.(?:js|ts|html)$/.test(name) && !name.includes("words/"));
  assert.ok(sayers.length > 30);
  return sayers.map((name) => readFileSync(new URL(name, STATIC), "utf8")).join("\n");
}

/**
 * The keys that nobody says: neither by name, nor put together as in `${state}Notice`.
 * @param {string[]} keys
 * @param {string} text
 */
function unsaid(keys, text) {
  const endings = [...text.matchAll(/say\(`\$\{\w+\}(\w+)`/g)].map(([, ending]) => ending);
  return keys.filter((key) => !text.includes(`"${key}"`) && !endings.some((ending) => key.endsWith(ending)));
}

/** @param {string | { one: string, other: string }} entry */
function namesIn(entry) {
  const text = typeof entry === "string" ? entry : entry.other;
  return [...text.matchAll(/\{(\w+)\}/g)].map(([, name]) => name).toSorted();
}

/** @param {Record<string, string | { one: string, other: string }>} dictionary */
const namesByKey = (dictionary) =>
  Object.fromEntries(Object.entries(dictionary).map(([key, entry]) => [key, namesIn(entry)]));

test("both languages have the same keys", () => {
  assert.deepEqual(Object.keys(KOREAN).toSorted(), KEYS.toSorted());
});

test("both languages take the same values", () => {
  assert.deepEqual(namesByKey(KOREAN), namesByKey(ENGLISH));
});

test("every text is said somewhere", () => {
  assert.deepEqual(unsaid(KEYS, sources()), []);
});

test("a text that nobody says is found", () => {
  assert.deepEqual(unsaid(["logIn", "nobodySaysThis", "paidNotice"], 'say("logIn"); say(`${state}Notice`)'), ["nobodySaysThis"]);
});

test("every key in the markup has a text", () => {
  const keys = [...sources().matchAll(/data-word(?:-label)?="(\w+)"/g)].map(([, key]) => key);
  assert.ok(keys.length > 20);
  assert.deepEqual(keys.filter((key) => !KEYS.includes(key)), []);
});

test("values stand in their places, numbers as the language writes them, and one is not many", () => {
  setLanguage("en");
  assert.equal(say("seatCount", { count: 1 }), "1 seat");
  assert.equal(say("seatCount", { count: 23_750 }), "23,750 seats");
  assert.equal(say("seat", { block: "113", row: "7", seat: "12" }), "Block 113, row 7, seat 12");
  setLanguage("ko");
  assert.equal(say("seatCount", { count: 23_750 }), "23,750석");
  assert.equal(say("seat", { block: "113", row: "7", seat: "12" }), "113블록 7열 12번");
});

test("a value is text, whatever it looks like", () => {
  setLanguage("en");
  assert.equal(say("welcome", { name: "{name} $& <b>" }), "Welcome, {name} $& <b>.");
});
