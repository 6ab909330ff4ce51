import { lazy, Suspense, useEffect, useState } from 'react';
import { shellElement } from '../parts/behind.ts';

const GoToSheet = lazy(() => import('../screens/go-to.tsx'));
const KeysSheet = lazy(() => import('../screens/keys-help.tsx'));

/** The keys that work on every screen. While a sheet or a call holds the screen they do nothing. */
export function Keys() {
  const [sheet, setSheet] = useState<'go-to' | 'help'>();
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      const asked = askedFor(event);
      if (!asked || event.defaultPrevented || event.isComposing || shellElement()?.inert !== false) return;
      event.preventDefault();
      setSheet(asked);
    };
    document.addEventListener('keydown', onKey);
    return () => document.removeEventListener('keydown', onKey);
  }, []);
  const close = () => setSheet(undefined);
  return (
    <Suspense>
      {sheet === 'go-to' && <GoToSheet onClose={close} />}
      {sheet === 'help' && <KeysSheet onClose={close} />}
    </Suspense>
  );
}

function askedFor(event: KeyboardEvent): 'go-to' | 'help' | undefined {
  const { key, ctrlKey, metaKey, altKey, target } = event;
  if ((ctrlKey || metaKey) && !altKey && key.toLowerCase() === 'k') return 'go-to';
  const isTyping = target instanceof Element && target.matches('input, textarea, select, [contenteditable]');
  return key === '?' && !ctrlKey && !metaKey && !isTyping ? 'help' : undefined;
}
