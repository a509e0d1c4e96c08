// @ts-check
// How a seat is called on the page: its place, its state, what is special about it.

/** @import { Allocations } from "../../map/allocations.js" */
/** @import { Layout } from "../../map/layout.js" */

import { HOLD, MY_HOLD, MY_SEAT, OCCUPIED } from "../../map/allocations.js";
import { FLAGS } from "../../map/layout.js";
import { writeList } from "../../parts/formats.js";
import { say } from "../../parts/words.js";

/**
 * All that there is to know of seats: where they are, whose they are, and which the buyer has chosen.
 * @typedef {{ layout: Layout, allocations: Allocations, selection: ReadonlySet<number> }} Seats
 */

/**
 * "Block 113, row 7, seat 12"
 * @param {Layout} layout
 * @param {number} seat
 */
export function seatName(layout, seat) {
  return say("seat", {
    block: layout.blockOf(seat).name,
    row: layout.rowLabels[seat],
    seat: layout.seatLabels[seat],
  });
}

/**
 * @param {Layout} layout
 * @param {number[]} seats
 */
export const seatNames = (layout, seats) => writeList(seats.map((seat) => seatName(layout, seat)));

/**
 * A seat's state in words, as the buyer sees it.
 * @param {Seats} seats
 * @param {number} seat
 */
export function stateName({ allocations, selection }, seat) {
  if (allocations.mine[seat] === MY_HOLD) return say("heldForYou");
  if (allocations.mine[seat] === MY_SEAT) return say("boughtByYou");
  if (allocations.status[seat] === OCCUPIED) return say("sold");
  if (allocations.status[seat] === HOLD) return say("held");
  return say(selection.has(seat) ? "selectedState" : "available");
}

/**
 * What is special about a seat, in words.
 * @param {Layout} layout
 * @param {number} seat
 */
export function specialities(layout, seat) {
  return FLAGS.filter((flag) => layout.has(seat, flag)).map((flag) => say(flag));
}
