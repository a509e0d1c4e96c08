/* The sandbox in the shape of https://js.tosspayments.com/v2/standard: one card payment by redirect, nothing else. */

(() => {
  // This file is <base>/v2/standard, the payment page <base>/pay; currentScript is known only while it loads.
  const page = new URL("../pay", document.currentScript.src);

  const refusal = (code, message) => Object.assign(new Error(message), { code });

  function checked(request) {
    const { method, amount, orderId, orderName, successUrl, failUrl } = request ?? {};
    if (method !== "CARD") throw refusal("NOT_SUPPORTED_METHOD", "The sandbox knows the method CARD only.");
    if (amount?.currency !== "KRW" || !Number.isSafeInteger(amount.value) || amount.value <= 0) {
      throw refusal("INVALID_PARAMETERS", "The amount has to be { currency: \"KRW\", value: <whole number> }.");
    }
    if (!orderId || !orderName || !successUrl || !failUrl) {
      throw refusal("INVALID_PARAMETERS", "orderId, orderName, successUrl and failUrl are needed.");
    }
    return request;
  }

  function address({ amount, orderId, orderName, successUrl, failUrl, customerName }) {
    const url = new URL(page);
    url.search = new URLSearchParams({
      orderId,
      amount: amount.value,
      orderName,
      successUrl,
      failUrl,
      ...(customerName ? { customerName } : {}),
    });
    return url.href;
  }

  // An async function, so that a request that makes no sense rejects as the real one does.
  // oxlint-disable-next-line require-await
  async function requestPayment(request) {
    window.top.location.assign(address(checked(request)));
    // The page is left before anything could come of this.
    return new Promise(() => {});
  }

  function TossPayments(clientKey) {
    if (typeof clientKey !== "string" || clientKey === "") {
      throw refusal("INVALID_CLIENT_KEY", "A client key is needed.");
    }
    if (clientKey.startsWith("live_")) {
      throw refusal("INVALID_CLIENT_KEY", "This is a sandbox: it takes no live key.");
    }
    return {
      payment({ customerKey } = {}) {
        if (!customerKey) throw refusal("INVALID_CUSTOMER_KEY", "A customerKey is needed, or TossPayments.ANONYMOUS.");
        return { requestPayment };
      },
    };
  }

  TossPayments.ANONYMOUS = "ANONYMOUS";
  window.TossPayments = TossPayments;
})();
