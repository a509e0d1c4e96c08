// @ts-check
// The one place where the page speaks up: shown for a while, and read out by screen readers.

import { byId } from "./elements.js";

const SHOWN_MS = 7000;

/** @type {ReturnType<typeof setTimeout> | undefined} */
let hideTimer;

/**
 * Say a sentence to the buyer.
 * @param {string} text
 * @param {"plain" | "good" | "bad"} tone
 */
export function announce(text, tone = "plain") {
  const area = byId("message", HTMLElement);
  // A repeated sentence must be read out again, and a live region speaks only when its text changes.
  area.textContent = "";
  area.className = `message shown ${tone}`;
  requestAnimationFrame(() => { area.textContent = text; });
  clearTimeout(hideTimer);
  hideTimer = setTimeout(hush, SHOWN_MS);
}

/** Take the present sentence away. */
export function hush() {
  byId("message", HTMLElement).classList.remove("shown");
}
