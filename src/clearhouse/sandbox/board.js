// The control page: shows a snapshot again and again, and calls the control API.
// Everything from the PSPs is set as text, never as HTML.

const PAUSE = 1500;
const TONES = {
  good: ["succeeded", "delivered", "won", "complete", "completed", "approved", "paid"],
  wait: ["authorized", "pending", "requires_action", "waiting", "sending", "open", "inquiry"],
  bad: ["declined", "failed", "lost", "given_up", "dropped"],
};
const byId = (id) => document.getElementById(id);

function make(tag, properties = {}, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

function status(word) {
  const name = String(word ?? "").toLowerCase();
  const tone = Object.keys(TONES).find((each) => TONES[each].includes(name)) ?? "";
  return make("span", { className: `status ${tone}`, textContent: name.replaceAll("_", " ") });
}

const when = (micros) => new Date(micros / 1000).toISOString().replace("T", " ").slice(0, 19);

async function call(method, path, body) {
  const reply = await fetch(`/_sandbox/${path}`, {
    method,
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  const told = await reply.json();
  if (!reply.ok) throw new Error(told.error ?? `The sandbox answered ${reply.status}.`);
  return told;
}

function say(text, good = false) {
  const said = byId("said");
  said.textContent = text;
  said.className = good ? "good" : "";
  said.hidden = !text;
}

async function act(work, done) {
  try {
    const told = await work();
    say(done(told), true);
    await show();
  } catch (error) {
    say(error.message);
  }
}

function button(label, work, done) {
  const made = make("button", { type: "button", textContent: label });
  made.addEventListener("click", () => {
    made.disabled = true;
    act(work, done).finally(() => { made.disabled = false; });
  });
  return made;
}

function buttons(object) {
  const made = object.actions.map((action) =>
    button(
      action.label,
      () => call("POST", "actions", {
        psp: object.psp, account: object.account, id: object.id, action: action.name,
      }),
      () => `${action.label}: done for ${object.id}.`,
    ));
  return made.length ? make("span", { className: "buttons" }, ...made) : null;
}

const text = (className, words) => make("span", { className, textContent: words ?? "" });

function part(name, one) {
  return make("div", { className: "part" }, make("div", { className: "line" },
    text("soft", `${name} `), text("", `${one.amount} ${one.currency} `), status(one.status),
    text("id", ` ${one.id} `), buttons(one)));
}

function charge(one) {
  return make("div", { className: "entry" },
    make("div", { className: "line" },
      text("amount", `${one.amount} ${one.currency}`), text("psp", one.psp), status(one.status),
      text("grow", one.reference ?? ""), one.url ? page(one.url, "3-D Secure") : null, buttons(one)),
    make("div", { className: "line" }, text("id", `${one.id} · ${when(one.at)}`)),
    ...one.refunds.map((each) => part("refund", each)),
    ...one.disputes.map((each) => part("dispute", each)));
}

function page(href, textContent, className = "") {
  return make("a", { href, textContent, className, target: "_blank", rel: "noopener" });
}

function object(one) {
  const name = one.url ? page(one.url, one.id, "grow id") : text("grow id", one.id);
  return make("div", { className: "entry" }, make("div", { className: "line" },
    text("psp", one.psp), text("", one.kind.replaceAll("_", " ")),
    one.status ? status(one.status) : null, name, buttons(one)));
}

function delivery(one) {
  const tries = one.tries === 1 ? "1 try" : `${one.tries} tries`;
  const last = one.last_status ? `, last ${one.last_status}` : "";
  return make("div", { className: "entry" }, make("div", { className: "line" },
    text("psp", one.psp), text("grow", one.kind), text("soft", `${tries}${last}`), status(one.state),
    button("Send again", () => call("POST", `deliveries/${one.id}`), () => `${one.kind} is sent again.`)));
}

function shares(values, path, name) {
  const lines = Object.entries(values).flatMap(([psp, each]) =>
    Object.entries(each).filter(([key, share]) => share > 0 && key !== "delay_seconds")
      .map(([key, share]) => make("div", { className: "entry" },
        text("", `${psp === "*" ? "all" : psp}: ${key} ${+(share * 100).toFixed(3)} %`))));
  if (!lines.length) return [text("empty", "nothing")];
  return [...lines, button("None of it", () => call("DELETE", path), () => `No ${name} any more.`)];
}

const shown = new Map();

// Rebuilds a part only when what it shows has changed, so that hands and eyes keep their place.
function fill(id, value, build, empty) {
  const text = JSON.stringify(value);
  if (shown.get(id) === text) return;
  shown.set(id, text);
  const parts = build(value);
  byId(id).replaceChildren(...(parts.length ? parts : [make("p", { className: "empty", textContent: empty })]));
}

let board = {};

async function show() {
  board = await call("GET", "board");
  byId("now").textContent = `${board.now.replace("T", " ").slice(0, 19)} UTC`;
  const days = board.ahead_seconds / 86400;
  byId("ahead").textContent = days ? `${+days.toFixed(2)} days ahead` : "";
  fill("summary", board.summary, (rows) => rows.map((row) => make("li", {},
    `${row.psp} · ${row.count} ${row.status.replaceAll("_", " ")} · ${row.amount} ${row.currency}`)), "");
  fill("charges", board.charges, (rows) => rows.map(charge), "No PSP was asked to charge anything yet.");
  fill("objects", board.objects, (rows) => rows.map(object), "None that wait for somebody.");
  fill("deliveries", board.deliveries, (rows) => rows.map(delivery), "None yet.");
  fill("lost", board.deliveries.some((row) => ["dropped", "given_up"].includes(row.state)),
    (some) => some ? [button("Send again what was lost", () => call("POST", "deliveries"),
      (told) => `${told.sent_again} are sent again.`)] : [""], "");
  byId("waiting").textContent = board.waiting ? `${board.waiting} to be brought` : "";
  fill("endpoints", board.webhooks,
    (rows) => [rows.map((row) => row.url).join(" · ")].filter(Boolean), "They go nowhere.");
  fill("ordered", board.ordered, (rows) => rows.length ? [
    ...rows.map((row) => make("div", { className: "entry" }, text("",
      `${row.fault} × ${row.times}: ${row.operation ?? "any call"} at ${row.psp ?? "any PSP"}`
      + (row.match ? `, ${row.match}` : "")))),
    button("Withdraw all", () => call("DELETE", "faults"), () => "No fault is ordered any more."),
  ] : [], "nothing");
  fill("spoilt", board.spoilt, (rows) => rows.length ? [
    ...rows.map((row) => make("div", { className: "entry" }, text("",
      `${row.fault}: ${row.psp ?? "any PSP"}, ${row.day ?? "any day"}`
      + (row.match ? `, ${row.match}` : "")))),
    button("Withdraw all", () => call("DELETE", "settlement-faults"),
      () => "Reports tell the truth again."),
  ] : [], "nothing");
  fill("rates", board.rates, (rates) => shares(rates, "rates", "faults"), "");
  fill("wrongs", board.mischief, (wrongs) => shares(wrongs, "mischief", "mischief"), "");
  fill("agenda", [board.agenda, board.agenda_more], ([rows, more]) => [
    ...rows.map((row) => make("div", { className: "entry" },
      text("", row.kind.replace(".", " · ").replaceAll("_", " ")), make("br"),
      text("id", `${when(row.due_at)} ${row.payload.id ?? ""}`))),
    ...(more ? [text("soft", `and ${more} more`)] : []),
  ], "nothing");
  for (const select of document.querySelectorAll("select")) options(select);
}

function options(select) {
  const words = { psp: board.psps, operation: board.operations, fault: board.faults, spoil: board.spoils, of: board.reporting }[select.name];
  if (!words || select.dataset.filled) return;
  select.dataset.filled = "yes";
  select.append(...words.map((word) => make("option", { value: word, textContent: word })));
}

function onSubmit(id, work, done) {
  byId(id).addEventListener("submit", (event) => {
    event.preventDefault();
    const values = Object.fromEntries(new FormData(event.target));
    act(() => work(values), () => done(values));
  });
}

for (const each of document.querySelectorAll("[data-hours]")) {
  each.addEventListener("click", () => act(
    () => call("POST", "clock", { hours: Number(each.dataset.hours) }),
    (told) => `It is ${told.now.slice(0, 16).replace("T", " ")} at the PSPs; ${told.done} things happened on the way.`,
  ));
}
onSubmit("order", (values) => call("POST", "faults", {
  fault: values.fault, psp: values.psp || null, operation: values.operation || null,
  times: Number(values.times),
}), (values) => `${values.fault} is ordered.`);
onSubmit("spoil", (values) => call("POST", "settlement-faults", {
  fault: values.spoil, psp: values.of || null, day: values.day || null,
  match: values.match || null,
}), (values) => `${values.spoil} stands.`);
onSubmit("rate", (values) => call("POST", "rates", {
  ...board.rates,
  [values.psp]: { ...board.rates[values.psp], [values.fault]: Number(values.share) / 100 },
}), (values) => `${values.fault}: ${values.share} %.`);
onSubmit("mischief", (values) => call("POST", "mischief", {
  ...board.mischief,
  [values.psp]: { ...board.mischief[values.psp], [values.name]: Number(values.share) / 100 },
}), (values) => `${values.name}: ${values.share} %.`);

async function forever() {
  for (;;) {
    try {
      if (!document.hidden) {
        await show();
        if (byId("said").textContent.startsWith("The sandbox does not answer")) say("");
      }
    } catch {
      say("The sandbox does not answer; it is asked again.");
    }
    await new Promise((resolve) => { setTimeout(resolve, PAUSE); });
  }
}
forever();
