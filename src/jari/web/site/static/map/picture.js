// @ts-check
// Ground and seats as they are seen: the layer's picture is painted anew at a new scale, or copied and stretched.

/** @import { Allocations } from "./allocations.js" */
/** @import { Layout } from "./layout.js" */
/** @import { View } from "./view.js" */

import { contextOf } from "./canvas.js";
import { drawGround } from "./ground.js";
import { SeatLayer } from "./layer.js";
import { palette } from "./palette.js";

const SHARPEN_MS = 110;
const SHARPEN_SHARE = 8; // A picture that took 30 ms to paint is painted anew every 240 ms at most.

export class Picture {
  #renderedMs = 0;

  /**
   * @param {HTMLCanvasElement} canvas
   * @param {Layout} layout
   * @param {Allocations} allocations
   * @param {View} view
   */
  constructor(canvas, layout, allocations, view) {
    this.context = contextOf(canvas, { alpha: false });
    this.layout = layout;
    this.view = view;
    this.layer = new SeatLayer(layout, allocations);
    /** Device pixels per CSS pixel. */
    this.ratio = 1;
    /** How long a stretched picture may stand before it is to be drawn in full sharpness. */
    this.sharpenMs = SHARPEN_MS;
  }

  /** Forget what is painted: colours or the screen's resolution have changed. */
  forget() {
    this.layer.scale = 0;
  }

  /** Let the next drawing be in full sharpness, whatever it costs. */
  sharpen() {
    this.#renderedMs = 0;
  }

  /**
   * Draw, with the seats that changed; true where the picture is sharp, false where it is stretched for now.
   * @param {Set<number>} changed
   * @param {number} nowMs
   */
  draw(changed, nowMs) {
    const { layer, view, ratio } = this;
    const inScale = layer.scale === view.scale * ratio;
    const rendered = !layer.covers(view, ratio) || (!inScale && this.#mayRender(nowMs));
    if (rendered) {
      layer.render(view, ratio);
      this.sharpenMs = Math.max(SHARPEN_MS, layer.renderMs * SHARPEN_SHARE);
    } else layer.paint(changed);
    this.#compose();
    return rendered || inScale;
  }

  /**
   * While the scale changes the old picture is stretched; painting 60,000 seats each frame would stutter.
   * @param {number} nowMs
   */
  #mayRender(nowMs) {
    if (this.#renderedMs !== 0 && nowMs - this.#renderedMs < this.sharpenMs) return false;
    this.#renderedMs = nowMs;
    return true;
  }

  #compose() {
    const { context, layer, layout, view } = this;
    const scale = view.scale * this.ratio;
    // The view's corner in whole device pixels of the plan, so that the layer is copied without blur.
    const left = Math.round(view.x * scale);
    const top = Math.round(view.y * scale);
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.fillStyle = palette().ground;
    context.fillRect(0, 0, context.canvas.width, context.canvas.height);
    context.setTransform(scale, 0, 0, scale, -left, -top);
    drawGround(context, layout.shapes, view.scale, layout.bounds);
    const stretch = scale / layer.scale;
    context.setTransform(stretch, 0, 0, stretch, layer.left * stretch - left, layer.top * stretch - top);
    context.drawImage(layer.canvas, 0, 0);
    context.setTransform(1, 0, 0, 1, 0, 0);
  }
}
