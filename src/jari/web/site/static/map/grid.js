// @ts-check
// Points sorted into square cells, so that looking near a place need not ask all of them.

/** @import { Box } from "./layout.js" */

/** `members[starts[cell] … starts[cell + 1]]` are the points of a cell, by their index. */
export class Grid {
  /**
   * @param {Box} bounds
   * @param {Float32Array} x
   * @param {Float32Array} y
   */
  constructor({ left, top, right, bottom }, x, y) {
    const count = x.length;
    this.left = left;
    this.top = top;
    // Two points for each side of a cell, on average.
    this.size = Math.max(1e-6, 2 * Math.sqrt(((right - left) * (bottom - top)) / Math.max(1, count)) || 1);
    this.columns = Math.floor((right - left) / this.size) + 1;
    this.rows = Math.floor((bottom - top) / this.size) + 1;
    this.starts = new Uint32Array(this.columns * this.rows + 1);
    this.members = new Uint32Array(count);
    this.#sort(x, y);
  }

  /**
   * Call back with the points in the cells around a place: all within `reach`, and some beyond.
   * @param {number} x
   * @param {number} y
   * @param {number} reach
   * @param {(point: number) => void} visit
   */
  visitNear(x, y, reach, visit) {
    const { left, top, columns, rows, size, starts, members } = this;
    const firstColumn = Math.max(0, Math.floor((x - reach - left) / size));
    const lastColumn = Math.min(columns - 1, Math.floor((x + reach - left) / size));
    const firstRow = Math.max(0, Math.floor((y - reach - top) / size));
    const lastRow = Math.min(rows - 1, Math.floor((y + reach - top) / size));
    for (let row = firstRow; row <= lastRow; row += 1) {
      for (let column = firstColumn; column <= lastColumn; column += 1) {
        const cell = row * columns + column;
        for (let at = starts[cell]; at < starts[cell + 1]; at += 1) visit(members[at]);
      }
    }
  }

  /**
   * @param {Float32Array} x
   * @param {Float32Array} y
   */
  #sort(x, y) {
    const { left, top, size, columns, rows, starts, members } = this;
    const cells = Uint32Array.from(x, (across, point) =>
      Math.floor((y[point] - top) / size) * columns + Math.floor((across - left) / size));
    for (const cell of cells) starts[cell + 1] += 1;
    for (let cell = 0; cell < columns * rows; cell += 1) starts[cell + 1] += starts[cell];
    const filled = starts.slice();
    cells.forEach((cell, point) => {
      members[filled[cell]] = point;
      filled[cell] += 1;
    });
  }
}
