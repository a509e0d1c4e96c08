// Grades with prices and live counts, and what the colours of the states mean.

import { AVAILABLE, HOLD, OCCUPIED } from "../../map/allocations.js";
import { element, swatch } from "../../parts/elements.js";
import { palette } from "../../map/palette.js";
import { say, writeCount, writeMoney } from "../../parts/words.js";

export class Legend {
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
    this.gradeRows = layout.grades.map((grade) => this.#gradeRow(grade));
    this.grades.replaceChildren(...this.gradeRows.map(({ row }) => row));
    this.stateCounts = [AVAILABLE, HOLD, OCCUPIED].map(() => element("b"));
    this.states.replaceChildren(
      this.#state("available", allGrades(layout.grades), this.stateCounts[AVAILABLE], "count-available"),
      this.#state("held", colors.hold, this.stateCounts[HOLD], "count-held"),
      this.#state("sold", colors.occupied, this.stateCounts[OCCUPIED], "count-sold"),
      this.#state("mine", colors.mine, ""));
    this.refresh();
  }

  /** Write the present counts. */
  refresh() {
    const totals = [0, 0, 0];
    this.gradeRows.forEach(({ free, bar }, index) => {
      const counts = [AVAILABLE, HOLD, OCCUPIED].map((status) => this.allocations.count(index, status));
      const all = counts[0] + counts[1] + counts[2];
      counts.forEach((count, status) => { totals[status] += count; });
      setText(free, say("ofSeats", { free: writeCount(counts[AVAILABLE]), all: writeCount(all) }));
      bar.style.setProperty("--share", all === 0 ? 0 : counts[AVAILABLE] / all);
    });
    totals.forEach((count, status) => setText(this.stateCounts[status], writeCount(count)));
  }

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

  #state(key, color, count, testId) {
    if (testId) count.dataset.testid = testId;
    return element("li", {}, swatch(color, key), say(key), count);
  }
}

/** Stripes of every grade's colour: what is available has the colour of its grade. */
function allGrades(grades) {
  const stripes = grades.map(({ color }, index) =>
    `${color} ${(100 * index) / grades.length}% ${(100 * (index + 1)) / grades.length}%`);
  return `linear-gradient(90deg, ${stripes.join(", ")})`;
}

/** Writing the same text again would still cost a layout. */
function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}
