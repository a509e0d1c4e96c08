// @ts-check
// The parts of the page, as its template has them.

import { copyTemplate } from "../../parts/elements.js";

/** @typedef {ReturnType<typeof copyParts>["parts"]} Parts */

export const copyParts = () => copyTemplate("schedule-page", {
  occasion: HTMLElement,
  map: HTMLElement,
  seats: HTMLCanvasElement,
  marks: HTMLCanvasElement,
  connection: HTMLElement,
  zoomIn: HTMLButtonElement,
  zoomOut: HTMLButtonElement,
  zoomWhole: HTMLButtonElement,
  tip: HTMLElement,
  state: HTMLElement,
  panel: HTMLElement,
  handle: HTMLButtonElement,
  body: HTMLElement,
  holds: HTMLElement,
  selection: HTMLElement,
  legend: HTMLElement,
  key: HTMLElement,
  blockSelect: HTMLSelectElement,
  rows: HTMLElement,
  summary: HTMLElement,
  hold: HTMLButtonElement,
  checkout: HTMLButtonElement,
  releaseAll: HTMLButtonElement,
});
