// @ts-check
// The seat map on its canvases: what moves it, and what the buyer points at. Drawn once per frame, when something
// has changed.

/** @import { Allocations } from "./allocations.js" */
/** @import { Block, Layout } from "./layout.js" */
/** @import { Target } from "./view.js" */

import { listen } from "./gestures.js";
import { Glide } from "./glide.js";
import { Marks } from "./marks.js";
import { motionAllowed, onPaletteChange } from "./palette.js";
import { Picture } from "./picture.js";
import { View } from "./view.js";

const READABLE_PITCH = 34; // CSS pixels between neighbours after zooming to a seat
/** @type {Record<string, number>} */
const HITTABLE_PITCH = { mouse: 9, pen: 13, touch: 15 };
/** @type {Record<string, number>} */
const HIT_REACH_PIXELS = { mouse: 5, pen: 8, touch: 12 };
const BUTTON_ZOOM = 1.8;

/**
 * `onTap(seat)` and `onPoint(seat or -1, left, top)` tell what the buyer does.
 * @typedef {object} Options
 * @property {HTMLCanvasElement} canvas
 * @property {HTMLCanvasElement} marksCanvas
 * @property {Layout} layout
 * @property {Allocations} allocations
 * @property {Iterable<number>} selection
 * @property {(seat: number) => void} onTap
 * @property {(seat: number, left: number, top: number) => void} onPoint
 */

export class SeatMap {
  #leaving;
  /** @type {Set<number>} */
  #changed = new Set();
  /** @type {Glide | null} */
  #glide = null;
  #arrive = () => {};
  #frame = 0;
  #viewMoved = true;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #sharpenTimer;

  /**
   * @param {Options} options
   * @param {AbortSignal} leaving
   */
  constructor({ canvas, marksCanvas, layout, allocations, selection, onTap, onPoint }, leaving) {
    this.canvas = canvas;
    this.marksCanvas = marksCanvas;
    this.layout = layout;
    this.view = new View(layout.bounds, layout.pitch);
    this.picture = new Picture(canvas, layout, allocations, this.view);
    this.marks = new Marks(marksCanvas, layout, allocations, selection);
    this.onTap = onTap;
    this.onPoint = onPoint;
    this.#leaving = leaving;
    this.#watch();
    this.#resize();
  }

  /**
   * Repaint seats; let them flash when the change is news.
   * @param {number[]} seats
   */
  repaint(seats, { flash = false } = {}) {
    for (const seat of seats) this.#changed.add(seat);
    if (flash && motionAllowed() && !document.hidden) this.marks.flash(seats, performance.now());
    this.#wake();
  }

  /** The selection or the pointed seat changed: only the marks need drawing. */
  remark() {
    this.#wake();
  }

  zoomIn() { this.#zoomBy(BUTTON_ZOOM); }

  zoomOut() { this.#zoomBy(1 / BUTTON_ZOOM); }

  showWhole() {
    this.#glideTo(this.view.wholeTarget(), () => this.view.showWhole());
  }

  /**
   * Glide to a seat, near enough to read and to hit it.
   * @param {number} seat
   */
  showSeat(seat) {
    const scale = Math.max(this.view.scale, READABLE_PITCH / this.layout.pitch);
    this.#glideTo({ x: this.layout.x[seat], y: this.layout.y[seat], scale });
  }

  /**
   * Glide to a block, as large as fits.
   * @param {Block} block
   */
  showBlock({ left, top, right, bottom }) {
    const across = this.view.width / (right - left + 6 * this.layout.pitch);
    const down = this.view.height / (bottom - top + 6 * this.layout.pitch);
    const scale = Math.min(across, down, READABLE_PITCH / this.layout.pitch);
    this.#glideTo({ x: (left + right) / 2, y: (top + bottom) / 2, scale });
  }

  /** Draw what is still to be drawn, in full sharpness, without waiting for the next frame. */
  drawNow() {
    cancelAnimationFrame(this.#frame);
    this.#frame = 0;
    this.picture.sharpen();
    this.#draw(performance.now());
  }

  #watch() {
    const signal = this.#leaving;
    const observer = new ResizeObserver(() => this.#resize());
    observer.observe(this.canvas);
    signal.addEventListener("abort", () => {
      observer.disconnect();
      cancelAnimationFrame(this.#frame);
      clearTimeout(this.#sharpenTimer);
    });
    // Moving the window to another screen changes the pixel ratio but not the size.
    addEventListener("resize", () => this.#resize(), { signal });
    onPaletteChange(() => this.#recolor(), signal);
    listen(this.canvas, {
      pan: (right, down) => this.#move(() => this.view.panBy(right, down)),
      zoom: (left, top, factor) => this.#move(() => this.view.zoomAt(left, top, factor)),
      whole: () => this.showWhole(),
      tap: (left, top, kind) => this.#tap(left, top, kind),
      point: (left, top) => this.#pointAt(this.#seatAt(left, top, "mouse")),
      leave: () => this.#pointAt(-1),
    }, signal);
  }

  #resize() {
    const width = this.canvas.clientWidth;
    const height = this.canvas.clientHeight;
    if (width === 0 || height === 0) return;
    const ratio = devicePixelRatio || 1;
    const deviceWidth = Math.round(width * ratio);
    const deviceHeight = Math.round(height * ratio);
    if (deviceWidth === this.canvas.width && deviceHeight === this.canvas.height && this.view.width === width) return;
    for (const canvas of [this.canvas, this.marksCanvas]) {
      canvas.width = deviceWidth;
      canvas.height = deviceHeight;
    }
    this.picture.ratio = ratio;
    this.view.resize(width, height);
    this.#forget();
    // Draw at once, not in the next frame: the new size has emptied the canvas.
    this.drawNow();
  }

  #recolor() {
    this.#forget();
    this.#moved();
  }

  #forget() {
    this.picture.forget();
    this.marks.forget();
    this.#viewMoved = true;
  }

  // How it moves

  /** @param {number} factor */
  #zoomBy(factor) {
    const from = this.#glide?.to.scale ?? this.view.scale;
    this.#glideTo({ ...this.view.centre(), scale: this.view.limitScale(from * factor) });
  }

  /**
   * Move the view at once, whatever it was gliding to.
   * @param {() => void} change
   */
  #move(change) {
    this.#glide = null;
    change();
    this.#moved();
  }

  /**
   * @param {Target} target
   * @param {() => void} arrive
   */
  #glideTo(target, arrive = () => this.view.centreOn(target)) {
    if (!motionAllowed()) {
      this.#move(arrive);
      return;
    }
    this.#glide = new Glide(this.view.centre(), target, performance.now());
    this.#arrive = arrive;
    this.#wake();
  }

  /**
   * @param {Glide} glide
   * @param {number} nowMs
   */
  #stepGlide(glide, nowMs) {
    if (glide.isOver(nowMs)) {
      this.#glide = null;
      this.#arrive();
    } else this.view.centreOn(glide.at(nowMs));
    this.#viewMoved = true;
  }

  #moved() {
    this.#viewMoved = true;
    if (this.marks.pointed >= 0) this.#pointAt(-1);
    this.#wake();
  }

  // What the buyer points at

  /**
   * @param {number} left
   * @param {number} top
   * @param {string} kind
   */
  #tap(left, top, kind) {
    const pitch = this.layout.pitch * this.view.scale;
    if (pitch < (HITTABLE_PITCH[kind] ?? HITTABLE_PITCH.touch)) {
      // The seats are too small to hit for sure: come nearer instead of guessing.
      this.#glideTo({ ...this.view.toPlan(left, top), scale: READABLE_PITCH / this.layout.pitch });
      return;
    }
    const seat = this.#seatAt(left, top, kind);
    this.#pointAt(seat);
    if (seat >= 0) this.onTap(seat);
  }

  /**
   * @param {number} left
   * @param {number} top
   * @param {string} kind
   */
  #seatAt(left, top, kind) {
    const { x, y } = this.view.toPlan(left, top);
    const reachPixels = HIT_REACH_PIXELS[kind] ?? HIT_REACH_PIXELS.touch;
    return this.layout.nearest(x, y, Math.max(this.layout.pitch * 0.62, reachPixels / this.view.scale));
  }

  /** @param {number} seat */
  #pointAt(seat) {
    this.marks.pointed = seat;
    if (seat < 0) this.onPoint(-1, 0, 0);
    else {
      const at = this.view.toPixels(this.layout.x[seat], this.layout.y[seat]);
      this.onPoint(seat, at.x, at.y);
    }
    this.remark();
  }

  // How it is drawn

  #wake() {
    if (this.#frame !== 0 || this.#leaving.aborted) return;
    this.#frame = requestAnimationFrame((nowMs) => {
      this.#frame = 0;
      this.#draw(nowMs);
    });
  }

  /** @param {number} nowMs */
  #draw(nowMs) {
    if (this.#glide) this.#stepGlide(this.#glide, nowMs);
    if (this.#viewMoved || this.#changed.size > 0) {
      const isSharp = this.picture.draw(this.#changed, nowMs);
      this.#changed.clear();
      this.#viewMoved = false;
      if (!isSharp) this.#sharpenLater();
    }
    const moving = this.marks.draw(this.view, this.picture.ratio, nowMs);
    if (moving || this.#glide) this.#wake();
  }

  #sharpenLater() {
    clearTimeout(this.#sharpenTimer);
    this.#sharpenTimer = setTimeout(() => {
      this.picture.sharpen();
      this.#viewMoved = true;
      this.#wake();
    }, this.picture.sharpenMs);
  }
}
