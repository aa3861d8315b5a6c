// Inside the frame: checks the card, turns it into a nonce, and plays the bank's challenge.
(function () {
  "use strict";

  const $ = (id) => document.getElementById(id);
  const BRANDS = [
    [/^3[47]/, "American Express", [15], 4],
    [/^(36|38|30[0-5])/, "Diners Club", [14, 16, 19], 3],
    [/^(6011|64[4-9]|65)/, "Discover", [16, 19], 3],
    [/^35/, "JCB", [16, 19], 3],
    [/^(5[1-5]|222[1-9]|22[3-9]|2[3-6]|27[01]|2720)/, "MasterCard", [16], 3],
    [/^(5018|5020|5038|56|63|67)/, "Maestro", [12, 13, 14, 15, 16, 17, 18, 19], 3],
    [/^4/, "Visa", [16, 19], 3],
  ];
  let port = null;
  let token = null;
  let busy = false;

  const digits = (id) => $(id).value.replace(/\D/g, "");
  const brandOf = (number) => BRANDS.find(([begin]) => begin.test(number));

  function luhn(number) {
    let sum = 0;
    [...number].reverse().forEach((digit, place) => {
      const value = Number(digit) * (1 + (place % 2));
      sum += value > 9 ? value - 9 : value;
    });
    return number.length >= 12 && sum % 10 === 0;
  }

  function expiration() {
    const found = /^(\d{1,2})\D*(\d{2}|\d{4})$/.exec($("expiration").value.trim());
    if (!found) return null;
    const month = Number(found[1]);
    const year = Number(found[2].length === 2 ? `20${found[2]}` : found[2]);
    return month >= 1 && month <= 12 ? { month, year } : null;
  }

  const RULES = {
    "credit-card-number"() {
      const number = digits("credit-card-number");
      if (!number) return "Please fill out a card number.";
      const brand = brandOf(number);
      const fits = luhn(number) && (!brand || brand[2].includes(number.length));
      return fits ? "" : "This card number is not valid.";
    },
    expiration() {
      if (!$("expiration").value.trim()) return "Please fill out an expiration date.";
      const date = expiration();
      if (!date) return "This expiration date is not valid.";
      const ends = new Date(date.year, date.month, 1);
      const far = date.year > new Date().getFullYear() + 19;
      return ends <= new Date() || far ? "This expiration date is not valid." : "";
    },
    cvv() {
      const cvv = digits("cvv");
      if (!cvv) return "Please fill out a CVV.";
      const brand = brandOf(digits("credit-card-number"));
      return cvv.length === (brand ? brand[3] : 3) ? "" : "This security code is not valid.";
    },
  };

  function show(id, message) {
    const error = $(`${id}-error`);
    error.textContent = message;
    error.hidden = !message;
    $(id).setAttribute("aria-invalid", message ? "true" : "false");
    measure();
  }

  function checked() {
    const wrong = Object.keys(RULES).filter((id) => {
      const message = RULES[id]();
      show(id, message);
      return message;
    });
    if (wrong.length) $(wrong[0]).focus();
    return !wrong.length;
  }

  function tell(message) {
    if (port) port.postMessage(message);
  }

  function measure() {
    tell({ kind: "height", height: document.body.scrollHeight });
  }

  function requestable() {
    tell({ kind: "requestable", value: Object.values(RULES).every((rule) => !rule()) });
  }

  function fail(message) {
    $("failure").textContent = message;
    $("failure").hidden = !message;
    measure();
  }

  async function call(path, body) {
    let reply;
    try {
      reply = await fetch(`${token.clientApiUrl}/v1/${path}`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ authorizationFingerprint: token.fingerprint, ...body }),
      });
    } catch {
      throw { code: "CLIENT_GATEWAY_NETWORK", message: "Cannot reach the payment gateway." };
    }
    const answer = await reply.json().catch(() => ({}));
    if (reply.ok) return answer;
    const fields = (answer.fieldErrors || []).flatMap((each) => each.fieldErrors || []);
    throw {
      code: "CLIENT_REQUEST_ERROR",
      message: answer.error ? answer.error.message : "The payment gateway refused the card.",
      fields: fields.map((each) => each.field),
    };
  }

  async function tokenized() {
    const date = expiration();
    const answer = await call("payment_methods/credit_cards", {
      creditCard: {
        number: digits("credit-card-number"),
        expirationMonth: String(date.month).padStart(2, "0"),
        expirationYear: String(date.year),
        cvv: digits("cvv"),
        cardholderName: $("cardholder-name").value,
        options: { validate: false },
      },
    });
    return answer.creditCards[0];
  }

  async function verified(card, secure) {
    const path = `payment_methods/${card.nonce}/three_d_secure`;
    const looked = await call(`${path}/lookup`, { amount: String(secure.amount || "") });
    if (!looked.lookup) return looked.paymentMethod;
    const given = await challenge(card, secure);
    const answer = await call(`${path}/authenticate`, { code: given });
    return answer.paymentMethod;
  }

  function challenge(card, secure) {
    $("card").hidden = true;
    $("challenge").hidden = false;
    $("challenge-amount").textContent = secure.amount || "this amount";
    $("challenge-card").textContent = card.details.lastFour;
    $("challenge-code").value = "";
    show("challenge-code", "");
    $("challenge-code").focus();
    return new Promise((resolve) => {
      const end = (code) => {
        $("challenge").hidden = true;
        $("card").hidden = false;
        measure();
        resolve(code);
      };
      $("challenge").onsubmit = (event) => {
        event.preventDefault();
        const code = $("challenge-code").value.trim();
        if (code) end(code);
        else show("challenge-code", "Please fill out the code.");
      };
      $("challenge-cancel").onclick = () => end("");
    });
  }

  async function request(secure) {
    if (busy) return;
    fail("");
    if (!checked()) {
      const message = "No payment method is available.";
      tell({ kind: "error", code: "NO_PAYMENT_METHOD_AVAILABLE", message });
      return;
    }
    busy = true;
    try {
      const card = await tokenized();
      const payload = secure ? await verified(card, secure) : card;
      tell({ kind: "payload", payload });
    } catch (error) {
      if ((error.fields || []).includes("number")) {
        show("credit-card-number", "This card number is not valid.");
      } else {
        fail(error.message || "Something went wrong on our end.");
      }
      tell({ kind: "error", code: error.code || "UNKNOWN", message: error.message || "Failed." });
    } finally {
      busy = false;
    }
  }

  function clear() {
    $("card").reset();
    $("brand").textContent = "";
    for (const id of Object.keys(RULES)) show(id, "");
    requestable();
  }

  function written() {
    const number = $("credit-card-number");
    if (number.selectionStart === number.value.length) {
      number.value = digits("credit-card-number").slice(0, 19).replace(/(\d{4})(?=\d)/g, "$1 ");
    }
    const brand = brandOf(digits("credit-card-number"));
    $("brand").textContent = brand ? brand[1] : "";
    const date = $("expiration");
    const typed = date.value.replace(/\D/g, "");
    if (typed.length > 2 && !date.value.includes("/")) {
      date.value = `${typed.slice(0, 2)}/${typed.slice(2)}`;
    }
    requestable();
  }

  $("card").addEventListener("input", written);
  $("card").addEventListener("focusout", (event) => {
    const id = event.target.id;
    if (RULES[id] && event.target.value) show(id, RULES[id]());
  });
  $("card").addEventListener("submit", (event) => event.preventDefault());
  window.addEventListener("resize", measure);
  window.addEventListener("message", (event) => {
    if (port || !event.data || event.data.kind !== "setup" || event.source !== window.parent) return;
    token = event.data.token;
    $("cardholder-row").hidden = !event.data.cardholderName;
    port = event.ports[0];
    port.onmessage = (message) => {
      const { kind, threeDSecure } = message.data;
      if (kind === "request") request(threeDSecure);
      else if (kind === "clear") clear();
      else if (kind === "measure") measure();
    };
    tell({ kind: "ready" });
  });
})();
