(function () {
  "use strict";
  const page = document.getElementById("pay");
  const button = page.querySelector("button");
  const note = document.getElementById("note");
  // A page that the browser has kept shows what was; the server knows what is.
  window.addEventListener("pageshow", function (event) {
    if (event.persisted) location.reload();
  });
  const sorry = "Your card could not be checked. Please try again, or use another card.";
  function tell(words) {
    note.textContent = words;
    note.hidden = false;
    button.disabled = false;
  }
  if (!window.braintree || !window.braintree.dropin) {
    tell("The card fields could not be loaded. Please reload this page.");
    button.disabled = true;
    return;
  }
  function start(secure) {
    return window.braintree.dropin
      .create({
        authorization: page.dataset.authorization, container: "#card", threeDSecure: secure,
      })
      .catch(function (error) {
        // A merchant for whom Braintree has not switched it on sells without 3-D Secure.
        const cause = error && error._braintreeWebError;
        if (!secure || !cause || !/^THREEDS_NOT_ENABLED/.test(cause.code)) throw error;
        document.getElementById("card").replaceChildren();
        return start(false);
      });
  }
  start(true)
    .then(function (dropin) {
      button.disabled = false;
      page.addEventListener("submit", function (event) {
        event.preventDefault();
        if (button.disabled) return;
        button.disabled = true;
        note.hidden = true;
        dropin
          .requestPaymentMethod({ threeDSecure: { amount: page.dataset.amount } })
          .then(function (payload) {
            if (payload.liabilityShiftPossible && !payload.liabilityShifted) {
              dropin.clearSelectedPaymentMethod();
              tell("Your bank did not confirm the payment. Please try again, or use another card.");
              return;
            }
            page.elements.nonce.value = payload.nonce;
            page.submit();
          })
          .catch(function () {
            tell(sorry);
          });
      });
    })
    .catch(function () {
      tell("The card fields could not be loaded. Please reload this page.");
      button.disabled = true;
    });
})();
