// @ts-check
// Which language the page speaks: the one that was chosen, or else the browser's.

import { Listeners } from "./listeners.js";

/** @typedef {"ko" | "en"} Language */

const REMEMBERED = "jari.language";

/** @type {Listeners} */
const changes = new Listeners();

let current = rememberedLanguage() ?? browserLanguage();

/** @returns {Language | null} */
function rememberedLanguage() {
  try {
    const remembered = localStorage.getItem(REMEMBERED);
    return remembered === "ko" || remembered === "en" ? remembered : null;
  } catch {
    return null; // Storage may be forbidden; then the browser's language decides each time.
  }
}

/** @returns {Language} */
function browserLanguage() {
  return navigator.language.toLowerCase().startsWith("ko") ? "ko" : "en";
}

export const language = () => current;

/**
 * Change the language, remember it, and tell everybody who shows words.
 * @param {Language} next
 */
export function setLanguage(next) {
  current = next;
  try {
    localStorage.setItem(REMEMBERED, next);
  } catch {
    // Then it holds until the page is left.
  }
  changes.tell();
}

/**
 * Call back after a change of language, until the signal aborts.
 * @param {() => void} listener
 * @param {AbortSignal} [signal]
 */
export const onLanguageChange = (listener, signal) => changes.add(listener, signal);
