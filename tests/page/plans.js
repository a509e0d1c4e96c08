// Small plans for tests: blocks of seats in rows and columns, one unit apart, as the API gives them.

import { Allocations } from "../../src/jari/web/site/static/map/allocations.js";
import { Layout } from "../../src/jari/web/site/static/map/layout.js";

const FIRST_ID = 101;

export const GRADES = [
  { code: "red", name: "레드석", color: "#d03030", price: 15_000 },
  { code: "blue", name: "블루석", color: "#3030d0", price: 9000 },
];

/**
 * A layout of blocks side by side, the first of the first grade; ids count from 101.
 * @param {{ rows?: number, columns?: number, blocks?: number, accessible?: number[] }} plan
 */
export function makeLayout({ rows = 2, columns = 3, blocks = 1, accessible = [] } = {}) {
  const seats = [];
  for (let block = 0; block < blocks; block += 1) {
    for (let row = 0; row < rows; row += 1) {
      for (let column = 0; column < columns; column += 1) seats.push({ block, row, column });
    }
  }
  /** @param {number} block */
  const codeOf = (block) => GRADES[Math.min(block, GRADES.length - 1)].code;
  const venue = { id: 1, name: "Hall", currency: "KRW", width: 100, height: 50, grades: GRADES, shapes: [] };
  return new Layout(venue, Array.from({ length: blocks }, (_, block) => ({
    id: block + 1, name: `${101 + block}`, section: "1루", grade: codeOf(block), seatCount: rows * columns,
  })), {
    seats: {
      id: seats.map((_, index) => FIRST_ID + index),
      blockId: seats.map(({ block }) => block + 1),
      row: seats.map(({ row }) => row + 1),
      col: seats.map(({ block, column }) => block * columns + column + 1),
      rowLabel: seats.map(({ row }) => `${row + 1}`),
      seatLabel: seats.map(({ column }) => `${column + 1}`),
      x: seats.map(({ block, column }) => block * (columns + 2) + column),
      y: seats.map(({ row }) => row),
      grade: seats.map(({ block }) => codeOf(block)),
    },
    accessible,
    companion: [],
    restrictedView: [],
    aisle: [],
  });
}

/** Their allocations as well, with a snapshot in which all are available. */
export function makeAllocations(plan = {}) {
  const layout = makeLayout(plan);
  const allocations = new Allocations(layout);
  allocations.replace({ version: 1, seats: {} });
  return { layout, allocations };
}
