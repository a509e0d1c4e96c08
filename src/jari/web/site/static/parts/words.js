// @ts-check
// What the page says: texts by their keys, in the page's language. words/ has a dictionary for each language.

import { writeCount } from "./formats.js";
import { language } from "./language.js";
import { ENGLISH } from "./words/english.js";
import { KOREAN } from "./words/korean.js";

/**
 * @typedef {keyof typeof ENGLISH} Word
 * @typedef {string | { one: string, other: string }} Entry
 * @typedef {Record<Word, Entry>} Dictionary
 */

/**
 * The names in braces of a text.
 * @template Text
 * @typedef {Text extends `${string}{${infer Name}}${infer Rest}` ? Name | Names<Rest> : never} Names
 */

/**
 * What `say` needs besides a key: the values of the names in braces, or nothing if there are none.
 * @template {Word} Key
 * @typedef {NamesOf<(typeof ENGLISH)[Key]>} Needed
 */

/**
 * @template Entry
 * @typedef {Entry extends { other: infer Other } ? Names<Other> : Names<Entry>} NamesOf
 */

/** @type {Record<import("./language.js").Language, Dictionary>} */
const DICTIONARIES = { ko: KOREAN, en: ENGLISH };

/**
 * The words for a key, in the present language. Numbers are written as the language writes them.
 * @template {Word} Key
 * @param {Key} key
 * @param {[Needed<Key>] extends [never] ? [] : [Record<Needed<Key>, string | number>]} given
 */
export function say(key, ...given) {
  /** @type {Record<string, string | number>} */
  const values = given[0] ?? {};
  const entry = DICTIONARIES[language()][key];
  const text = typeof entry === "string" ? entry : entry[isOne(values.count) ? "one" : "other"];
  return text.replaceAll(/\{(\w+)\}/g, (_, name) => write(values[name]));
}

/** @param {string | number | undefined} count */
const isOne = (count) => new Intl.PluralRules(language()).select(Number(count)) === "one";

/** @param {string | number} value */
const write = (value) => (typeof value === "number" ? writeCount(value) : value);

/**
 * Fill in `data-word` (text) and `data-word-label` (accessible name) of a part of the page.
 * @param {HTMLElement} root
 */
export function translate(root) {
  /** @type {NodeListOf<HTMLElement>} */
  const parts = root.querySelectorAll("[data-word], [data-word-label]");
  for (const part of parts) {
    const { word, wordLabel } = part.dataset;
    if (word) part.textContent = sayNamed(word);
    if (wordLabel) part.setAttribute("aria-label", sayNamed(wordLabel));
  }
}

/**
 * The words for a key that stands in the markup; a test holds these keys to the dictionary.
 * @param {string} key
 */
const sayNamed = (key) => say(/** @type {"close"} */ (key));
