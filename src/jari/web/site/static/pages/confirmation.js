// Where the gateway sends a buyer who has authenticated a payment. The way here changed nothing, for another site
// can lead anybody here; this page has the payment charged, and waits until it is known what became of it.

import { ApiError } from "../api/client.js";
import { goInstead } from "../parts/navigation.js";
import { OwnedPage } from "../parts/owned.js";
import { settle } from "../api/settlement.js";
import { say } from "../parts/words.js";

/** Show the page in `main`; returns a function that leaves it. */
export function openConfirmation(main) {
  const query = new URLSearchParams(location.search);
  const payment = readPayment(query);
  if (payment === null) {
    goInstead("/reservations"); // Nothing to confirm; what has become of everything stands there.
    return () => {};
  }
  const page = new OwnedPage(main, { load, draw: () => [], reason: "logInToConfirm" });
  document.title = `${say("confirming")} · jari 자리`;
  page.load();
  return () => page.close();

  async function load() {
    page.wait("confirming");
    try {
      conclude(await settle(payment, { onWait: (why) => page.wait(why), signal: page.signal }));
    } catch (error) {
      if (!(error instanceof ApiError) || error.status === 401) throw error;
      decline(error, query.get("reservation"));
    }
    return null;
  }
}

function readPayment(query) {
  const payment = {
    paymentKey: query.get("paymentKey"),
    orderId: query.get("orderId"),
    amount: Number(query.get("amount") || NaN),
  };
  return payment.paymentKey && payment.orderId && Number.isSafeInteger(payment.amount) ? payment : null;
}

/** Only now the payment leaves the address bar: until here, loading the page anew asks again. */
function conclude({ id, payment }) {
  if (payment?.status === "FAILED") showDecline(payment.code, id);
  else goInstead(`/reservations/${id}?new=1`);
}

function decline(error, asked) {
  showDecline(error.gatewayCode || error.code, error.reservationId ?? asked);
}

function showDecline(code, reservationId) {
  const query = new URLSearchParams({ code: code ?? "" });
  if (reservationId) query.set("reservation", reservationId);
  goInstead(`/checkout/fail?${query}`);
}
