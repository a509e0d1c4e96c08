// @ts-check
// The shapes of seats in their states, and which text reads on a colour.

import { makeCanvas } from "./canvas.js";

/** @typedef {(context: CanvasRenderingContext2D, size: number) => void} Draw fills a square of a size with a shape */

/** @type {Draw} */
export function drawAvailable(context, size) {
  context.beginPath();
  context.roundRect(0, 0, size, size, size * 0.28);
  context.fill();
}

/**
 * An octagon: somebody is deciding.
 * @type {Draw}
 */
export function drawHold(context, size) {
  const cut = size * 0.36;
  context.beginPath();
  context.moveTo(cut, 0);
  context.lineTo(size - cut, 0);
  context.lineTo(size, cut);
  context.lineTo(size, size - cut);
  context.lineTo(size - cut, size);
  context.lineTo(cut, size);
  context.lineTo(0, size - cut);
  context.lineTo(0, cut);
  context.fill();
}

/**
 * Small, so that what can still be bought stands out.
 * @type {Draw}
 */
export function drawOccupied(context, size) {
  const inset = Math.round(size * 0.16);
  context.beginPath();
  context.roundRect(inset, inset, size - 2 * inset, size - 2 * inset, size * 0.12);
  context.fill();
}

/** @type {Draw} */
export function drawMine(context, size) {
  context.beginPath();
  context.roundRect(0, 0, size, size, size * 0.28);
  context.fill();
}

/**
 * Black or white, whichever reads better on a colour (relative luminance after WCAG 2).
 * @param {string} color
 */
export function readableOn(color) {
  const [red, green, blue] = parseColor(color).map((part) => {
    const share = part / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue > 0.179 ? "#000000" : "#ffffff";
}

/** @param {string} color */
function parseColor(color) {
  const { context } = makeCanvas(1, 1);
  context.fillStyle = color;
  context.fillRect(0, 0, 1, 1);
  return [...context.getImageData(0, 0, 1, 1).data].slice(0, 3);
}
