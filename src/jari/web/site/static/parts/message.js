// The one place where the page speaks up: shown for a while, and read out by screen readers.

const SHOWN_MS = 7000;

let hideTimer = 0;

/** Say a sentence to the buyer; `tone` is "plain", "good" or "bad". */
export function announce(text, tone = "plain") {
  const area = document.getElementById("message");
  // A repeated sentence must be read out again, and a live region speaks only when its text changes.
  area.textContent = "";
  area.className = `message shown ${tone}`;
  requestAnimationFrame(() => { area.textContent = text; });
  clearTimeout(hideTimer);
  hideTimer = setTimeout(hush, SHOWN_MS);
}

/** Take the present sentence away. */
export function hush() {
  document.getElementById("message").classList.remove("shown");
}
