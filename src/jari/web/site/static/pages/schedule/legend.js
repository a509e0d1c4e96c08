// @ts-check
// Grades with prices and live counts, and what the colours of the states mean.

/** @import { Grade } from "../../api/types.d.ts" */
/** @import { Seats } from "./names.js" */

import { AVAILABLE, HOLD, OCCUPIED } from "../../map/allocations.js";
import { palette } from "../../map/palette.js";
import { element, swatch } from "../../parts/elements.js";
import { writeCount, writeMoney } from "../../parts/formats.js";
import { say } from "../../parts/words.js";

export class Legend {
  /** @type {{ row: HTMLElement, free: HTMLElement, bar: HTMLElement }[]} */
  #gradeRows = [];
  /** @type {HTMLElement[]} */
  #stateCounts = [];

  /**
   * @param {HTMLElement} grades
   * @param {HTMLElement} states
   * @param {Seats} seats
   */
  constructor(grades, states, { layout, allocations }) {
    this.grades = grades;
    this.states = states;
    this.layout = layout;
    this.allocations = allocations;
  }

  /** Build the lists anew: at the start and after a change of language or colours. */
  build() {
    const { layout } = this;
    const colors = palette();
    this.#gradeRows = layout.grades.map((grade) => this.#gradeRow(grade));
    this.grades.replaceChildren(...this.#gradeRows.map(({ row }) => row));
    this.#stateCounts = ["available", "held", "sold"].map((state) => element("b", { "data-testid": `count-${state}` }));
    this.states.replaceChildren(
      stateRow("available", stripes(layout.grades), this.#stateCounts[AVAILABLE]),
      stateRow("held", colors.hold, this.#stateCounts[HOLD]),
      stateRow("sold", colors.occupied, this.#stateCounts[OCCUPIED]),
      stateRow("mine", colors.mine));
    this.refresh();
  }

  /** Write the present counts. */
  refresh() {
    const totals = [0, 0, 0];
    this.#gradeRows.forEach(({ free, bar }, index) => {
      const counts = [AVAILABLE, HOLD, OCCUPIED].map((status) => this.allocations.count(index, status));
      const all = counts[0] + counts[1] + counts[2];
      counts.forEach((count, status) => { totals[status] += count; });
      setText(free, say("ofSeats", { free: counts[AVAILABLE], all }));
      bar.style.setProperty("--share", String(all === 0 ? 0 : counts[AVAILABLE] / all));
    });
    totals.forEach((count, status) => setText(this.#stateCounts[status], writeCount(count)));
  }

  /** @param {Grade} grade */
  #gradeRow(grade) {
    const free = element("span", { className: "legend-free" });
    const bar = element("span", { className: "legend-bar", "aria-hidden": "true" });
    bar.style.setProperty("--swatch", grade.color);
    const row = element("li", { "data-testid": "legend-grade", "data-grade": grade.code },
      swatch(grade.color),
      element("span", { className: "legend-name" }, grade.name),
      element("b", {}, writeMoney(grade.price, this.layout.currency)),
      free, bar);
    return { row, free, bar };
  }
}

/**
 * @param {"available" | "held" | "sold" | "mine"} state
 * @param {string} color
 * @param {HTMLElement | ""} count
 */
const stateRow = (state, color, count = "") => element("li", {}, swatch(color, state), say(state), count);

/**
 * Stripes of every grade's colour: what is available has the colour of its grade.
 * @param {Grade[]} grades
 */
function stripes(grades) {
  const parts = grades.map(({ color }, index) =>
    `${color} ${(100 * index) / grades.length}% ${(100 * (index + 1)) / grades.length}%`);
  return `linear-gradient(90deg, ${parts.join(", ")})`;
}

/**
 * Writing the same text again would still cost a layout.
 * @param {HTMLElement} node
 * @param {string} text
 */
function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}
