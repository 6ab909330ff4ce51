const holders = new Map<Element, number>();

/** Neither the keyboard nor a screen reader comes into these elements until every holder has let go. Returns the way to let go. */
export function putBehind(...elements: readonly (HTMLElement | null)[]): () => void {
  const held = elements.filter((element) => element !== null);
  for (const element of held) count(element, 1);
  return () => {
    for (const element of held.splice(0)) count(element, -1);
  };
}
function count(element: HTMLElement, change: number): void {
  const holding = (holders.get(element) ?? 0) + change;
  holders.set(element, holding);
  element.inert = holding > 0;
}

/** The screen that one looks at, and where sheets stand above it: both are in the document for as long as somebody is signed in. */
export const shellElement = (): HTMLElement | null => document.querySelector('.shell');
export const sheetsElement = (): HTMLElement | null => document.getElementById('sheets');

/** Gives the focus back to what had it. */
export function focusAgain(before: Element | null): void {
  if (before instanceof HTMLElement && before.isConnected) before.focus();
}
