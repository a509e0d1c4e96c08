// @ts-check
// All seats in a picture of their own, larger than the view: panning copies it, a change repaints one seat.

/** @import { Allocations } from "./allocations.js" */
/** @import { Layout } from "./layout.js" */
/** @import { Draw } from "./looks.js" */
/** @import { View } from "./view.js" */

import { AVAILABLE, HOLD, NOT_MINE } from "./allocations.js";
import { makeCanvas } from "./canvas.js";
import { drawAvailable, drawHold, drawMine, drawOccupied, readableOn } from "./looks.js";
import { palette } from "./palette.js";

const MARGIN = 0.3;
const SEAT_SHARE_OF_PITCH = 0.78;
const SMALLEST_SHAPED_PIXELS = 7;
const SMALLEST_LABELLED_PITCH = 33; // CSS pixels
const REPAINT_ALL_FROM = 2000;

/**
 * How all seats of a grade or a state look: `picture` is null where they are plain squares, and `text` the colour of
 * the number on it, "" for none.
 * @typedef {{ color: string, picture: HTMLCanvasElement | null, text: string }} Look
 */

/** Positions are in device pixels of the plan at the layer's scale; (`left`, `top`) is the layer's corner.
 * Whole numbers throughout, so that every seat has crisp edges and its true colour. */
export class SeatLayer {
  /**
   * @param {Layout} layout
   * @param {Allocations} allocations
   */
  constructor(layout, allocations) {
    this.layout = layout;
    this.allocations = allocations;
    const { canvas, context } = makeCanvas(1, 1);
    this.canvas = canvas;
    this.context = context;
    this.scale = 0;
    this.left = 0;
    this.top = 0;
    this.size = 1;
    this.isLabelled = false;
    this.renderMs = 0;
    /** @type {Look[]} */
    this.looks = [];
  }

  /**
   * Does the layer show everything that the view shows?
   * @param {View} view
   * @param {number} ratio
   */
  covers(view, ratio) {
    if (this.scale === 0) return false;
    const { bounds } = this.layout;
    const factor = this.scale;
    const left = Math.max(view.x, bounds.left) * factor - this.left;
    const top = Math.max(view.y, bounds.top) * factor - this.top;
    const right = Math.min(view.x + view.width / view.scale, bounds.right) * factor - this.left;
    const bottom = Math.min(view.y + view.height / view.scale, bounds.bottom) * factor - this.top;
    // The slack is for a venue that ends just within the margin: its outermost seats may touch the edge.
    const slack = ratio;
    return left >= -slack && top >= -slack
      && right <= this.canvas.width + slack && bottom <= this.canvas.height + slack;
  }

  /**
   * Paint all seats around the view at the view's scale.
   * @param {View} view
   * @param {number} ratio
   */
  render(view, ratio) {
    this.scale = view.scale * ratio;
    this.left = Math.floor((view.x - (view.width / view.scale) * MARGIN) * this.scale);
    this.top = Math.floor((view.y - (view.height / view.scale) * MARGIN) * this.scale);
    const width = Math.ceil(view.width * ratio * (1 + 2 * MARGIN));
    const height = Math.ceil(view.height * ratio * (1 + 2 * MARGIN));
    if (this.canvas.width !== width || this.canvas.height !== height) {
      this.canvas.width = width;
      this.canvas.height = height;
    } else {
      this.context.clearRect(0, 0, width, height);
    }
    const startMs = performance.now();
    const pitch = this.layout.pitch * this.scale;
    this.size = seatSize(pitch);
    this.isLabelled = pitch / ratio >= SMALLEST_LABELLED_PITCH;
    this.#makeLooks();
    this.#paintAll();
    this.renderMs = performance.now() - startMs;
  }

  /**
   * Repaint a set of seats that changed.
   * @param {Set<number>} seats
   */
  paint(seats) {
    if (seats.size >= REPAINT_ALL_FROM) {
      this.context.clearRect(0, 0, this.canvas.width, this.canvas.height);
      this.#paintAll();
      return;
    }
    const { context, size } = this;
    for (const seat of seats) {
      const left = this.#leftOf(seat);
      const top = this.#topOf(seat);
      if (!this.#isInside(left, top)) continue;
      const look = this.looks[this.#lookOf(seat)];
      if (look.picture) context.clearRect(left, top, size, size);
      else context.fillStyle = look.color;
      this.#paintSeat(seat, left, top, look);
    }
    if (this.#overlap()) this.#restoreCores(seats);
  }

  /** Squares of two pixels may lie over the centre of a neighbour when a row runs aslant. */
  #overlap() {
    return this.size === 2;
  }

  /** @param {Set<number>} seats */
  #restoreCores(seats) {
    const reach = (2 * this.size) / this.scale;
    for (const changed of seats) {
      this.layout.grid.visitNear(this.layout.x[changed], this.layout.y[changed], reach, (seat) => {
        this.#paintCores([seat], this.looks[this.#lookOf(seat)]);
      });
    }
  }

  /**
   * One pixel at each centre, so that even the smallest seat shows its true colour there.
   * @param {number[]} seats
   * @param {Look} look
   */
  #paintCores(seats, look) {
    this.context.fillStyle = look.color;
    for (const seat of seats) {
      const left = Math.floor(this.layout.x[seat] * this.scale) - this.left;
      const top = Math.floor(this.layout.y[seat] * this.scale) - this.top;
      this.context.fillRect(left, top, 1, 1);
    }
  }

  /** @param {number} seat */
  #leftOf(seat) {
    return Math.round(this.layout.x[seat] * this.scale - this.size / 2) - this.left;
  }

  /** @param {number} seat */
  #topOf(seat) {
    return Math.round(this.layout.y[seat] * this.scale - this.size / 2) - this.top;
  }

  /**
   * @param {number} left
   * @param {number} top
   */
  #isInside(left, top) {
    return left > -this.size && top > -this.size && left < this.canvas.width && top < this.canvas.height;
  }

  /**
   * Number of a seat's look: its grade, or one of the states after the grades.
   * @param {number} seat
   */
  #lookOf(seat) {
    const { mine, status } = this.allocations;
    const grades = this.layout.grades.length;
    if (mine[seat] !== NOT_MINE) return grades + 2;
    if (status[seat] === AVAILABLE) return this.layout.grade[seat];
    return status[seat] === HOLD ? grades : grades + 1;
  }

  #makeLooks() {
    const colors = palette();
    this.looks = this.layout.grades.map((grade) => this.#makeLook(grade.color, drawAvailable));
    this.looks.push(
      this.#makeLook(colors.hold, drawHold),
      { ...this.#makeLook(colors.occupied, drawOccupied), text: "" }, // Nobody needs to read it any more.
      this.#makeLook(colors.mine, drawMine),
    );
  }

  /**
   * Small seats are plain squares, filled directly; larger ones have a shape, drawn once and copied.
   * @param {string} color
   * @param {Draw} draw
   * @returns {Look}
   */
  #makeLook(color, draw) {
    const { size } = this;
    if (size < SMALLEST_SHAPED_PIXELS) return { color, picture: null, text: "" };
    const { canvas, context } = makeCanvas(size, size);
    context.fillStyle = color;
    draw(context, size);
    return { color, picture: canvas, text: readableOn(color) };
  }

  #paintAll() {
    /** @type {number[][]} */
    const seatsOfLook = this.looks.map(() => []);
    for (let seat = 0; seat < this.layout.count; seat += 1) {
      if (this.#isInside(this.#leftOf(seat), this.#topOf(seat))) seatsOfLook[this.#lookOf(seat)].push(seat);
    }
    // Fill one look after the other: changing the fill for each seat would cost more than filling.
    seatsOfLook.forEach((seats, number) => this.#paintAlike(seats, this.looks[number]));
    if (this.#overlap()) seatsOfLook.forEach((seats, number) => this.#paintCores(seats, this.looks[number]));
  }

  /**
   * @param {number[]} seats
   * @param {Look} look
   */
  #paintAlike(seats, look) {
    this.context.fillStyle = look.color;
    for (const seat of seats) this.#paintSeat(seat, this.#leftOf(seat), this.#topOf(seat), look);
  }

  /**
   * Paint one seat; the fill must have the look's colour.
   * @param {number} seat
   * @param {number} left
   * @param {number} top
   * @param {Look} look
   */
  #paintSeat(seat, left, top, look) {
    const { context, size } = this;
    if (look.picture === null) {
      context.fillRect(left, top, size, size);
      return;
    }
    context.drawImage(look.picture, left, top);
    if (this.isLabelled && look.text) this.#paintLabel(seat, left, top, look);
  }

  /**
   * The printed number, in the lower half: the centre keeps the pure colour of the state.
   * @param {number} seat
   * @param {number} left
   * @param {number} top
   * @param {Look} look
   */
  #paintLabel(seat, left, top, look) {
    const { context, size } = this;
    const height = Math.floor(size * 0.38);
    context.font = `600 ${height}px system-ui, sans-serif`;
    context.textAlign = "center";
    context.textBaseline = "alphabetic";
    context.fillStyle = look.text;
    context.fillText(this.layout.seatLabels[seat], left + size / 2, top + size - Math.round(size * 0.12), size * 0.8);
  }
}

/**
 * Width of a seat in device pixels. Small ones are chosen so that blocks look solid, yet no seat covers the
 * centre of another, however its row is turned: neighbours are at least pitch / √2 apart on one axis.
 * @param {number} pitch
 */
function seatSize(pitch) {
  if (pitch < Math.SQRT2) return 1;
  if (pitch < 2 * Math.SQRT2) return 2;
  if (pitch < 5) return 3;
  return Math.floor(pitch * SEAT_SHARE_OF_PITCH);
}
