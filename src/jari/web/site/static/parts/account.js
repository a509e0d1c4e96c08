// Who is logged in; the dialog to log in and to sign up.

import * as api from "../api/client.js";
import { announce } from "./message.js";
import { explain } from "./refusals.js";
import { say } from "./words.js";

const byId = (id) => document.getElementById(id);

const listeners = new Set();
let account = null;
let signingUp = false;
let whenDone = null;

export const currentAccount = () => account;

/** Call back when somebody logs in or out, until the signal aborts. */
export function onAccountChange(listener, signal) {
  listeners.add(listener);
  signal.addEventListener("abort", () => listeners.delete(listener));
}

/** Wire the buttons and the dialog, and ask the server who we are. */
export async function startAccount() {
  byId("log-in-button").addEventListener("click", () => openDialog());
  byId("account-close").addEventListener("click", () => byId("account-dialog").close());
  byId("account-mode").addEventListener("click", () => setMode(!signingUp));
  byId("account-form").addEventListener("submit", submit);
  byId("account-dialog").addEventListener("close", () => { whenDone = null; });
  try {
    setAccount(await api.me());
  } catch {
    setAccount(null); // The page is of use without an account; what needs one will say so.
  }
}

/** Ask for an account; `then` is called once somebody is logged in. */
export function askToLogIn(reason, then) {
  openDialog(reason);
  whenDone = then;
}

/** The server no longer knows us. */
export function forgetAccount() {
  if (account) setAccount(null);
}

/** Show the header and the dialog in the present language. */
export function translateAccount() {
  showAccount();
  setMode(signingUp);
}

function setAccount(next) {
  account = next;
  showAccount();
  listeners.forEach((listener) => listener(account));
}

function showAccount() {
  byId("log-in-button").hidden = account !== null;
  byId("my-reservations-link").hidden = account === null;
  byId("my-account-button").hidden = account === null;
  byId("account-name").textContent = account?.name ?? "";
}

function openDialog(reason = "") {
  byId("account-form").reset();
  setMode(false);
  byId("account-reason").textContent = reason;
  byId("account-reason").hidden = reason === "";
  byId("account-dialog").showModal();
  byId("account-form").elements.email.focus();
}

function setMode(nextSigningUp) {
  signingUp = nextSigningUp;
  byId("account-title").textContent = say(signingUp ? "signUp" : "logIn");
  byId("account-submit").textContent = say(signingUp ? "signUp" : "logIn");
  byId("account-mode").textContent = say(signingUp ? "toLogIn" : "toSignUp");
  byId("name-field").hidden = !signingUp;
  byId("account-form").elements.name.required = signingUp;
  byId("account-form").elements.password.autocomplete = signingUp ? "new-password" : "current-password";
  byId("account-error").textContent = "";
}

async function submit(event) {
  event.preventDefault();
  const form = byId("account-form");
  if (!form.checkValidity()) {
    byId("account-error").textContent = say("fillIn");
    form.querySelector(":invalid").focus();
    return;
  }
  byId("account-error").textContent = "";
  byId("account-submit").disabled = true;
  try {
    await enter(form.elements);
  } catch (error) {
    byId("account-error").textContent = error.status === 401 ? say("wrongCredentials") : explain(error);
  } finally {
    byId("account-submit").disabled = false;
  }
}

async function enter({ email, password, name }) {
  if (signingUp) {
    await api.signUp(email.value.trim(), password.value, name.value.trim());
    // From here on the account exists: should the log-in fail, trying again must not sign up twice.
    setMode(false);
  }
  const entered = await api.logIn(email.value.trim(), password.value);
  const then = whenDone;
  byId("account-dialog").close();
  setAccount(entered);
  announce(say("welcome", { name: entered.name }), "good");
  await then?.();
}
