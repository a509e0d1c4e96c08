// @ts-check
// How numbers, money and times are written in the page's language.

import { language } from "./language.js";

/** @param {number} count */
export const writeCount = (count) => count.toLocaleString(language());

/**
 * An amount in the currency's minor unit, e.g. won, or cents.
 * @param {number} amount
 * @param {string} currency
 */
export function writeMoney(amount, currency) {
  const format = new Intl.NumberFormat(language(), { style: "currency", currency });
  return format.format(amount / 10 ** (format.resolvedOptions().maximumFractionDigits ?? 0));
}

/**
 * A moment in the buyer's own time zone.
 * @param {string} moment
 */
export function writeMoment(moment) {
  return new Intl.DateTimeFormat(language(), {
    year: "numeric", month: "long", day: "numeric", weekday: "short", hour: "numeric", minute: "2-digit",
    timeZoneName: "short",
  }).format(new Date(moment));
}

/**
 * The time of day of a moment.
 * @param {string} moment
 */
export function writeTime(moment) {
  return new Intl.DateTimeFormat(language(), { hour: "numeric", minute: "2-digit" }).format(new Date(moment));
}

/**
 * Minutes and seconds, "4:05".
 * @param {number} seconds
 */
export function writeSeconds(seconds) {
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}

/**
 * Several things in a row. Not with commas, which stand within the names of seats.
 * @param {string[]} things
 */
export const writeList = (things) => things.join(" · ");
