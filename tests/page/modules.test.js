// What holds for every module of the page.

import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { test } from "node:test";

const STATIC = new URL("../../src/jari/web/site/static/", import.meta.url);
const MODULES = readdirSync(STATIC, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".js"));

test("every module has its types checked, also in an editor that knows no more than the file, and says what it is for", () => {
  assert.ok(MODULES.length > 30);
  const others = MODULES.filter((name) =>
    !/^\/\/ @ts-check\n\/\/ [A-Z]/.test(readFileSync(new URL(name, STATIC), "utf8")));
  assert.deepEqual(others, []);
});
