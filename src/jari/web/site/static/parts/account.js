// @ts-check
// Who is logged in; the dialog to log in and to sign up.

/** @import { Me } from "../api/types.d.ts" */

import * as api from "../api/client.js";
import { byId } from "./elements.js";
import { Listeners } from "./listeners.js";
import { announce } from "./message.js";
import { explain } from "./refusals.js";
import { say } from "./words.js";

/** @type {Listeners<Me | null>} */
const changes = new Listeners();
/** @type {Me | null} */
let account = null;
let signingUp = false;
/** @type {(() => void) | null} */
let whenDone = null;

const dialog = () => byId("account-dialog", HTMLDialogElement);
const form = () => byId("account-form", HTMLFormElement);
const submitButton = () => byId("account-submit", HTMLButtonElement);

/** @param {string} id */
const input = (id) => byId(id, HTMLInputElement);

export const currentAccount = () => account;

/**
 * Call back when somebody logs in or out, until the signal aborts.
 * @param {(account: Me | null) => void} listener
 * @param {AbortSignal} signal
 */
export const onAccountChange = (listener, signal) => changes.add(listener, signal);

/** Wire the buttons and the dialog, and ask the server who we are. */
export async function startAccount() {
  byId("log-in-button", HTMLElement).addEventListener("click", () => openDialog());
  byId("account-close", HTMLElement).addEventListener("click", () => dialog().close());
  byId("account-mode", HTMLElement).addEventListener("click", () => setMode(!signingUp));
  form().addEventListener("submit", submit);
  dialog().addEventListener("close", () => { whenDone = null; });
  try {
    setAccount(await api.me());
  } catch {
    setAccount(null); // The page is useful without an account; what needs one says so.
  }
}

/**
 * Ask for an account; `then` is called once somebody is logged in.
 * @param {string} reason
 * @param {() => void} then
 */
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

/** @param {Me | null} next */
function setAccount(next) {
  account = next;
  showAccount();
  changes.tell(account);
}

function showAccount() {
  byId("log-in-button", HTMLElement).hidden = account !== null;
  byId("my-reservations-link", HTMLElement).hidden = account === null;
  byId("my-account-button", HTMLElement).hidden = account === null;
  byId("account-name", HTMLElement).textContent = account?.name ?? "";
}

function openDialog(reason = "") {
  form().reset();
  setMode(false);
  byId("account-reason", HTMLElement).textContent = reason;
  byId("account-reason", HTMLElement).hidden = reason === "";
  dialog().showModal();
  input("account-email").focus();
}

/** @param {boolean} nextSigningUp */
function setMode(nextSigningUp) {
  signingUp = nextSigningUp;
  byId("account-title", HTMLElement).textContent = say(signingUp ? "signUp" : "logIn");
  submitButton().textContent = say(signingUp ? "signUp" : "logIn");
  byId("account-mode", HTMLElement).textContent = say(signingUp ? "toLogIn" : "toSignUp");
  byId("name-field", HTMLElement).hidden = !signingUp;
  input("account-full-name").required = signingUp;
  input("account-password").autocomplete = signingUp ? "new-password" : "current-password";
  showError("");
}

/** @param {string} text */
function showError(text) {
  byId("account-error", HTMLElement).textContent = text;
}

/** @param {SubmitEvent} event */
async function submit(event) {
  event.preventDefault();
  if (!form().checkValidity()) {
    showError(say("fillIn"));
    focusInvalid(form());
    return;
  }
  showError("");
  submitButton().disabled = true;
  try {
    await enter(input("account-email").value.trim(), input("account-password").value, input("account-full-name").value.trim());
  } catch (error) {
    showError(api.statusOf(error) === 401 ? say("wrongCredentials") : explain(error));
  } finally {
    submitButton().disabled = false;
  }
}

/**
 * Lead to the first field of a form that needs another value.
 * @param {HTMLFormElement} asked
 */
export function focusInvalid(asked) {
  const field = asked.querySelector("input:invalid");
  if (field instanceof HTMLInputElement) field.focus();
}

/**
 * @param {string} email
 * @param {string} password
 * @param {string} name
 */
async function enter(email, password, name) {
  if (signingUp) {
    await api.signUp(email, password, name);
    // From here on the account exists: should the log-in fail, trying again must not sign up twice.
    setMode(false);
  }
  const entered = await api.logIn(email, password);
  const then = whenDone;
  dialog().close();
  setAccount(entered);
  announce(say("welcome", { name: entered.name }), "good");
  then?.();
}
