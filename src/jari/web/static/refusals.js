// What to tell the buyer when the server said no, or nothing.

import { NetworkError } from "./api.js";
import { say } from "./words.js";

const WORDS = {
  SALE_NOT_OPEN: "saleNotOpen",
  NOT_YOUR_SEATS: "notYourSeats",
  EMAIL_TAKEN: "emailTaken",
  WRONG_CREDENTIALS: "wrongCredentials",
  UNAUTHENTICATED: "sessionEnded",
};

/** One sentence for an error of the API. */
export function explain(error) {
  if (error instanceof NetworkError) return say("noAnswer");
  if (error.status === 429) return say("tooManyTries", { seconds: error.retryAfterSeconds || 60 });
  const words = WORDS[error.code];
  return words ? say(words) : say("failed", { detail: error.message });
}
