// @ts-check
// The venue as the map needs it: every seat in typed arrays, its block, and a grid to find the nearest seat.

/** @import { BlockAnswer, LayoutAnswer, VenueAnswer } from "../api/types.d.ts" */

import { Grid } from "./grid.js";

/**
 * @typedef {{ left: number, top: number, right: number, bottom: number }} Box
 * @typedef {BlockAnswer & Box & { centreX: number, centreY: number, seats: number[] }} Block a block and its seats
 * @typedef {"accessible" | "companion" | "restrictedView" | "aisle"} Flag
 */

/**
 * What a seat may be besides being a seat; bits of `Layout.flags`.
 * @type {Record<Flag, number>}
 */
const BITS = { accessible: 1, companion: 2, restrictedView: 4, aisle: 8 };
/** @type {Flag[]} */
export const FLAGS = ["accessible", "companion", "restrictedView", "aisle"];

const NOWHERE = { left: Infinity, top: Infinity, right: -Infinity, bottom: -Infinity };
const PITCH_SAMPLES = 500;
const PITCH_QUANTILE = 0.2;

/** The static plan of one schedule. A seat is named by its index, 0 … count - 1; `ids` gives the id. */
export class Layout {
  /**
   * @param {VenueAnswer} venue
   * @param {BlockAnswer[]} blocks
   * @param {LayoutAnswer} answer
   */
  constructor(venue, blocks, answer) {
    const columns = answer.seats;
    this.count = columns.id.length;
    this.ids = columns.id;
    this.x = Float32Array.from(columns.x);
    this.y = Float32Array.from(columns.y);
    this.rowLabels = columns.rowLabel;
    this.seatLabels = columns.seatLabel;
    this.grades = venue.grades;
    this.currency = venue.currency;
    this.shapes = venue.shapes;
    this.indexOf = new Map(columns.id.map((id, index) => [id, index]));
    this.grade = this.#gradeColumn(columns.grade);
    this.flags = this.#flagColumn(answer);
    this.block = blockColumn(blocks, columns.blockId);
    this.blocks = this.#measured(blocks);
    this.bounds = this.#boundsOfAll(venue);
    this.grid = new Grid(this.bounds, this.x, this.y);
    this.pitch = this.#measurePitch();
  }

  /** @param {number} seat */
  gradeOf(seat) {
    return this.grades[this.grade[seat]];
  }

  /** @param {number} seat */
  blockOf(seat) {
    return this.blocks[this.block[seat]];
  }

  /**
   * @param {number} seat
   * @param {Flag} flag
   */
  has(seat, flag) {
    return (this.flags[seat] & BITS[flag]) !== 0;
  }

  /**
   * The seats with these ids. An id that this plan lacks belongs to another plan, and is skipped.
   * @param {number[]} ids
   */
  seatsOf(ids) {
    return ids.map((id) => this.indexOf.get(id)).filter((seat) => seat !== undefined);
  }

  /** @param {number[]} seats */
  idsOf(seats) {
    return seats.map((seat) => this.ids[seat]);
  }

  /**
   * What seats cost together, in the currency's minor unit.
   * @param {number[]} seats
   */
  priceOf(seats) {
    return seats.reduce((sum, seat) => sum + this.gradeOf(seat).price, 0);
  }

  /**
   * The seat nearest to a point of the plan and within `reach` of it, or -1.
   * @param {number} x
   * @param {number} y
   * @param {number} reach
   */
  nearest(x, y, reach, except = -1) {
    let best = -1;
    let bestSquare = reach * reach;
    this.grid.visitNear(x, y, reach, (seat) => {
      const square = (this.x[seat] - x) ** 2 + (this.y[seat] - y) ** 2;
      if (square > bestSquare || seat === except) return;
      best = seat;
      bestSquare = square;
    });
    return best;
  }

  /** @param {string[]} codes */
  #gradeColumn(codes) {
    const indexOf = new Map(this.grades.map((grade, index) => [grade.code, index]));
    return Uint8Array.from(codes, (code) => indexOf.get(code) ?? 0);
  }

  /** @param {LayoutAnswer} answer */
  #flagColumn(answer) {
    const flags = new Uint8Array(this.count);
    for (const flag of FLAGS) {
      for (const seat of this.seatsOf(answer[flag])) flags[seat] |= BITS[flag];
    }
    return flags;
  }

  /** @param {BlockAnswer[]} blocks */
  #measured(blocks) {
    /** @type {number[][]} */
    const seatsOf = blocks.map(() => []);
    this.block.forEach((block, seat) => seatsOf[block].push(seat));
    return blocks.map((block, index) => this.#measure(block, seatsOf[index]));
  }

  /**
   * @param {BlockAnswer} block
   * @param {number[]} seats
   * @returns {Block}
   */
  #measure(block, seats) {
    let { left, top, right, bottom } = NOWHERE;
    let sumX = 0;
    let sumY = 0;
    for (const seat of seats) {
      left = Math.min(left, this.x[seat]);
      right = Math.max(right, this.x[seat]);
      top = Math.min(top, this.y[seat]);
      bottom = Math.max(bottom, this.y[seat]);
      sumX += this.x[seat];
      sumY += this.y[seat];
    }
    const count = Math.max(1, seats.length);
    return { ...block, left, top, right, bottom, centreX: sumX / count, centreY: sumY / count, seats };
  }

  /**
   * @param {VenueAnswer} venue
   * @returns {Box}
   */
  #boundsOfAll(venue) {
    /** @type {Box[]} */
    const boxes = this.blocks.filter((block) => block.seats.length > 0);
    for (const { kind, radius = 0, points } of this.shapes) {
      const reach = kind === "circle" ? radius : 0;
      for (const [x, y] of points) boxes.push({ left: x - reach, right: x + reach, top: y - reach, bottom: y + reach });
    }
    if (boxes.length === 0) return { left: 0, top: 0, right: venue.width || 1, bottom: venue.height || 1 };
    return boxes.reduce((all, box) => ({
      left: Math.min(all.left, box.left),
      top: Math.min(all.top, box.top),
      right: Math.max(all.right, box.right),
      bottom: Math.max(all.bottom, box.bottom),
    }), NOWHERE);
  }

  /** The usual distance between neighbours, from a sample. A low quantile, so that no two seats overlap. */
  #measurePitch() {
    const step = Math.max(1, Math.floor(this.count / PITCH_SAMPLES));
    const distances = [];
    for (let seat = 0; seat < this.count; seat += step) {
      const neighbour = this.nearest(this.x[seat], this.y[seat], this.grid.size * 2, seat);
      if (neighbour < 0) continue;
      distances.push(Math.hypot(this.x[seat] - this.x[neighbour], this.y[seat] - this.y[neighbour]));
    }
    distances.sort((a, b) => a - b);
    const pitch = distances[Math.floor(distances.length * PITCH_QUANTILE)];
    return pitch > 0 ? pitch : this.grid.size;
  }
}

/**
 * The index of each seat's block.
 * @param {BlockAnswer[]} blocks
 * @param {number[]} blockIds
 */
function blockColumn(blocks, blockIds) {
  const indexOf = new Map(blocks.map((block, index) => [block.id, index]));
  return Uint16Array.from(blockIds, (blockId) => {
    const index = indexOf.get(blockId);
    if (index === undefined) throw new Error(`The plan has seats of block ${blockId}, which it does not list.`);
    return index;
  });
}
