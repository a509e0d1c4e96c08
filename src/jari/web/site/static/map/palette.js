// @ts-check
// Colours of the map. Grades bring their own; states must differ from them, and by shape as well as by colour.

const LIGHT = {
  ground: "#f4f4f1",
  text: "#17191f",
  halo: "rgba(255, 255, 255, 0.9)",
  hold: "#ffc107",
  occupied: "#a2a6b0",
  mine: "#e5199d",
  ring: "#17191f",
  veil: 0, // how far the field and the stage are darkened
};

const DARK = {
  ground: "#14161b",
  text: "#f2f2ef",
  halo: "rgba(20, 22, 27, 0.9)",
  hold: "#ffc107",
  occupied: "#474c58",
  mine: "#ff3fb4",
  ring: "#ffffff",
  veil: 0.5,
};

const dark = matchMedia("(prefers-color-scheme: dark)");
const still = matchMedia("(prefers-reduced-motion: reduce)");

// Keep one query. A query that is made anew at each frame may never report its change.
let current = dark.matches ? DARK : LIGHT;
dark.addEventListener("change", () => { current = dark.matches ? DARK : LIGHT; });

export const palette = () => current;
export const motionAllowed = () => !still.matches;

/**
 * Call back when the colour scheme changes.
 * @param {() => void} callback
 * @param {AbortSignal} signal
 */
export function onPaletteChange(callback, signal) {
  dark.addEventListener("change", callback, { signal });
}
