// @ts-check
// The foot of the panel: what has been chosen or is held, in short, and the buttons that lead on.

/** @import { ScheduleAnswer } from "../../api/types.d.ts" */
/** @import { Holds } from "./holds.js" */
/** @import { Seats } from "./names.js" */
/** @import { Actions } from "./panel.js" */
/** @import { Parts } from "./parts.js" */
/** @import { SeatRows } from "./seatrows.js" */
/** @import { TimeLeft } from "./timeleft.js" */

import { element } from "../../parts/elements.js";
import { say } from "../../parts/words.js";

export class ActionBar {
  isHolding = false;
  isReserving = false;
  /** @type {TimeLeft | null} */
  timeLeft = null;

  /**
   * @param {Parts} parts
   * @param {ScheduleAnswer} schedule
   * @param {Seats} seats
   * @param {Holds} holds
   * @param {SeatRows} rows
   * @param {Actions} actions
   */
  constructor(parts, schedule, { layout, selection }, holds, rows, actions) {
    this.parts = parts;
    this.schedule = schedule;
    this.layout = layout;
    this.selection = selection;
    this.holds = holds;
    this.rows = rows;
    parts.hold.addEventListener("click", () => actions.hold());
    parts.releaseAll.addEventListener("click", () => actions.release(holds.freeableIds));
    parts.checkout.addEventListener("click", () => actions.checkOut());
  }

  draw() {
    const { hold, checkout, releaseAll } = this.parts;
    const count = this.selection.size;
    const canGo = this.holds.freeableIds.length > 0;
    hold.textContent = this.#holdLabel(count);
    hold.disabled = count === 0 || this.schedule.status !== "OPEN";
    // Not disabled while the hold is under way: that would take the focus away from who pressed it.
    hold.setAttribute("aria-busy", String(this.isHolding));
    hold.hidden = count === 0 && this.holds.heldIds.length > 0;
    checkout.textContent = say(this.isReserving ? "reserving" : "checkOut");
    checkout.setAttribute("aria-busy", String(this.isReserving));
    checkout.hidden = count > 0 || !canGo;
    releaseAll.textContent = say("releaseAll");
    releaseAll.hidden = !canGo;
    this.#summarise([...this.selection], this.layout.seatsOf(this.holds.heldIds));
  }

  /** @param {number} count */
  #holdLabel(count) {
    if (this.isHolding) return say("holding");
    return count === 0 ? say("hold") : say("holdSeats", { count });
  }

  /**
   * @param {number[]} selected
   * @param {number[]} held
   */
  #summarise(selected, held) {
    const value = element("b");
    let label = say("summaryNone");
    this.timeLeft = null;
    if (selected.length > 0) {
      label = say("selected");
      value.textContent = this.rows.price(selected);
    } else if (held.length > 0) {
      label = say("heldSummary", { count: held.length });
      this.timeLeft = { hold: this.holds.holds[0], node: value };
    }
    this.parts.summary.replaceChildren(element("span", {}, label), value);
  }
}
