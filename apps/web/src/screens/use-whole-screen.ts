import { type RefObject, useEffect } from 'react';

/** As in call.css: below this width a call lies over everything. */
const COVERS_ALL = '(max-width: 719px)';

/**
 * While an element covers the whole screen, the page behind it can be neither reached nor read, and the focus is in the element; after that
 * it is back where it was. At the side of a wide screen the element is one more region, and nobody's typing is broken off.
 */
export function useWholeScreen(element: RefObject<HTMLElement | null>): void {
  useEffect(() => {
    const query = matchMedia(COVERS_ALL);
    const page = document.querySelector<HTMLElement>('.shell');
    let before: Element | null = null;
    const apply = () => {
      if (!page || page.inert === query.matches) return;
      if (query.matches) before = document.activeElement; // an inert page loses its focus at once
      page.inert = query.matches;
      if (query.matches) element.current?.focus();
      else if (before instanceof HTMLElement) before.focus();
    };
    apply();
    query.addEventListener('change', apply);
    return () => {
      query.removeEventListener('change', apply);
      if (!page?.inert) return;
      page.inert = false;
      if (before instanceof HTMLElement) before.focus();
    };
  }, [element]);
}
