// @ts-check
// What lies beneath the seats: the field or the stage, as the plan draws it.

/** @import { Shape } from "../api/types.d.ts" */
/** @import { Box } from "./layout.js" */

import { palette } from "./palette.js";

const SMALLEST_TEXT_PIXELS = 11;
const LARGEST_TEXT_PIXELS = 44;
const TEXT_SHARE_OF_VENUE = 0.02;

/**
 * Draw the plan's shapes; the context's transform must turn plan units into pixels. `scale` is CSS pixels
 * per unit and `bounds` the venue's in units: a text without a size of its own grows with the map, within limits.
 * @param {CanvasRenderingContext2D} context
 * @param {Shape[]} shapes
 * @param {number} scale
 * @param {Box} bounds
 */
export function drawGround(context, shapes, scale, bounds) {
  const wishedPixels = (bounds.right - bounds.left) * scale * TEXT_SHARE_OF_VENUE;
  const textPixels = Math.min(LARGEST_TEXT_PIXELS, Math.max(SMALLEST_TEXT_PIXELS, wishedPixels));
  for (const shape of shapes) drawArea(context, shape);
  drawVeil(context, bounds);
  for (const shape of shapes) drawText(context, shape, textPixels / scale);
}

/**
 * On a dark page a bright field would glare. Shapes lie on each other, so one veil darkens them together.
 * @param {CanvasRenderingContext2D} context
 * @param {Box} bounds
 */
function drawVeil(context, { left, top, right, bottom }) {
  context.globalAlpha = palette().veil;
  context.fillStyle = palette().ground;
  context.fillRect(left - 1, top - 1, right - left + 2, bottom - top + 2);
  context.globalAlpha = 1;
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {Shape} shape
 */
function drawArea(context, { kind, points, radius = 0, color = "" }) {
  if (kind !== "polygon" && kind !== "circle") return;
  context.beginPath();
  if (kind === "circle") context.arc(...points[0], radius, 0, 2 * Math.PI);
  else for (const [x, y] of points) context.lineTo(x, y);
  context.fillStyle = color;
  context.fill();
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {Shape} shape
 * @param {number} height
 */
function drawText(context, { kind, points, text = "", color = "" }, height) {
  if (kind !== "text") return;
  context.font = `700 ${height}px "Noto Sans KR", "Apple SD Gothic Neo", system-ui, sans-serif`;
  context.textAlign = "center";
  context.textBaseline = "middle";
  context.fillStyle = color || palette().text;
  context.fillText(text, ...points[0]);
}
