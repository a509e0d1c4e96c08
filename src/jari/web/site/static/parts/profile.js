// @ts-check
// One's own account: changing the password, and logging out, here or everywhere.

import * as api from "../api/client.js";
import { currentAccount, focusInvalid, forgetAccount } from "./account.js";
import { byId } from "./elements.js";
import { announce } from "./message.js";
import { explain } from "./refusals.js";
import { say } from "./words.js";

const dialog = () => byId("my-account-dialog", HTMLDialogElement);
const form = () => byId("password-form", HTMLFormElement);
const submitButton = () => byId("password-submit", HTMLButtonElement);

/** Wire the button in the header and the dialog that it opens. */
export function startProfile() {
  byId("my-account-button", HTMLElement).addEventListener("click", openDialog);
  byId("my-account-close", HTMLElement).addEventListener("click", () => dialog().close());
  form().addEventListener("submit", submit);
  byId("log-out-button", HTMLElement).addEventListener("click", () => leave(api.logOut, "loggedOut"));
  byId("log-out-everywhere-button", HTMLElement)
    .addEventListener("click", () => leave(api.logOutEverywhere, "loggedOutEverywhere"));
}

function openDialog() {
  form().reset();
  byId("my-email", HTMLInputElement).value = currentAccount()?.email ?? "";
  showError("");
  dialog().showModal();
}

/** @param {string} text */
function showError(text) {
  byId("password-error", HTMLElement).textContent = text;
}

/** @param {SubmitEvent} event */
async function submit(event) {
  event.preventDefault();
  if (!form().checkValidity()) {
    showError(say("fillInPasswords"));
    focusInvalid(form());
    return;
  }
  showError("");
  submitButton().disabled = true;
  try {
    await api.changePassword(
      byId("present-password", HTMLInputElement).value, byId("new-password", HTMLInputElement).value);
    dialog().close();
    announce(say("passwordChanged"), "good");
  } catch (error) {
    if (!sessionIsOver(error)) showError(explainRefusal(error));
  } finally {
    submitButton().disabled = false;
  }
}

/**
 * @param {() => Promise<unknown>} end
 * @param {"loggedOut" | "loggedOutEverywhere"} word
 */
async function leave(end, word) {
  try {
    await end();
    dialog().close();
    forgetAccount();
    announce(say(word));
  } catch (error) {
    if (sessionIsOver(error)) return;
    dialog().close(); // It would hide the message.
    announce(explain(error), "bad");
  }
}

/**
 * Somebody has ended the session elsewhere meanwhile: nothing is left to be done here.
 * @param {unknown} error
 */
function sessionIsOver(error) {
  if (api.codeOf(error) !== "UNAUTHENTICATED") return false;
  dialog().close();
  forgetAccount();
  announce(explain(error), "bad");
  return true;
}

/** @param {unknown} error */
function explainRefusal(error) {
  if (api.codeOf(error) === "WRONG_CREDENTIALS") return say("wrongPresentPassword");
  if (api.codeOf(error) === "INVALID") return say("newPasswordRule");
  return explain(error);
}
