// The page: which tasks there are, which net is chosen, and what went wrong.
import { inWords } from "./errors.js";
import { readIndex } from "./models.js";
import { theRuntime } from "./net.js";
import { element, setOptions } from "./parts.js";
import * as classify from "./tasks/classify.js";
import * as generate from "./tasks/generate.js";
import * as own from "./tasks/own.js";
import * as restore from "./tasks/restore.js";

/** What the page offers: in words, for nets of which tasks, by which module. */
const OFFERS = {
  denoise: { title: "Denoise", tasks: ["denoise"], module: restore },
  repair: { title: "Repair", tasks: ["restore"], module: restore },
  enlarge: { title: "Enlarge", tasks: ["upscale"], module: restore },
  recognise: { title: "Recognise", tasks: ["classify"], module: classify },
  generate: { title: "Generate", tasks: ["generate", "autoencode"], module: generate },
};
const OWN = {
  title: "Your file",
  summary: "Run a file that “zoo export” wrote: it stays on this device.",
};

const HALF = "This page has its decoder alone, which makes pictures from numbers.";

const at = Object.fromEntries([...document.querySelectorAll("[id]")].map((one) => [one.id, one]));
let leave = new AbortController();
let index;
let stopped = false; // nothing will work, and the message about it stays

/** Says what went wrong, in words; what worked before goes on. */
async function attempt(doing, work) {
  try {
    tell("");
    await work();
  } catch (error) {
    tell(inWords(error, doing));
    stopped = work === begin;
  }
}

function tell(words) {
  if (stopped) return;
  at.trouble.hidden = !words;
  at.trouble.textContent = words;
  if (words) at.trouble.scrollIntoView({ block: "nearest" });
}

function modelsOf(offer) {
  return index.models.filter((model) => OFFERS[offer].tasks.includes(model.task));
}

function offersThere() {
  return Object.keys(OFFERS).filter((offer) => modelsOf(offer).length);
}

function listOffers() {
  const links = [...offersThere(), "own"].map((offer) => {
    const textContent = (OFFERS[offer] ?? OWN).title;
    return element("li", {}, element("a", { href: `#${offer}`, textContent }));
  });
  at.tasks.replaceChildren(...links);
}

/** The address says which task, and which net of it: #denoise/dncnn_s25. */
function whereTheAddressSays() {
  const [wanted, name] = location.hash.slice(1).split("/").map(decoded);
  const there = [...offersThere(), "own"];
  return [there.includes(wanted) ? wanted : firstOffer(there), name];
}

/** Without an address: of a visitor's own net, if there is one; these come first. */
function firstOffer(there) {
  const [first] = index.models;
  return there.find((offer) => first?.own && modelsOf(offer).includes(first)) ?? there[0];
}

function decoded(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return part; // somebody typed it
  }
}

function go() {
  const [offer, name] = whereTheAddressSays();
  for (const link of at.tasks.querySelectorAll("a")) {
    const here = link.getAttribute("href") === `#${offer}`;
    if (here) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  leave.abort();
  leave = new AbortController();
  tell("");
  if (offer === "own") showOwn();
  else showOffer(offer, name);
}

function showOffer(offer, name) {
  const models = modelsOf(offer);
  const model = models.find((one) => one.name === name) ?? models[0];
  setOptions(
    at.net,
    models.map((one) => [one.name, one.name]),
  );
  at.net.value = model.name;
  head(OFFERS[offer].title, told(model), models.length > 1);
  showFacts(model);
  mountTask(at.task, model, { signal: leave.signal, attempt });
}

function showOwn() {
  head(OWN.title, OWN.summary, false);
  at.about.hidden = true;
  own.mount(at.task, { signal: leave.signal, attempt }, mountTask);
}

function mountTask(place, model, page) {
  const { module } = Object.values(OFFERS).find(({ tasks }) => tasks.includes(model.task));
  module.mount(place, model, page);
}

function head(title, summary, choose) {
  document.title = `${title} – Keras Image Zoo`;
  at.title.textContent = title;
  at.summary.textContent = summary;
  at.choice.hidden = !choose;
}

function showFacts(model) {
  const facts = {
    Name: model.name,
    Measured: model.headline,
    Limits: model.limits.join("; "),
    "Licence of the weights": model.weights_licence,
    "Licence of the training data": model.data_licence,
    File: `${(model.file.bytes / 1e6).toFixed(2)} MB, SHA-256 ${model.file.sha256}`,
  };
  const said = Object.entries(facts).filter(([, value]) => value);
  at.facts.replaceChildren(
    ...said.flatMap(([key, value]) => [element("dt", {}, key), element("dd", {}, value)]),
  );
  at.about.hidden = false;
}

/** What is said of a net; an autoencoder's summary is of both its halves. */
function told({ summary, task }) {
  return sentence(summary) + (task === "autoencode" ? ` ${HALF}` : "");
}

function sentence(words) {
  return `${words[0].toUpperCase()}${words.slice(1)}.`;
}

async function begin() {
  index = await readIndex();
  listOffers();
  at.net.addEventListener("change", () => {
    location.hash = `${whereTheAddressSays()[0]}/${encodeURIComponent(at.net.value)}`;
  });
  window.addEventListener("hashchange", go);
  go();
  const { threads } = await theRuntime();
  const used = threads > 1 ? `${threads} threads` : "one thread";
  at.versions.textContent = `zoo ${index.zoo}, LiteRT.js ${index.litert}, ${used}`;
}

at.unstarted.hidden = true;
attempt("The page could not be started", begin);
