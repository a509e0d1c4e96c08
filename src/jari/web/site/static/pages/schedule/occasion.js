// @ts-check
// What is being sold: the title, where and when, and whether the sale is open.

/** @import { ScheduleAnswer } from "../../api/types.d.ts" */

import { element } from "../../parts/elements.js";
import { writeMoment } from "../../parts/formats.js";
import { say } from "../../parts/words.js";

/**
 * @param {HTMLElement} area
 * @param {ScheduleAnswer} schedule
 */
export function showOccasion(area, { title, venueName, startsAt, opensAt, status }) {
  const isOpen = status === "OPEN";
  const isAhead = !isOpen && Date.parse(opensAt) > Date.now();
  area.replaceChildren(
    element("div", { className: "occasion-title" },
      element("h1", {}, title),
      element("span", { className: `badge ${isOpen ? "open" : "closed"}`, "data-testid": "sale-state" },
        say(isOpen ? "open" : "closed"))),
    element("p", {}, venueName, " · ", element("time", { dateTime: startsAt }, writeMoment(startsAt))),
    isAhead ? element("p", { className: "opening" }, say("opensAt", { when: writeMoment(opensAt) })) : "");
}
