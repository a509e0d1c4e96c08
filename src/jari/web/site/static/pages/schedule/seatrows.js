// @ts-check
// Seats as rows of the panel: place, grade, price, and what can be done with each.

/** @import { Layout } from "../../map/layout.js" */

import { element, swatch } from "../../parts/elements.js";
import { writeMoney } from "../../parts/formats.js";
import { say } from "../../parts/words.js";
import { seatName } from "./names.js";

export class SeatRows {
  /**
   * @param {Layout} layout
   * @param {(seat: number) => void} onShow
   */
  constructor(layout, onShow) {
    this.layout = layout;
    this.onShow = onShow;
  }

  /**
   * @param {number[]} seats
   * @param {string} testId
   * @param {(seat: number) => HTMLElement | ""} action
   */
  list(seats, testId, action = () => "") {
    return element("ul", { className: "seats" }, ...seats.map((seat) => this.#row(seat, testId, action(seat))));
  }

  /** @param {number[]} seats */
  total(seats) {
    return element("p", { className: "total" }, say("total"), element("b", {}, this.price(seats)));
  }

  /** @param {number[]} seats */
  price(seats) {
    return writeMoney(this.layout.priceOf(seats), this.layout.currency);
  }

  /**
   * @param {number} seat
   * @param {string} testId
   * @param {HTMLElement | ""} action
   */
  #row(seat, testId, action) {
    const { layout } = this;
    const grade = layout.gradeOf(seat);
    return element("li", { "data-testid": testId, "data-seat-id": layout.ids[seat] },
      element("button", { type: "button", className: "seat-name", onclick: () => this.onShow(seat) },
        swatch(grade.color),
        element("span", {}, seatName(layout, seat), element("small", {}, grade.name))),
      element("b", {}, writeMoney(grade.price, layout.currency)),
      action);
  }
}
