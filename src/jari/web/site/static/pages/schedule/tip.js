// @ts-check
// The small card beside the pointer: which seat this is, what it costs, whether it can be had.

/** @import { Seats } from "./names.js" */

import { element, swatch } from "../../parts/elements.js";
import { writeMoney } from "../../parts/formats.js";
import { seatName, specialities, stateName } from "./names.js";

const GAP_PIXELS = 16;

export class Tip {
  #seat = -1;

  /**
   * @param {HTMLElement} area
   * @param {HTMLElement} map
   * @param {Seats} seats
   */
  constructor(area, map, seats) {
    this.area = area;
    this.map = map;
    this.seats = seats;
  }

  /**
   * Show a seat's card at a place in the map, or hide it when the seat is -1.
   * @param {number} seat
   * @param {number} left
   * @param {number} top
   */
  show(seat, left, top) {
    const isAnother = seat !== this.#seat;
    this.#seat = seat;
    this.area.hidden = seat < 0;
    if (seat < 0) return;
    if (isAnother) this.refresh();
    this.#place(left, top);
  }

  /** Write the card again after the seat's state may have changed. */
  refresh() {
    const seat = this.#seat;
    if (seat < 0) return;
    const { layout } = this.seats;
    const grade = layout.gradeOf(seat);
    this.area.replaceChildren(
      element("strong", {}, seatName(layout, seat)),
      element("span", { className: "tip-grade" }, swatch(grade.color), grade.name,
        element("b", {}, writeMoney(grade.price, layout.currency))),
      element("span", { className: "tip-state" },
        [stateName(this.seats, seat), ...specialities(layout, seat)].join(" · ")));
  }

  /**
   * @param {number} left
   * @param {number} top
   */
  #place(left, top) {
    const width = this.area.offsetWidth;
    const height = this.area.offsetHeight;
    const x = Math.max(8, Math.min(this.map.clientWidth - width - 8, left - width / 2));
    const above = top - height - GAP_PIXELS;
    const y = above >= 8 ? above : top + GAP_PIXELS;
    this.area.style.transform = `translate(${Math.round(x)}px, ${Math.round(y)}px)`;
  }
}
