// Parts of the page that several tasks share.
import { Trouble } from "./errors.js";
import { fetched } from "./models.js";

/**
 * What a template holds, put into a place, with its `data-…` elements by name.
 * @param {string} template an id
 * @param {HTMLElement} place
 * @returns {Record<string, HTMLElement>} `data-legend-before` is `legendBefore`
 */
export function fill(template, place) {
  place.replaceChildren(document.getElementById(template).content.cloneNode(true));
  const found = {};
  for (const element of place.querySelectorAll("*")) {
    for (const name of Object.keys(element.dataset)) found[name] ??= element;
  }
  return found;
}

/** A new element with properties and children. */
export function element(tag, properties = {}, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
}

/** Options of a `<select>`, from [value, words] pairs. */
export function setOptions(select, pairs) {
  select.replaceChildren(
    ...pairs.map(([value, textContent]) => element("option", { value, textContent })),
  );
}

/**
 * Takes files that are chosen, dropped anywhere on the page, or pasted.
 * @param {HTMLInputElement} input
 * @param {(files: File[]) => void} onFiles
 * @param {AbortSignal} signal ends it
 * @param {(files: File[]) => boolean} [wants] which of those that were not chosen are for this one
 */
export function takeFiles(input, onFiles, signal, wants = () => true) {
  input.addEventListener("change", () => {
    if (input.files.length) onFiles([...input.files]);
    input.value = ""; // the same file may be chosen again
  });
  const take = (event, data) => {
    const files = [...(data?.files ?? [])];
    if (!files.length || !wants(files)) return;
    event.stopImmediatePropagation();
    onFiles(files);
  };
  const mark = (on) => document.body.classList.toggle("drop-here", on);
  const on = (name, listener) => document.addEventListener(name, listener, { signal });
  on("dragover", (event) => (event.preventDefault(), mark(true)));
  on("dragleave", (event) => event.relatedTarget || mark(false));
  on("drop", (event) => (event.preventDefault(), mark(false), take(event, event.dataTransfer)));
  on("paste", (event) => take(event, event.clipboardData));
}

/**
 * Buttons with pictures that come with the site.
 * @param {HTMLElement} place
 * @param {{path: string, title: string}[]} samples
 * @param {(read: () => Promise<Blob>, title: string) => void} onSample
 * @returns {HTMLButtonElement[]}
 */
export function showSamples(place, samples, onSample) {
  const buttons = samples.map(({ path, title }) => {
    const button = element(
      "button",
      { type: "button", title },
      element("img", { src: path, alt: title }),
    );
    button.addEventListener("click", () => {
      press(buttons, button);
      onSample(async () => (await fetched(path)).blob(), title);
    });
    return button;
  });
  place.replaceChildren(...buttons);
  return buttons;
}

/** Marks one of several buttons as the chosen one; none, without one. */
export function press(buttons, chosen) {
  buttons.forEach((button) => button.setAttribute("aria-pressed", String(button === chosen)));
}

/** The one file that came. Throws Trouble where there are several. */
export function onlyFile(files) {
  if (files.length > 1) throw new Trouble(`${files.length} files came: choose one picture.`);
  return files[0];
}

/** Lets a link save a file; forgets what it saved before. */
export function offer(link, blob, name) {
  URL.revokeObjectURL(link.href);
  Object.assign(link, { href: URL.createObjectURL(blob), download: name });
}

/** 0.125 as "12.5 %". */
export function percent(share) {
  return `${(100 * share).toFixed(1)} %`;
}
