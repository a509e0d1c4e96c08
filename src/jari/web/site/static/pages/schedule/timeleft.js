// @ts-check
// The time that is left of a hold, as it is written in the panel.

/** @import { Hold } from "./holds.js" */

import { writeSeconds } from "../../parts/formats.js";
import { LAST_MINUTE_SECONDS } from "../../parts/timers.js";
import { say } from "../../parts/words.js";
import { isBeingPaid, secondsLeft } from "./holds.js";

/** @typedef {{ hold: Hold, node: HTMLElement }} TimeLeft a hold, and where its time is written */

/** @param {TimeLeft} timeLeft */
export function writeTimeLeft({ hold, node }) {
  const seconds = secondsLeft(hold);
  const text = isBeingPaid(hold) ? say("beingChecked") : say("left", { time: writeSeconds(seconds) });
  if (node.textContent !== text) node.textContent = text;
  node.classList.toggle("urgent", seconds <= LAST_MINUTE_SECONDS);
}
