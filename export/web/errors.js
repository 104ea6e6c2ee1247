/** What a visitor can mend; its message is shown as it is. */
export class Trouble extends Error {}

/** A visitor's own wish to stop. */
export class Cancelled extends Error {}

/**
 * Words for a visitor, whatever was thrown.
 * @param {unknown} error
 * @param {string} doing what failed, as "The model could not be started"
 * @returns {string}
 */
export function inWords(error, doing) {
  if (error instanceof Trouble) return error.message;
  console.warn(error);
  const said = error?.message ?? error;
  return `${doing}: ${String(said).split("\n")[0]}`;
}
