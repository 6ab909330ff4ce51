import { type RefObject, useEffect } from 'react';
import { focusAgain, putBehind, sheetsElement, shellElement } from '../parts/behind.ts';

/** As in call.css: below this width a call lies over everything. */
const COVERS_ALL = '(max-width: 719px)';

/**
 * While an element covers the whole screen, neither the page behind it nor a sheet can be reached or read, and the focus is in the element;
 * after that it is back where it was. At the side of a wide screen the element is one more region, and nobody's typing is broken off.
 */
export function useWholeScreen(element: RefObject<HTMLElement | null>): void {
  useEffect(() => {
    const query = matchMedia(COVERS_ALL);
    let before: Element | null = null;
    let letGo: (() => void) | undefined;
    const uncover = () => {
      if (!letGo) return;
      letGo();
      letGo = undefined;
      focusAgain(before);
    };
    const apply = () => {
      if (!query.matches) return uncover();
      if (letGo) return;
      before = document.activeElement; // what is behind loses its focus at once
      letGo = putBehind(shellElement(), sheetsElement());
      element.current?.focus();
    };
    apply();
    query.addEventListener('change', apply);
    return () => {
      query.removeEventListener('change', apply);
      uncover();
    };
  }, [element]);
}
