// What lies beneath the seats: the field or the stage, as the plan draws it.

import { palette } from "./palette.js";

const SMALLEST_TEXT_PIXELS = 11;
const LARGEST_TEXT_PIXELS = 44;
const TEXT_SHARE_OF_VENUE = 0.02;

/** Draw the plan's shapes; the context's transform must turn plan units into pixels. `scale` is CSS pixels
 * per unit and `bounds` the venue's in units: a text without a size of its own grows with the map, within limits. */
export function drawGround(context, shapes, scale, bounds) {
  const venueWidth = bounds.right - bounds.left;
  const wishedPixels = venueWidth * scale * TEXT_SHARE_OF_VENUE;
  const textPixels = Math.min(LARGEST_TEXT_PIXELS, Math.max(SMALLEST_TEXT_PIXELS, wishedPixels));
  for (const shape of shapes) if (!isText(shape)) DRAW[shape.kind]?.(context, shape);
  drawVeil(context, bounds);
  for (const shape of shapes) if (isText(shape)) DRAW.text(context, shape, textPixels / scale);
}

const isText = (shape) => shape.kind === "text";

/** On a dark page a bright field would glare. Shapes lie on each other, so they are darkened together. */
function drawVeil(context, { left, top, right, bottom }) {
  context.globalAlpha = palette().veil;
  context.fillStyle = palette().ground;
  context.fillRect(left - 1, top - 1, right - left + 2, bottom - top + 2);
  context.globalAlpha = 1;
}

const DRAW = {
  polygon(context, { points, color }) {
    context.beginPath();
    for (const [x, y] of points) context.lineTo(x, y);
    context.closePath();
    context.fillStyle = color;
    context.fill();
  },

  circle(context, { points: [[x, y]], radius, color }) {
    context.beginPath();
    context.arc(x, y, radius, 0, 2 * Math.PI);
    context.fillStyle = color;
    context.fill();
  },

  text(context, { points: [[x, y]], text, color }, height) {
    context.font = `700 ${height}px "Noto Sans KR", "Apple SD Gothic Neo", system-ui, sans-serif`;
    context.textAlign = "center";
    context.textBaseline = "middle";
    context.fillStyle = color || palette().text;
    context.fillText(text, x, y);
  },
};
