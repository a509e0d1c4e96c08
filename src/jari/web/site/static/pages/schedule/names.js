// How a seat is called on the page: its place, its state, what is special about it.

import { HOLD, MY_HOLD, MY_SEAT, OCCUPIED } from "../../map/allocations.js";
import { FLAGS } from "../../map/layout.js";
import { say } from "../../parts/words.js";

/** "Block 113, row 7, seat 12" */
export function seatName(layout, seat) {
  return say("seat", {
    block: layout.blockOf(seat).name,
    row: layout.rowLabels[seat],
    seat: layout.seatLabels[seat],
  });
}

/** A seat's state in words, as the buyer sees it. */
export function stateName(allocations, selection, seat) {
  if (allocations.mine[seat] === MY_HOLD) return say("heldForYou");
  if (allocations.mine[seat] === MY_SEAT) return say("boughtByYou");
  if (allocations.status[seat] === OCCUPIED) return say("sold");
  if (allocations.status[seat] === HOLD) return say("held");
  return say(selection.has(seat) ? "selectedState" : "available");
}

/** What is special about a seat, in words. */
export function specialities(layout, seat) {
  return Object.keys(FLAGS).filter((flag) => layout.has(seat, flag)).map((flag) => say(flag));
}
