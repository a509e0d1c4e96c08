// One's own account: changing the password, and logging out, here or everywhere.

import { currentAccount, forgetAccount } from "./account.js";
import * as api from "../api/client.js";
import { announce } from "./message.js";
import { explain } from "./refusals.js";
import { say } from "./words.js";

const byId = (id) => document.getElementById(id);

/** Wire the button in the header and the dialog that it opens. */
export function startProfile() {
  byId("my-account-button").addEventListener("click", openDialog);
  byId("my-account-close").addEventListener("click", () => byId("my-account-dialog").close());
  byId("password-form").addEventListener("submit", submit);
  byId("log-out-button").addEventListener("click", () => leave(api.logOut, "loggedOut"));
  byId("log-out-everywhere-button").addEventListener("click", () => leave(api.logOutEverywhere, "loggedOutEverywhere"));
}

function openDialog() {
  byId("password-form").reset();
  byId("password-form").elements.email.value = currentAccount()?.email ?? "";
  byId("password-error").textContent = "";
  byId("my-account-dialog").showModal();
}

async function submit(event) {
  event.preventDefault();
  const form = byId("password-form");
  if (!form.checkValidity()) {
    byId("password-error").textContent = say("fillInPasswords");
    form.querySelector(":invalid").focus();
    return;
  }
  byId("password-error").textContent = "";
  byId("password-submit").disabled = true;
  try {
    await api.changePassword(form.elements.password.value, form.elements.newPassword.value);
    byId("my-account-dialog").close();
    announce(say("passwordChanged"), "good");
  } catch (error) {
    if (!sessionIsOver(error)) byId("password-error").textContent = explainRefusal(error);
  } finally {
    byId("password-submit").disabled = false;
  }
}

async function leave(end, word) {
  try {
    await end();
    byId("my-account-dialog").close();
    forgetAccount();
    announce(say(word));
  } catch (error) {
    if (sessionIsOver(error)) return;
    byId("my-account-dialog").close(); // It would hide the message.
    announce(explain(error), "bad");
  }
}

/** Somebody has ended the session elsewhere meanwhile: nothing is left to be done here. */
function sessionIsOver(error) {
  if (error.code !== "UNAUTHENTICATED") return false;
  byId("my-account-dialog").close();
  forgetAccount();
  announce(explain(error), "bad");
  return true;
}

function explainRefusal(error) {
  if (error.code === "WRONG_CREDENTIALS") return say("wrongPresentPassword");
  if (error.code === "INVALID") return say("newPasswordRule");
  return explain(error);
}
