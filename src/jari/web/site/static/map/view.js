// @ts-check
// Which part of the plan is seen, and how large. Pure arithmetic: plan units to CSS pixels and back.

/** @import { Box } from "./layout.js" */

/** @typedef {{ x: number, y: number, scale: number }} Target a point of the plan to look at, and how near */

const LARGEST_PITCH_PIXELS = 52;
const FIT_MARGIN_PIXELS = 18;
const SMALLEST_OF_WHOLE = 0.85;

/** `scale` is CSS pixels per plan unit; (`x`, `y`) is the point of the plan in the top left corner. */
export class View {
  /**
   * @param {Box} bounds
   * @param {number} pitch
   */
  constructor(bounds, pitch) {
    this.bounds = bounds;
    this.largestScale = LARGEST_PITCH_PIXELS / pitch;
    this.width = 1;
    this.height = 1;
    this.scale = 1;
    this.x = 0;
    this.y = 0;
    this.isWhole = true;
  }

  /**
   * Take a new size in CSS pixels; the middle stays where it is, or the whole map is fitted again.
   * @param {number} width
   * @param {number} height
   */
  resize(width, height) {
    const centre = this.centre();
    this.width = width;
    this.height = height;
    if (this.isWhole) this.showWhole();
    else this.centreOn(centre);
  }

  wholeScale() {
    const { left, top, right, bottom } = this.bounds;
    const across = Math.max(1, this.width - 2 * FIT_MARGIN_PIXELS) / Math.max(1e-6, right - left);
    const down = Math.max(1, this.height - 2 * FIT_MARGIN_PIXELS) / Math.max(1e-6, bottom - top);
    return Math.min(across, down, this.largestScale);
  }

  /** @returns {Target} */
  wholeTarget() {
    const { left, top, right, bottom } = this.bounds;
    return { x: (left + right) / 2, y: (top + bottom) / 2, scale: this.wholeScale() };
  }

  showWhole() {
    this.centreOn(this.wholeTarget());
    this.isWhole = true;
  }

  /**
   * What is in the middle now.
   * @returns {Target}
   */
  centre() {
    return { ...this.toPlan(this.width / 2, this.height / 2), scale: this.scale };
  }

  /** @param {Target} target */
  centreOn({ x, y, scale }) {
    this.scale = this.limitScale(scale);
    this.x = x - this.width / 2 / this.scale;
    this.y = y - this.height / 2 / this.scale;
    this.isWhole = false;
    this.#keepInSight();
  }

  /**
   * Zoom by a factor about a point in CSS pixels, which stays where it is.
   * @param {number} left
   * @param {number} top
   * @param {number} factor
   */
  zoomAt(left, top, factor) {
    const fixed = this.toPlan(left, top);
    this.scale = this.limitScale(this.scale * factor);
    this.x = fixed.x - left / this.scale;
    this.y = fixed.y - top / this.scale;
    this.isWhole = false;
    this.#keepInSight();
  }

  /**
   * @param {number} right
   * @param {number} down
   */
  panBy(right, down) {
    this.x -= right / this.scale;
    this.y -= down / this.scale;
    this.isWhole = false;
    this.#keepInSight();
  }

  /**
   * @param {number} left
   * @param {number} top
   */
  toPlan(left, top) {
    return { x: this.x + left / this.scale, y: this.y + top / this.scale };
  }

  /**
   * @param {number} x
   * @param {number} y
   */
  toPixels(x, y) {
    return { x: (x - this.x) * this.scale, y: (y - this.y) * this.scale };
  }

  /** @param {number} scale */
  limitScale(scale) {
    return Math.min(this.largestScale, Math.max(this.wholeScale() * SMALLEST_OF_WHOLE, scale));
  }

  /** The middle of the view stays over the venue, so that nobody loses the map. */
  #keepInSight() {
    const { left, top, right, bottom } = this.bounds;
    const halfWidth = this.width / 2 / this.scale;
    const halfHeight = this.height / 2 / this.scale;
    this.x = Math.min(right, Math.max(left, this.x + halfWidth)) - halfWidth;
    this.y = Math.min(bottom, Math.max(top, this.y + halfHeight)) - halfHeight;
  }
}
