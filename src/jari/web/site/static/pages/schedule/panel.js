// @ts-check
// The panel beside the map (a sheet below it on phones): what I have chosen, what I hold, what to do next.

/** @import { ScheduleAnswer } from "../../api/types.d.ts" */
/** @import { Hold, Holds } from "./holds.js" */
/** @import { Seats } from "./names.js" */
/** @import { Parts } from "./parts.js" */
/** @import { TimeLeft } from "./timeleft.js" */

import { button, element, keepFocus } from "../../parts/elements.js";
import { say } from "../../parts/words.js";
import { ActionBar } from "./actionbar.js";
import { isBeingPaid } from "./holds.js";
import { seatName } from "./names.js";
import { showOccasion } from "./occasion.js";
import { SeatRows } from "./seatrows.js";
import { writeTimeLeft } from "./timeleft.js";

/**
 * @typedef {object} Actions
 * @property {(seat: number) => void} drop
 * @property {() => void} hold
 * @property {(seatIds: number[]) => void} release
 * @property {() => void} checkOut
 * @property {(seat: number) => void} show
 */

export class Panel {
  /** @type {TimeLeft[]} */
  #timesLeft = [];

  /**
   * @param {Parts} parts
   * @param {ScheduleAnswer} schedule
   * @param {Seats} seats
   * @param {Holds} holds
   * @param {Actions} actions
   */
  constructor(parts, schedule, seats, holds, actions) {
    this.parts = parts;
    this.schedule = schedule;
    this.layout = seats.layout;
    this.selection = seats.selection;
    this.holds = holds;
    this.actions = actions;
    this.rows = new SeatRows(seats.layout, actions.show);
    this.bar = new ActionBar(parts, schedule, seats, holds, this.rows, actions);
    parts.handle.addEventListener("click", () => this.#toggle());
  }

  /** A hold is under way; pressing again does nothing meanwhile. */
  get isHolding() {
    return this.bar.isHolding;
  }

  set isHolding(isHolding) {
    this.bar.isHolding = isHolding;
    this.draw();
  }

  /** The way to the checkout is under way. */
  get isReserving() {
    return this.bar.isReserving;
  }

  set isReserving(isReserving) {
    this.bar.isReserving = isReserving;
    this.draw();
  }

  /** Draw everything anew. Where the pressed button has gone, the focus goes to the summary, which says what has
   * become of it. Not to the next best button: after a hold that is "Release all", and a second press of Enter
   * would give the seats back. */
  draw() {
    keepFocus(this.parts.panel, () => {
      this.#timesLeft = [];
      showOccasion(this.parts.occasion, this.schedule);
      this.#drawHolds();
      this.#drawSelection([...this.selection]);
      this.bar.draw();
      if (this.bar.timeLeft) this.#timesLeft.push(this.bar.timeLeft);
    }, this.parts.summary);
    this.tick();
  }

  /** Bring the top of the panel into sight, where the holds are. */
  showTop() {
    this.parts.body.scrollTop = 0;
  }

  /** Write the time that is left. */
  tick() {
    this.#timesLeft.forEach(writeTimeLeft);
  }

  #toggle() {
    const open = this.parts.panel.classList.toggle("open");
    this.parts.handle.setAttribute("aria-expanded", String(open));
  }

  /** @param {number[]} seats */
  #drawSelection(seats) {
    const { maxSeats } = this.schedule;
    const title = element("h2", {}, say("selected"),
      element("span", { className: "of-limit" }, `${seats.length + this.holds.size} / ${maxSeats}`));
    const chosen = seats.length === 0
      ? [element("p", { className: "hint" }, say("nothingSelected", { count: maxSeats }))]
      : [this.rows.list(seats, "selected-seat", (seat) => this.#removeButton(seat)), this.rows.total(seats)];
    this.parts.selection.replaceChildren(title, ...chosen);
  }

  /** @param {number} seat */
  #removeButton(seat) {
    return button("×", {
      testId: "remove-button",
      className: "button quiet icon",
      "aria-label": say("removeSeat", { seat: seatName(this.layout, seat) }),
      onClick: () => this.actions.drop(seat),
    });
  }

  #drawHolds() {
    const { holds, occupied } = this.holds;
    const groups = holds.map((hold) => this.#holdGroup(hold));
    if (occupied.length > 0) groups.push(this.#boughtGroup(this.layout.seatsOf(occupied)));
    this.parts.holds.hidden = groups.length === 0;
    this.parts.holds.replaceChildren(...groups);
  }

  /** @param {Hold} hold */
  #holdGroup(hold) {
    const node = element("span", { className: "countdown", role: "timer", "data-testid": "countdown" });
    this.#timesLeft.push({ hold, node });
    const seats = this.layout.seatsOf(hold.seatIds);
    return element("div", { className: "group mine", "data-testid": "hold" },
      element("h2", {}, say("heldForYou"), node),
      this.rows.list(seats, "held-seat", (seat) => (isBeingPaid(hold) ? "" : this.#releaseButton(seat))),
      this.rows.total(seats));
  }

  /** @param {number} seat */
  #releaseButton(seat) {
    return button(say("release"), {
      testId: "release-button",
      className: "button small",
      "aria-label": say("releaseSeat", { seat: seatName(this.layout, seat) }),
      onClick: () => this.actions.release(this.layout.idsOf([seat])),
    });
  }

  /** @param {number[]} seats */
  #boughtGroup(seats) {
    return element("div", { className: "group mine" },
      element("h2", {}, say("boughtByYou")), this.rows.list(seats, "bought-seat"));
  }
}
