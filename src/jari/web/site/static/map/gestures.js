// @ts-check
// Wheel, drag, pinch, tap and keys on the map, told in the map's own words: pan, zoom, tap, point.

/** @type {Record<string, number>} */
const TAP_SLACK_PIXELS = { mouse: 4, pen: 8, touch: 10 };
const WHEEL_ZOOM = 0.0016;
const PINCH_WHEEL_ZOOM = 0.01;
const PIXELS_PER_LINE = 16;
const KEY_PAN_PIXELS = 80;
const KEY_ZOOM = 1.5;

/**
 * Positions are CSS pixels from the canvas's corner.
 * @typedef {{ left: number, top: number }} Place
 * @typedef {object} Actions
 * @property {(right: number, down: number) => void} pan
 * @property {(left: number, top: number, factor: number) => void} zoom
 * @property {() => void} whole
 * @property {(left: number, top: number, kind: string) => void} tap `kind` is mouse, pen or touch
 * @property {(left: number, top: number) => void} point
 * @property {() => void} leave
 */

/**
 * Listen on the canvas, until the signal aborts.
 * @param {HTMLCanvasElement} canvas
 * @param {Actions} actions
 * @param {AbortSignal} signal
 */
export function listen(canvas, actions, signal) {
  const pointers = new Pointers(canvas, actions);
  canvas.addEventListener("pointerdown", (event) => pointers.press(event), { signal });
  canvas.addEventListener("pointermove", (event) => pointers.move(event), { signal });
  canvas.addEventListener("pointerup", (event) => pointers.lift(event, true), { signal });
  canvas.addEventListener("pointercancel", (event) => pointers.lift(event, false), { signal });
  canvas.addEventListener("pointerleave", (event) => { if (event.pointerType === "mouse") actions.leave(); }, { signal });
  canvas.addEventListener("wheel", (event) => turnWheel(event, placeIn(canvas, event), actions),
    { signal, passive: false });
  const keys = keyActions(canvas, actions);
  canvas.addEventListener("keydown", (event) => {
    const act = keys[event.key];
    if (event.ctrlKey || event.metaKey || event.altKey || act === undefined) return;
    event.preventDefault();
    act();
  }, { signal });
}

/** The fingers on the map, or the mouse: one drags or taps, two pinch. */
class Pointers {
  /** @type {Map<number, Place>} */
  #places = new Map();
  /** @type {Place & { moved: boolean } | null} */
  #pressed = null;

  /**
   * @param {HTMLCanvasElement} canvas
   * @param {Actions} actions
   */
  constructor(canvas, actions) {
    this.canvas = canvas;
    this.actions = actions;
  }

  /** @param {PointerEvent} event */
  press(event) {
    if (event.button !== 0) return;
    const at = placeIn(this.canvas, event);
    this.canvas.setPointerCapture(event.pointerId);
    this.#places.set(event.pointerId, at);
    // A second finger makes it a pinch, which never ends in a tap.
    this.#pressed = this.#places.size === 1 ? { ...at, moved: false } : null;
  }

  /** @param {PointerEvent} event */
  move(event) {
    const at = placeIn(this.canvas, event);
    const before = this.#places.get(event.pointerId);
    if (before === undefined) {
      if (event.pointerType === "mouse") this.actions.point(at.left, at.top);
      return;
    }
    if (this.#places.size === 1) this.#drag(event.pointerType, before, at);
    else this.#pinch(event.pointerId, before, at);
    this.#places.set(event.pointerId, at);
  }

  /**
   * @param {PointerEvent} event
   * @param {boolean} mayTap
   */
  lift(event, mayTap) {
    if (!this.#places.delete(event.pointerId)) return;
    const pressed = this.#pressed;
    this.#pressed = null;
    if (mayTap && pressed && !pressed.moved) this.actions.tap(pressed.left, pressed.top, event.pointerType);
  }

  /**
   * @param {string} kind
   * @param {Place} before
   * @param {Place} at
   */
  #drag(kind, before, at) {
    const pressed = this.#pressed;
    if (pressed && !pressed.moved) {
      if (distance(at, pressed) <= (TAP_SLACK_PIXELS[kind] ?? TAP_SLACK_PIXELS.touch)) return;
      pressed.moved = true;
    }
    this.actions.pan(at.left - before.left, at.top - before.top);
  }

  /**
   * @param {number} movedId
   * @param {Place} before
   * @param {Place} at
   */
  #pinch(movedId, before, at) {
    const others = [...this.#places].filter(([id]) => id !== movedId);
    if (others.length !== 1) return; // Three fingers and more are not a gesture of ours.
    const [[, other]] = others;
    this.actions.pan((at.left - before.left) / 2, (at.top - before.top) / 2);
    this.actions.zoom((at.left + other.left) / 2, (at.top + other.top) / 2,
      Math.max(1, distance(at, other)) / Math.max(1, distance(before, other)));
  }
}

/**
 * @param {HTMLCanvasElement} canvas
 * @param {MouseEvent} event
 * @returns {Place}
 */
function placeIn(canvas, event) {
  const box = canvas.getBoundingClientRect();
  return { left: event.clientX - box.left, top: event.clientY - box.top };
}

/**
 * @param {Place} one
 * @param {Place} other
 */
const distance = (one, other) => Math.hypot(one.left - other.left, one.top - other.top);

/**
 * @param {WheelEvent} event
 * @param {Place} at
 * @param {Actions} actions
 */
function turnWheel(event, { left, top }, actions) {
  event.preventDefault();
  const pixels = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? event.deltaY * PIXELS_PER_LINE : event.deltaY;
  // Browsers report a pinch on a trackpad as a wheel with Ctrl, in much smaller steps.
  const factor = Math.exp(-pixels * (event.ctrlKey ? PINCH_WHEEL_ZOOM : WHEEL_ZOOM));
  actions.zoom(left, top, Math.min(2, Math.max(0.5, factor)));
}

/**
 * @param {HTMLCanvasElement} canvas
 * @param {Actions} actions
 * @returns {Record<string, () => void>}
 */
function keyActions(canvas, { pan, zoom, whole }) {
  /** @param {number} factor */
  const zoomMiddle = (factor) => zoom(canvas.clientWidth / 2, canvas.clientHeight / 2, factor);
  return {
    ArrowLeft: () => pan(KEY_PAN_PIXELS, 0),
    ArrowRight: () => pan(-KEY_PAN_PIXELS, 0),
    ArrowUp: () => pan(0, KEY_PAN_PIXELS),
    ArrowDown: () => pan(0, -KEY_PAN_PIXELS),
    "+": () => zoomMiddle(KEY_ZOOM),
    "=": () => zoomMiddle(KEY_ZOOM),
    "-": () => zoomMiddle(1 / KEY_ZOOM),
    0: whole,
  };
}
