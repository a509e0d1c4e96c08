// @ts-check
// Waits for the sale to open. The stream does not tell of that. So this asks at the announced time, and now and then
// before, in case the sale opens earlier.

/** @import { ScheduleWithVenue } from "../../api/types.d.ts" */

import * as api from "../../api/client.js";

const CHECK_MS = 20_000;
const SPREAD_MS = 2000;

/**
 * Keep the schedule up to date until its sale is open; `onChange()` tells that it may have changed.
 * @param {ScheduleWithVenue} schedule
 * @param {() => void} onChange
 * @param {AbortSignal} leaving
 */
export async function watchOpening(schedule, onChange, leaving) {
  while (schedule.status !== "OPEN") {
    const untilOpeningMs = Date.parse(schedule.opensAt) - Date.now();
    const waitMs = untilOpeningMs > 0 ? Math.min(untilOpeningMs, CHECK_MS) : CHECK_MS;
    // Spread out, because everybody waits for the same second.
    await api.pause(waitMs + Math.random() * SPREAD_MS);
    if (leaving.aborted) return;
    if (document.hidden) continue;
    try {
      Object.assign(schedule, await api.schedule(schedule.id));
    } catch {
      continue; // The next check comes anyway.
    }
    if (leaving.aborted) return;
    onChange();
  }
}
