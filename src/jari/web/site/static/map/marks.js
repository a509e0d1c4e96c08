// @ts-check
// What is drawn over the seats and moves: block names, flashes of change, rings around my seats, the pointer's seat.

/** @import { Allocations } from "./allocations.js" */
/** @import { Block, Layout } from "./layout.js" */
/** @import { View } from "./view.js" */

import { MY_HOLD, NOT_MINE } from "./allocations.js";
import { contextOf, makeCanvas } from "./canvas.js";
import { palette } from "./palette.js";

const FLASH_MS = 750;
const FLASH_LIMIT = 800;
const FLASH_STEPS = 6;
const NAME_PIXELS = 12;
const NAMES_VANISH_AT_PITCH = 15;
const HALO_PIXELS = 3;

/**
 * @typedef {{ picture: HTMLCanvasElement, width: number, height: number, textWidth: number }} NamePicture
 * @typedef {{ x: number, y: number }} Position CSS pixels from the map's corner
 */

export class Marks {
  /**
   * @param {HTMLCanvasElement} canvas
   * @param {Layout} layout
   * @param {Allocations} allocations
   * @param {Iterable<number>} selection
   */
  constructor(canvas, layout, allocations, selection) {
    this.context = contextOf(canvas);
    this.layout = layout;
    this.allocations = allocations;
    this.selection = selection;
    this.pointed = -1;
    /** @type {{ seat: number, startMs: number }[]} */
    this.flashes = [];
    /** @type {Map<string, NamePicture>} */
    this.namePictures = new Map();
    this.namesAtScale = 0;
    /** @type {(NamePicture & { block: Block })[]} */
    this.shownNames = [];
  }

  /**
   * Let seats flash in the colour of what became of them.
   * @param {number[]} seats
   * @param {number} nowMs
   */
  flash(seats, nowMs) {
    for (const seat of seats) this.flashes.push({ seat, startMs: nowMs });
    // Nobody can see more than this, and without a limit a flood would slow down the page.
    if (this.flashes.length > FLASH_LIMIT) this.flashes.splice(0, this.flashes.length - FLASH_LIMIT);
  }

  /** Drop pictures that depend on colours or on the screen's resolution. */
  forget() {
    this.namePictures.clear();
    this.namesAtScale = 0;
  }

  /**
   * Draw everything; true while something still moves.
   * @param {View} view
   * @param {number} ratio
   * @param {number} nowMs
   */
  draw(view, ratio, nowMs) {
    const { context } = this;
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, view.width, view.height);
    this.#drawNames(view, ratio);
    this.#drawFlashes(view, nowMs);
    this.#drawOwn(view);
    this.#drawSelected(view);
    this.#drawPointed(view);
    return this.flashes.length > 0;
  }

  /** @param {View} view */
  #seatPixels(view) {
    return Math.max(2, this.layout.pitch * view.scale * 0.78);
  }

  /**
   * @param {View} view
   * @param {number} seat
   */
  #position(view, seat) {
    return view.toPixels(this.layout.x[seat], this.layout.y[seat]);
  }

  /**
   * @param {View} view
   * @param {Position} at
   * @param {number} reach
   */
  #isSeen(view, { x, y }, reach) {
    return x > -reach && y > -reach && x < view.width + reach && y < view.height + reach;
  }

  /**
   * @param {View} view
   * @param {number} nowMs
   */
  #drawFlashes(view, nowMs) {
    this.flashes = this.flashes.filter((flash) => nowMs - flash.startMs < FLASH_MS);
    if (this.flashes.length === 0) return;
    const { context } = this;
    const colors = palette();
    const strokes = [colors.mine, colors.hold, colors.text]; // by status: freed, held, sold
    const seatRadius = this.#seatPixels(view) * 0.6;
    const paths = Array.from({ length: FLASH_STEPS * strokes.length }, () => new Path2D());
    for (const flash of this.flashes) {
      const at = this.#position(view, flash.seat);
      // A frame's time is when the frame began, which may lie before a change that came during it.
      const progress = Math.max(0, nowMs - flash.startMs) / FLASH_MS;
      const radius = seatRadius + 2 + progress * (5 + seatRadius * 0.5);
      if (!this.#isSeen(view, at, radius)) continue;
      const step = Math.min(FLASH_STEPS - 1, Math.floor(progress * FLASH_STEPS));
      const path = paths[this.allocations.status[flash.seat] * FLASH_STEPS + step];
      path.moveTo(at.x + radius, at.y);
      path.arc(at.x, at.y, radius, 0, 2 * Math.PI);
    }
    context.lineWidth = 1.75;
    paths.forEach((path, number) => {
      context.globalAlpha = 1 - (number % FLASH_STEPS) / FLASH_STEPS;
      context.strokeStyle = strokes[Math.floor(number / FLASH_STEPS)];
      context.stroke(path);
    });
    context.globalAlpha = 1;
  }

  /** @param {View} view */
  #drawOwn(view) {
    const { mine } = this.allocations;
    const colors = palette();
    for (let seat = 0; seat < mine.length; seat += 1) {
      if (mine[seat] === NOT_MINE) continue;
      this.#ring(view, seat, colors.mine, 2.5, mine[seat] === MY_HOLD ? 4 : 3);
    }
  }

  /** @param {View} view */
  #drawSelected(view) {
    const colors = palette();
    for (const seat of this.selection) {
      this.#ring(view, seat, colors.halo, 5, 2);
      this.#ring(view, seat, colors.ring, 2.5, 2);
    }
  }

  /** @param {View} view */
  #drawPointed(view) {
    if (this.pointed >= 0) this.#ring(view, this.pointed, palette().ring, 1.5, 1);
  }

  /**
   * A square ring around a seat, never so small that it could be missed.
   * @param {View} view
   * @param {number} seat
   * @param {string} color
   * @param {number} width
   * @param {number} gap
   */
  #ring(view, seat, color, width, gap) {
    const at = this.#position(view, seat);
    const half = Math.max(5, this.#seatPixels(view) / 2 + gap);
    if (!this.#isSeen(view, at, half)) return;
    const { context } = this;
    context.strokeStyle = color;
    context.lineWidth = width;
    context.beginPath();
    context.roundRect(at.x - half, at.y - half, half * 2, half * 2, half * 0.5);
    context.stroke();
  }

  /**
   * @param {View} view
   * @param {number} ratio
   */
  #drawNames(view, ratio) {
    const pitch = this.layout.pitch * view.scale;
    if (pitch > NAMES_VANISH_AT_PITCH) return;
    if (this.namesAtScale !== view.scale) this.#chooseNames(view, ratio);
    const { context } = this;
    // Names fade before they go, as the seats beneath become what matters.
    context.globalAlpha = Math.min(1, (NAMES_VANISH_AT_PITCH - pitch) / 3);
    for (const { block, picture, width, height } of this.shownNames) {
      const at = view.toPixels(block.centreX, block.centreY);
      if (!this.#isSeen(view, at, width)) continue;
      context.drawImage(picture, at.x - width / 2, at.y - height / 2, width, height);
    }
    context.globalAlpha = 1;
  }

  /**
   * Which names fit their block at this scale without touching one another.
   * @param {View} view
   * @param {number} ratio
   */
  #chooseNames(view, ratio) {
    this.namesAtScale = view.scale;
    this.shownNames = [];
    for (const block of this.layout.blocks) {
      if (block.seats.length === 0) continue;
      const name = this.#namePicture(block.name, ratio);
      const side = Math.sqrt(block.seats.length) * this.layout.pitch * view.scale;
      const fits = name.textWidth <= side * 1.25 && NAME_PIXELS <= side;
      if (!fits || this.shownNames.some((shown) => touch(view, block, name, shown))) continue;
      this.shownNames.push({ block, ...name });
    }
  }

  /**
   * @param {string} text
   * @param {number} ratio
   */
  #namePicture(text, ratio) {
    const known = this.namePictures.get(text);
    if (known) return known;
    const font = `700 ${NAME_PIXELS * ratio}px "Noto Sans KR", "Apple SD Gothic Neo", system-ui, sans-serif`;
    this.context.font = font;
    const textWidth = this.context.measureText(text).width / ratio;
    const width = textWidth + 2 * HALO_PIXELS;
    const height = NAME_PIXELS * 1.3 + 2 * HALO_PIXELS;
    const { canvas, context } = makeCanvas(Math.ceil(width * ratio), Math.ceil(height * ratio));
    context.font = font;
    context.lineWidth = 2 * HALO_PIXELS * ratio * 0.8;
    writeName(context, text);
    const made = { picture: canvas, width, height, textWidth };
    this.namePictures.set(text, made);
    return made;
  }
}

/**
 * Write a name with its halo in the middle of a picture.
 * @param {CanvasRenderingContext2D} context
 * @param {string} text
 */
function writeName(context, text) {
  const { halo, text: color } = palette();
  const { width, height } = context.canvas;
  context.textAlign = "center";
  context.textBaseline = "middle";
  context.lineJoin = "round";
  context.strokeStyle = halo;
  context.strokeText(text, width / 2, height / 2);
  context.fillStyle = color;
  context.fillText(text, width / 2, height / 2);
}

/**
 * Would a block's name touch one that is shown?
 * @param {View} view
 * @param {Block} block
 * @param {NamePicture} name
 * @param {NamePicture & { block: Block }} shown
 */
function touch(view, block, name, shown) {
  const across = Math.abs(block.centreX - shown.block.centreX) * view.scale;
  const down = Math.abs(block.centreY - shown.block.centreY) * view.scale;
  return across < (name.textWidth + shown.textWidth) / 2 + 4 && down < NAME_PIXELS * 1.2;
}
