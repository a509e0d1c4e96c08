// Wheel, drag, pinch, tap and keys on the map, told in the map's own words: pan, zoom, tap, point.

const TAP_SLACK_PIXELS = { mouse: 4, pen: 8, touch: 10 };
const WHEEL_ZOOM = 0.0016;
const PINCH_WHEEL_ZOOM = 0.01;
const PIXELS_PER_LINE = 16;
const KEY_PAN_PIXELS = 80;
const KEY_ZOOM = 1.5;

/** Listen on the canvas. `actions` has pan(right, down), zoom(left, top, factor), whole(), tap(left, top, kind),
 * point(left, top) and leave(). Positions are CSS pixels from the canvas's corner. */
export function listen(canvas, actions, signal) {
  const pointers = new Map();
  let pressed = null;

  const place = (event) => {
    const box = canvas.getBoundingClientRect();
    return { left: event.clientX - box.left, top: event.clientY - box.top };
  };

  const on = (name, handle, options = {}) => canvas.addEventListener(name, handle, { signal, ...options });

  on("pointerdown", (event) => {
    if (event.button !== 0) return;
    canvas.setPointerCapture(event.pointerId);
    pointers.set(event.pointerId, place(event));
    // A second finger makes it a pinch, which never ends in a tap.
    pressed = pointers.size === 1 ? { ...place(event), moved: false } : null;
  });

  on("pointermove", (event) => {
    const at = place(event);
    if (!pointers.has(event.pointerId)) {
      if (event.pointerType === "mouse") actions.point(at.left, at.top);
      return;
    }
    if (pointers.size === 1) drag(event, at);
    else pinch(event.pointerId, at);
    pointers.set(event.pointerId, at);
  });

  function drag(event, at) {
    const before = pointers.get(event.pointerId);
    if (pressed && !pressed.moved) {
      const slack = TAP_SLACK_PIXELS[event.pointerType] ?? TAP_SLACK_PIXELS.touch;
      if (Math.hypot(at.left - pressed.left, at.top - pressed.top) <= slack) return;
      pressed.moved = true;
    }
    actions.pan(at.left - before.left, at.top - before.top);
  }

  function pinch(movedId, at) {
    const others = [...pointers].filter(([id]) => id !== movedId);
    if (others.length !== 1) return; // Three fingers and more are not a gesture of ours.
    const other = others[0][1];
    const before = pointers.get(movedId);
    const middle = { left: (at.left + other.left) / 2, top: (at.top + other.top) / 2 };
    const distance = (one) => Math.max(1, Math.hypot(one.left - other.left, one.top - other.top));
    actions.pan((at.left - before.left) / 2, (at.top - before.top) / 2);
    actions.zoom(middle.left, middle.top, distance(at) / distance(before));
  }

  const lift = (event) => {
    if (!pointers.delete(event.pointerId)) return;
    const isTap = event.type === "pointerup" && pressed && !pressed.moved;
    if (isTap) actions.tap(pressed.left, pressed.top, event.pointerType);
    pressed = null;
  };
  on("pointerup", lift);
  on("pointercancel", lift);
  on("pointerleave", (event) => { if (event.pointerType === "mouse") actions.leave(); });

  on("wheel", (event) => {
    event.preventDefault();
    const pixels = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? event.deltaY * PIXELS_PER_LINE : event.deltaY;
    // Browsers report a pinch on a trackpad as a wheel with Ctrl, in much smaller steps.
    const factor = Math.exp(-pixels * (event.ctrlKey ? PINCH_WHEEL_ZOOM : WHEEL_ZOOM));
    const { left, top } = place(event);
    actions.zoom(left, top, Math.min(2, Math.max(0.5, factor)));
  }, { passive: false });

  const middle = () => [canvas.clientWidth / 2, canvas.clientHeight / 2];
  const keys = {
    ArrowLeft: () => actions.pan(KEY_PAN_PIXELS, 0),
    ArrowRight: () => actions.pan(-KEY_PAN_PIXELS, 0),
    ArrowUp: () => actions.pan(0, KEY_PAN_PIXELS),
    ArrowDown: () => actions.pan(0, -KEY_PAN_PIXELS),
    "+": () => actions.zoom(...middle(), KEY_ZOOM),
    "=": () => actions.zoom(...middle(), KEY_ZOOM),
    "-": () => actions.zoom(...middle(), 1 / KEY_ZOOM),
    0: () => actions.whole(),
  };
  on("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || !keys[event.key]) return;
    event.preventDefault();
    keys[event.key]();
  });
}
