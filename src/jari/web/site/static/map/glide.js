// @ts-check
// A view on its way from one place to another: pure arithmetic of the time that has passed.

/** @import { Target } from "./view.js" */

const GLIDE_MS = 260;

export class Glide {
  /**
   * @param {Target} from
   * @param {Target} to
   * @param {number} startMs
   */
  constructor(from, to, startMs) {
    this.from = from;
    this.to = to;
    this.startMs = startMs;
  }

  /** @param {number} nowMs */
  isOver(nowMs) {
    return nowMs - this.startMs >= GLIDE_MS;
  }

  /**
   * Where the view is now.
   * @param {number} nowMs
   * @returns {Target}
   */
  at(nowMs) {
    const { from, to } = this;
    // A frame's time is when the frame began, which may lie before the start.
    const progress = Math.min(1, Math.max(0, nowMs - this.startMs) / GLIDE_MS);
    const eased = 1 - (1 - progress) ** 3;
    const scale = from.scale * (to.scale / from.scale) ** eased;
    // Move across in step with the zoom, so that the target comes nearer on a straight line.
    const share = to.scale === from.scale ? eased : (1 / from.scale - 1 / scale) / (1 / from.scale - 1 / to.scale);
    return { x: from.x + (to.x - from.x) * share, y: from.y + (to.y - from.y) * share, scale };
  }
}
