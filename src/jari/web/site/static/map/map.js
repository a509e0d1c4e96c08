// The seat map on its canvas: composes ground, seats and marks once per frame, when something changed.

import { drawGround } from "./ground.js";
import { listen } from "./gestures.js";
import { SeatLayer } from "./layer.js";
import { Marks } from "./marks.js";
import { motionAllowed, onPaletteChange, palette } from "./palette.js";
import { View } from "./view.js";

const READABLE_PITCH = 34; // CSS pixels between neighbours after zooming to a seat
const HITTABLE_PITCH = { mouse: 9, pen: 13, touch: 15 };
const HIT_REACH_PIXELS = { mouse: 5, pen: 8, touch: 12 };
const BUTTON_ZOOM = 1.8;
const GLIDE_MS = 260;
const SHARPEN_MS = 110;
const SHARPEN_SHARE = 8; // A picture that took 30 ms to paint is painted anew every 240 ms at most.

/** `onTap(seat)` and `onPoint(seat or -1, left, top)` tell what the buyer does; seats are indices. */
export class SeatMap {
  constructor({ canvas, marksCanvas, layout, allocations, selection, onTap, onPoint }) {
    this.canvas = canvas;
    this.marksCanvas = marksCanvas;
    this.context = canvas.getContext("2d", { alpha: false });
    this.layout = layout;
    this.view = new View(layout.bounds, layout.pitch);
    this.layer = new SeatLayer(layout, allocations);
    this.marks = new Marks(marksCanvas, layout, allocations, selection);
    this.onTap = onTap;
    this.onPoint = onPoint;
    this.changed = new Set();
    this.glide = null;
    this.frame = 0;
    this.viewMoved = true;
    this.scaledMs = 0;
    this.leaving = new AbortController();
    this.#watch();
    this.#resize();
  }

  close() {
    this.leaving.abort();
    this.observer.disconnect();
    cancelAnimationFrame(this.frame);
    clearTimeout(this.sharpenTimer);
  }

  /** Repaint seats; let them flash when the change is news. */
  repaint(seats, { flash = false } = {}) {
    for (const seat of seats) this.changed.add(seat);
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

  /** Glide to a seat, near enough to read and to hit it. */
  showSeat(seat) {
    this.#glideTo(this.#seatTarget(seat));
  }

  /** Glide to a block, as large as fits. */
  showBlock(block) {
    const across = this.view.width / (block.right - block.left + 6 * this.layout.pitch);
    const down = this.view.height / (block.bottom - block.top + 6 * this.layout.pitch);
    const scale = Math.min(across, down, READABLE_PITCH / this.layout.pitch);
    this.#glideTo({ x: (block.left + block.right) / 2, y: (block.top + block.bottom) / 2, scale });
  }

  /** Jump to a seat at once. */
  jumpTo(seat) {
    const { x, y, scale } = this.#seatTarget(seat);
    this.glide = null;
    this.view.centreOn(x, y, scale);
    this.#moved();
  }

  /** A seat's centre in CSS pixels from the viewport's corner. */
  positionOf(seat) {
    const box = this.canvas.getBoundingClientRect();
    const at = this.view.toPixels(this.layout.x[seat], this.layout.y[seat]);
    return { x: box.left + at.x, y: box.top + at.y };
  }

  /** The colour that the canvas shows at a seat's centre, "#rrggbb"; null where the seat is out of sight. */
  colorOf(seat) {
    this.drawNow();
    const { left, top } = this.#corner();
    const column = Math.floor(this.layout.x[seat] * this.layer.scale) - left;
    const row = Math.floor(this.layout.y[seat] * this.layer.scale) - top;
    if (column < 0 || row < 0 || column >= this.canvas.width || row >= this.canvas.height) return null;
    const [red, green, blue] = this.#pixel(column, row);
    return `#${[red, green, blue].map((part) => part.toString(16).padStart(2, "0")).join("")}`;
  }

  /** Read one pixel by way of a canvas of that size: reading from the large one would slow down its drawing. */
  #pixel(column, row) {
    this.probe ??= Object.assign(document.createElement("canvas"), { width: 1, height: 1 })
      .getContext("2d", { willReadFrequently: true });
    this.probe.drawImage(this.canvas, column, row, 1, 1, 0, 0, 1, 1);
    return this.probe.getImageData(0, 0, 1, 1).data;
  }

  /** Draw what is still to be drawn, in full sharpness, without waiting for the next frame. */
  drawNow() {
    cancelAnimationFrame(this.frame);
    this.frame = 0;
    this.scaledMs = 0;
    this.#draw(performance.now());
  }

  #seatTarget(seat) {
    const scale = Math.max(this.view.scale, READABLE_PITCH / this.layout.pitch);
    return { x: this.layout.x[seat], y: this.layout.y[seat], scale };
  }

  #watch() {
    const { signal } = this.leaving;
    this.observer = new ResizeObserver(() => this.#resize());
    this.observer.observe(this.canvas);
    // Moving the window to another screen changes the pixel ratio but not the size.
    addEventListener("resize", () => this.#resize(), { signal });
    onPaletteChange(() => this.#recolor(), signal);
    listen(this.canvas, {
      pan: (right, down) => { this.glide = null; this.view.panBy(right, down); this.#moved(); },
      zoom: (left, top, factor) => this.#zoomAt(left, top, factor),
      whole: () => this.showWhole(),
      tap: (left, top, kind) => this.#tap(left, top, kind),
      point: (left, top) => this.#point(left, top),
      leave: () => this.#pointAt(-1),
    }, signal);
  }

  #resize() {
    const width = this.canvas.clientWidth;
    const height = this.canvas.clientHeight;
    if (width === 0 || height === 0) return;
    this.ratio = devicePixelRatio || 1;
    const deviceWidth = Math.round(width * this.ratio);
    const deviceHeight = Math.round(height * this.ratio);
    if (deviceWidth === this.canvas.width && deviceHeight === this.canvas.height && this.view.width === width) return;
    for (const canvas of [this.canvas, this.marksCanvas]) {
      canvas.width = deviceWidth;
      canvas.height = deviceHeight;
    }
    this.view.resize(width, height);
    this.layer.scale = 0;
    this.marks.forget();
    this.viewMoved = true;
    // At once, not in the next frame: giving a canvas a size has emptied it.
    this.drawNow();
  }

  #recolor() {
    this.layer.scale = 0;
    this.marks.forget();
    this.#moved();
  }

  #zoomBy(factor) {
    const middle = this.view.toPlan(this.view.width / 2, this.view.height / 2);
    const from = this.glide?.to.scale ?? this.view.scale;
    this.#glideTo({ ...middle, scale: this.view.limitScale(from * factor) });
  }

  #zoomAt(left, top, factor) {
    this.glide = null;
    this.view.zoomAt(left, top, factor);
    this.#moved();
  }

  #glideTo(target, arrive = () => this.view.centreOn(target.x, target.y, target.scale)) {
    if (!motionAllowed()) {
      arrive();
      this.#moved();
      return;
    }
    const { x, y } = this.view.toPlan(this.view.width / 2, this.view.height / 2);
    this.glide = { from: { x, y, scale: this.view.scale }, to: target, startMs: performance.now(), arrive };
    this.#wake();
  }

  #stepGlide(now) {
    const { from, to, startMs, arrive } = this.glide;
    const progress = Math.min(1, Math.max(0, now - startMs) / GLIDE_MS);
    if (progress === 1) {
      this.glide = null;
      arrive();
    } else {
      const eased = 1 - (1 - progress) ** 3;
      const scale = from.scale * (to.scale / from.scale) ** eased;
      // Across in step with the zoom, so that the target comes nearer on a straight line.
      const share = to.scale === from.scale ? eased : (1 / from.scale - 1 / scale) / (1 / from.scale - 1 / to.scale);
      this.view.centreOn(from.x + (to.x - from.x) * share, from.y + (to.y - from.y) * share, scale);
    }
    this.viewMoved = true;
  }

  #tap(left, top, kind) {
    const pitch = this.layout.pitch * this.view.scale;
    const at = this.view.toPlan(left, top);
    if (pitch < (HITTABLE_PITCH[kind] ?? HITTABLE_PITCH.touch)) {
      // Too small to hit for sure: come nearer instead of guessing.
      this.#glideTo({ ...at, scale: READABLE_PITCH / this.layout.pitch });
      return;
    }
    const seat = this.#seatAt(left, top, kind);
    this.#pointAt(seat);
    if (seat >= 0) this.onTap(seat);
  }

  #seatAt(left, top, kind) {
    const { x, y } = this.view.toPlan(left, top);
    const reachPixels = HIT_REACH_PIXELS[kind] ?? HIT_REACH_PIXELS.touch;
    return this.layout.nearest(x, y, Math.max(this.layout.pitch * 0.62, reachPixels / this.view.scale));
  }

  #point(left, top) {
    this.#pointAt(this.#seatAt(left, top, "mouse"));
  }

  #pointAt(seat) {
    this.marks.pointed = seat;
    if (seat < 0) this.onPoint(-1, 0, 0);
    else {
      const at = this.view.toPixels(this.layout.x[seat], this.layout.y[seat]);
      this.onPoint(seat, at.x, at.y);
    }
    this.remark();
  }

  #moved() {
    this.viewMoved = true;
    if (this.marks.pointed >= 0) this.#pointAt(-1);
    this.#wake();
  }

  #wake() {
    if (this.frame === 0 && !this.leaving.signal.aborted) {
      this.frame = requestAnimationFrame((now) => {
        this.frame = 0;
        this.#draw(now);
      });
    }
  }

  #draw(now) {
    if (this.glide) this.#stepGlide(now);
    const seatsChanged = this.changed.size > 0;
    if (this.viewMoved || seatsChanged) this.#drawSeats(now);
    const moving = this.marks.draw(this.view, this.ratio, now);
    if (moving || this.glide) this.#wake();
  }

  #drawSeats(now) {
    const { layer, view, ratio } = this;
    const inScale = layer.scale === view.scale * ratio;
    if (!layer.covers(view, ratio) || (!inScale && this.#mayRender(now))) {
      layer.render(view, ratio);
    } else {
      layer.paint(this.changed);
      if (!inScale) this.#sharpenLater();
    }
    this.changed.clear();
    this.viewMoved = false;
    this.#compose();
  }

  /** While the scale changes the old picture is stretched; painting 60,000 seats each frame would stutter. */
  #mayRender(now) {
    if (this.scaledMs !== 0 && now - this.scaledMs < this.#sharpenMs()) return false;
    this.scaledMs = now;
    return true;
  }

  #sharpenMs() {
    return Math.max(SHARPEN_MS, this.layer.renderMs * SHARPEN_SHARE);
  }

  #sharpenLater() {
    clearTimeout(this.sharpenTimer);
    this.sharpenTimer = setTimeout(() => {
      this.scaledMs = 0;
      this.viewMoved = true;
      this.#wake();
    }, this.#sharpenMs());
  }

  /** The view's corner in whole device pixels of the plan, so that the layer is copied without blur. */
  #corner() {
    const scale = this.view.scale * this.ratio;
    return { left: Math.round(this.view.x * scale), top: Math.round(this.view.y * scale) };
  }

  #compose() {
    const { context, layer, view, ratio } = this;
    const scale = view.scale * ratio;
    const { left, top } = this.#corner();
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.fillStyle = palette().ground;
    context.fillRect(0, 0, this.canvas.width, this.canvas.height);
    context.setTransform(scale, 0, 0, scale, -left, -top);
    drawGround(context, this.layout.shapes, view.scale, this.layout.bounds);
    const stretch = scale / layer.scale;
    context.setTransform(stretch, 0, 0, stretch, layer.left * stretch - left, layer.top * stretch - top);
    context.drawImage(layer.canvas, 0, 0);
    context.setTransform(1, 0, 0, 1, 0, 0);
  }
}
