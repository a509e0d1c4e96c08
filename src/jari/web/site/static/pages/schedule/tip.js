// The small card beside the pointer: which seat this is, what it costs, whether it can be had.

import { element, swatch } from "../../parts/elements.js";
import { seatName, specialities, stateName } from "./names.js";
import { writeMoney } from "../../parts/words.js";

const GAP_PIXELS = 16;

export class Tip {
  constructor(area, { layout, allocations, selection }) {
    this.area = area;
    this.layout = layout;
    this.allocations = allocations;
    this.selection = selection;
    this.seat = -1;
  }

  /** Show a seat's card at a place in the map, or hide it when the seat is -1. */
  show(seat, left, top) {
    if (seat < 0) {
      this.seat = -1;
      this.area.hidden = true;
      return;
    }
    if (seat !== this.seat) {
      this.seat = seat;
      this.refresh();
    }
    this.area.hidden = false;
    this.#place(left, top);
  }

  /** Write the card again after the seat's state may have changed. */
  refresh() {
    if (this.seat < 0) return;
    const { layout, allocations, selection, seat } = this;
    const grade = layout.gradeOf(seat);
    const special = specialities(layout, seat);
    this.area.replaceChildren(
      element("strong", {}, seatName(layout, seat)),
      element("span", { className: "tip-grade" }, swatch(grade.color), grade.name,
        element("b", {}, writeMoney(grade.price, layout.currency))),
      element("span", { className: "tip-state" }, [stateName(allocations, selection, seat), ...special].join(" · ")));
  }

  #place(left, top) {
    const map = this.area.parentElement;
    const width = this.area.offsetWidth;
    const height = this.area.offsetHeight;
    const x = Math.max(8, Math.min(map.clientWidth - width - 8, left - width / 2));
    const above = top - height - GAP_PIXELS;
    const y = above >= 8 ? above : top + GAP_PIXELS;
    this.area.style.transform = `translate(${Math.round(x)}px, ${Math.round(y)}px)`;
  }
}
