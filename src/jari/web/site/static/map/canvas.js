// @ts-check
// Canvases, and the context to draw on them.

/**
 * @param {HTMLCanvasElement} canvas
 * @param {CanvasRenderingContext2DSettings} [settings]
 */
export function contextOf(canvas, settings) {
  const context = canvas.getContext("2d", settings);
  if (context === null) throw new Error("This browser draws no pictures: its canvas has no 2d context.");
  return context;
}

/**
 * A canvas that is not shown, and its context.
 * @param {number} width
 * @param {number} height
 */
export function makeCanvas(width, height) {
  const canvas = Object.assign(document.createElement("canvas"), { width, height });
  return { canvas, context: contextOf(canvas) };
}
