// The venue as the map needs it: every seat in typed arrays, its block, and a grid to find the nearest seat.

/** What a seat may be besides being a seat; bits of `Layout.flags`. */
export const FLAGS = { accessible: 1, companion: 2, restrictedView: 4, aisle: 8 };

const PITCH_SAMPLES = 500;
const PITCH_QUANTILE = 0.2;

/** The static plan of one schedule. A seat is named by its index, 0 … count - 1; `ids` gives the id. */
export class Layout {
  constructor(venue, blocks, answer) {
    const columns = answer.seats;
    this.count = columns.id.length;
    this.ids = columns.id;
    this.indexOf = new Map(columns.id.map((id, index) => [id, index]));
    this.x = Float32Array.from(columns.x);
    this.y = Float32Array.from(columns.y);
    this.rowLabels = columns.rowLabel;
    this.seatLabels = columns.seatLabel;
    this.grades = venue.grades;
    this.currency = venue.currency;
    this.shapes = venue.shapes ?? [];
    this.grade = this.#gradeColumn(columns.grade);
    this.flags = this.#flagColumn(answer);
    this.blocks = blocks.map((block) => ({ ...block, seats: [] }));
    this.block = this.#blockColumn(columns.blockId);
    for (const block of this.blocks) this.#measure(block);
    this.bounds = this.#boundsOfAll(venue);
    this.#buildGrid();
    this.pitch = this.#measurePitch();
  }

  gradeOf(index) {
    return this.grades[this.grade[index]];
  }

  blockOf(index) {
    return this.blocks[this.block[index]];
  }

  has(index, flag) {
    return (this.flags[index] & FLAGS[flag]) !== 0;
  }

  /** Index of the seat nearest to a point of the plan and within `reach` of it, or -1. */
  nearest(x, y, reach, except = -1) {
    let best = -1;
    let bestSquare = reach * reach;
    this.visitNear(x, y, reach, (seat) => {
      const square = (this.x[seat] - x) ** 2 + (this.y[seat] - y) ** 2;
      if (square > bestSquare || seat === except) return;
      best = seat;
      bestSquare = square;
    });
    return best;
  }

  /** Call back with the seats in the grid's cells around a point: all within `reach`, and some beyond. */
  visitNear(x, y, reach, visit) {
    const { left, top, columns, rows, size, starts, members } = this.grid;
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

  #gradeColumn(codes) {
    const indexOf = new Map(this.grades.map((grade, index) => [grade.code, index]));
    return Uint8Array.from(codes, (code) => indexOf.get(code) ?? 0);
  }

  #flagColumn(answer) {
    const flags = new Uint8Array(this.count);
    for (const [name, bit] of Object.entries(FLAGS)) {
      for (const id of answer[name] ?? []) {
        const index = this.indexOf.get(id);
        if (index !== undefined) flags[index] |= bit;
      }
    }
    return flags;
  }

  #blockColumn(blockIds) {
    const indexOf = new Map(this.blocks.map((block, index) => [block.id, index]));
    return Uint16Array.from(blockIds, (blockId, seat) => {
      const index = indexOf.get(blockId);
      this.blocks[index].seats.push(seat);
      return index;
    });
  }

  #measure(block) {
    let bottom = -Infinity, left = Infinity, right = -Infinity, sumX = 0, sumY = 0, top = Infinity;
    for (const seat of block.seats) {
      left = Math.min(left, this.x[seat]);
      right = Math.max(right, this.x[seat]);
      top = Math.min(top, this.y[seat]);
      bottom = Math.max(bottom, this.y[seat]);
      sumX += this.x[seat];
      sumY += this.y[seat];
    }
    const count = Math.max(1, block.seats.length);
    Object.assign(block, { left, top, right, bottom, centreX: sumX / count, centreY: sumY / count });
  }

  #boundsOfAll(venue) {
    const boxes = this.blocks.filter((block) => block.seats.length);
    for (const shape of this.shapes) {
      const reach = shape.kind === "circle" ? shape.radius ?? 0 : 0;
      for (const [x, y] of shape.points) {
        boxes.push({ left: x - reach, right: x + reach, top: y - reach, bottom: y + reach });
      }
    }
    if (boxes.length === 0) return { left: 0, top: 0, right: venue.width || 1, bottom: venue.height || 1 };
    return boxes.reduce((all, box) => ({
      left: Math.min(all.left, box.left),
      top: Math.min(all.top, box.top),
      right: Math.max(all.right, box.right),
      bottom: Math.max(all.bottom, box.bottom),
    }), { left: Infinity, top: Infinity, right: -Infinity, bottom: -Infinity });
  }

  /** Seats sorted into square cells: `members[starts[cell] … starts[cell + 1]]` are those of a cell. */
  #buildGrid() {
    const { left, top, right, bottom } = this.bounds;
    const size = Math.max(1e-6, 2 * Math.sqrt(((right - left) * (bottom - top)) / Math.max(1, this.count)) || 1);
    const columns = Math.floor((right - left) / size) + 1;
    const rows = Math.floor((bottom - top) / size) + 1;
    const cellOf = (seat) =>
      Math.floor((this.y[seat] - top) / size) * columns + Math.floor((this.x[seat] - left) / size);
    const starts = new Uint32Array(columns * rows + 1);
    for (let seat = 0; seat < this.count; seat += 1) starts[cellOf(seat) + 1] += 1;
    for (let cell = 0; cell < columns * rows; cell += 1) starts[cell + 1] += starts[cell];
    const filled = starts.slice();
    const members = new Uint32Array(this.count);
    for (let seat = 0; seat < this.count; seat += 1) members[filled[cellOf(seat)]++] = seat;
    this.grid = { left, top, size, columns, rows, starts, members };
  }

  /** The usual distance between neighbours, from a sample. A low quantile, so that no two seats overlap. */
  #measurePitch() {
    const step = Math.max(1, Math.floor(this.count / PITCH_SAMPLES));
    const distances = [];
    for (let seat = 0; seat < this.count; seat += step) {
      const neighbour = this.nearest(this.x[seat], this.y[seat], this.grid.size * 2, seat);
      if (neighbour < 0) continue;
      distances.push(Math.hypot(this.x[seat] - this.x[neighbour], this.y[seat] - this.y[neighbour]));
    }
    distances.sort((a, b) => a - b);
    const pitch = distances[Math.floor(distances.length * PITCH_QUANTILE)];
    return pitch > 0 ? pitch : this.grid.size;
  }
}
