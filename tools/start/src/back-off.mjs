const FIRST_BACK_OFF_MS = 250;
const LONGEST_BACK_OFF_MS = 10_000;
/** A process that lived this long was healthy: the next failure begins with the first back-off again. */
const HEALTHY_AFTER_MS = 20_000;

/** How long to wait before something that ended by itself is started again: twice as long each time, until it was healthy once. */
export function backOff() {
  let failures = 0;
  return {
    /** In a row, without a healthy life between them. */
    get failures() {
      return failures;
    },
    /** @param {number} livedMs 0 when it did not even begin @returns {number} how long to wait, in milliseconds */
    next: (livedMs) => {
      failures = livedMs > HEALTHY_AFTER_MS ? 1 : failures + 1;
      return Math.min(FIRST_BACK_OFF_MS * 2 ** (failures - 1), LONGEST_BACK_OFF_MS);
    },
  };
}
