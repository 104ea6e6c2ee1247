// A file of the visitor's own: checked, then run by the module of its task.
import { ownModel } from "../models.js";
import { fill, takeFiles } from "../parts.js";

/**
 * Puts the task on the page.
 * @param {HTMLElement} place
 * @param {{signal: AbortSignal, attempt: Function}} page
 * @param {(place: HTMLElement, model: import("../models.js").Model, page: object) => void} mountTask
 */
export function mount(place, page, mountTask) {
  const parts = fill("task-own", place);
  let inner = new AbortController();
  const take = (files) => {
    inner.abort();
    inner = new AbortController();
    const running = { ...page, signal: AbortSignal.any([page.signal, inner.signal]) };
    parts.task.replaceChildren();
    parts.status.textContent = "";
    return page.attempt("The files could not be read", async () => {
      const model = await ownModel(files);
      parts.status.textContent = [`${model.name}, for “${model.task}”.`, model.note]
        .filter(Boolean)
        .join(" ");
      mountTask(parts.task, model, running);
    });
  };
  const ours = (files) => files.some((file) => /\.(tflite|json)$/i.test(file.name));
  const wants = (files) => ours(files) || !parts.task.hasChildNodes(); // a task takes the pictures
  takeFiles(parts.file, take, page.signal, wants);
}
