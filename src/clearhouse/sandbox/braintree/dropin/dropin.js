// The sandbox's stand-in for Braintree's Drop-in: the same calls, the same payload.
//
// Like Braintree's own, it puts the card's fields into a frame of another origin, so that the
// page around it never sees a card number. The page only gets a nonce.
(function () {
  "use strict";

  const FRAME = "/_sandbox/braintree/dropin/fields.html";

  class DropinError extends Error {
    constructor(message, code) {
      super(message);
      this.name = "DropinError";
      this.code = code;
    }
  }

  function tokenOf(authorization) {
    try {
      const token = JSON.parse(atob(authorization));
      return { clientApiUrl: token.clientApiUrl, fingerprint: token.authorizationFingerprint };
    } catch {
      throw new DropinError("authorization is not a client token.", "INVALID_AUTHORIZATION");
    }
  }

  function containerOf(container) {
    const found = typeof container === "string" ? document.querySelector(container) : container;
    if (!found) throw new DropinError("container is not in the page.", "CONTAINER_NOT_FOUND");
    if (found.childElementCount) {
      throw new DropinError("container must be empty.", "CONTAINER_NOT_EMPTY");
    }
    return found;
  }

  class Instance {
    constructor(options, frame, port) {
      this._options = options;
      this._frame = frame;
      this._port = port;
      this._listeners = {};
      this._requestable = false;
      this._waiting = null;
      port.onmessage = (event) => this._told(event.data);
    }

    requestPaymentMethod(options, callback) {
      if (typeof options === "function") [options, callback] = [{}, options];
      const asked = this._ask(options || {});
      return callback ? void asked.then((payload) => callback(null, payload), callback) : asked;
    }

    _ask(options) {
      if (this._waiting) {
        const busy = "A payment method is being requested already.";
        return Promise.reject(new DropinError(busy, "REQUEST_IN_PROGRESS"));
      }
      const secure = this._options.threeDSecure
        ? Object.assign({}, this._options.threeDSecure, options.threeDSecure)
        : null;
      return new Promise((resolve, reject) => {
        this._waiting = { resolve, reject };
        this._port.postMessage({ kind: "request", threeDSecure: secure });
      });
    }

    isPaymentMethodRequestable() {
      return this._requestable;
    }

    clearSelectedPaymentMethod() {
      this._port.postMessage({ kind: "clear" });
    }

    on(event, listener) {
      (this._listeners[event] ||= []).push(listener);
    }

    off(event, listener) {
      this._listeners[event] = (this._listeners[event] || []).filter((each) => each !== listener);
    }

    teardown(callback) {
      this._port.close();
      this._frame.remove();
      const done = Promise.resolve();
      return callback ? void done.then(() => callback()) : done;
    }

    _told(message) {
      if (message.kind === "height") {
        this._frame.style.height = `${message.height}px`;
      } else if (message.kind === "requestable" && message.value !== this._requestable) {
        this._requestable = message.value;
        const event = message.value ? "paymentMethodRequestable" : "noPaymentMethodRequestable";
        const detail = { type: "CreditCard", paymentMethodIsSelected: false };
        for (const listener of this._listeners[event] || []) listener(detail);
      } else if (message.kind === "payload") {
        this._settle((waiting) => waiting.resolve(message.payload));
      } else if (message.kind === "error") {
        this._settle((waiting) => waiting.reject(new DropinError(message.message, message.code)));
      }
    }

    _settle(how) {
      const waiting = this._waiting;
      this._waiting = null;
      if (waiting) how(waiting);
    }
  }

  function created(options) {
    const token = tokenOf(options.authorization);
    const container = containerOf(options.container);
    const origin = new URL(token.clientApiUrl).origin;
    const frame = document.createElement("iframe");
    frame.title = "Card details";
    frame.name = "braintree-dropin";
    frame.setAttribute("data-braintree-id", "card");
    frame.allow = "payment";
    frame.style.cssText = "border:0;width:100%;height:260px;display:block";
    frame.src = origin + FRAME;
    const { port1, port2 } = new MessageChannel();
    return new Promise((resolve, reject) => {
      const failed = () =>
        reject(new DropinError("Braintree cannot be reached.", "CLIENT_GATEWAY_NETWORK"));
      const patience = setTimeout(failed, 15000);
      port1.onmessage = (event) => {
        if (event.data.kind !== "ready") return;
        clearTimeout(patience);
        resolve(new Instance(options, frame, port1));
        port1.postMessage({ kind: "measure" });
      };
      frame.addEventListener("load", () => {
        const card = options.card || {};
        const setup = { kind: "setup", token, cardholderName: Boolean(card.cardholderName) };
        frame.contentWindow.postMessage(setup, origin, [port2]);
      });
      frame.addEventListener("error", failed);
      container.appendChild(frame);
    });
  }

  function create(options, callback) {
    const made = Promise.resolve().then(() => created(options || {}));
    return callback ? void made.then((instance) => callback(null, instance), callback) : made;
  }

  window.braintree = Object.assign(window.braintree || {}, {
    dropin: { create, VERSION: "1.44.1" },
  });
})();
