import { type ReactNode, type RefObject, useEffect, useRef } from 'react';
import { createPortal } from 'react-dom';
import { focusAgain, putBehind, sheetsElement, shellElement } from './behind.ts';
import { IconButton } from './button.tsx';
import './sheet.css';

interface SheetProps {
  title: string;
  heading?: ReactNode;
  onClose: () => void;
  children: ReactNode;
}

/**
 * A sheet above the page: from below on a phone, in the middle on a wide screen; Escape closes it. It is no modal dialog of the browser's:
 * above those nothing can be shown, and a call that comes in must be.
 */
export function Sheet({ title, heading, onClose, children }: SheetProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  useShown(dialog);
  useEscape(dialog, onClose);
  const place = sheetsElement();
  if (!place) throw new Error('index.html has no #sheets');
  return createPortal(
    <>
      <div className="sheet-backdrop" onClick={onClose} />
      <dialog ref={dialog} className="sheet" aria-label={title} tabIndex={-1}>
        <div className="sheet-body">
          <header className="sheet-head">
            <div className="sheet-title">{heading ?? <h2>{title}</h2>}</div>
            <IconButton icon="close" label="Close" onClick={onClose} />
          </header>
          {children}
        </div>
      </dialog>
    </>,
    place,
  );
}

/** While it is there, the page behind it is out of reach; the focus goes to its first field, and in the end back to where it was. */
function useShown(dialog: RefObject<HTMLDialogElement | null>): void {
  useEffect(() => {
    const element = dialog.current;
    if (!element) return;
    const before = document.activeElement; // an inert page loses its focus at once
    const letGo = putBehind(shellElement());
    if (!element.open) element.show();
    (element.querySelector<HTMLElement>('input, textarea, select') ?? element).focus();
    return () => {
      letGo();
      focusAgain(before);
    };
  }, [dialog]);
}

/** Not every browser has it. */
const { CloseWatcher: Watcher } = globalThis as { CloseWatcher?: new () => EventTarget & { destroy(): void } };

/** Escape closes it, and so does a phone's gesture for going back, where the browser tells of it. */
function useEscape(dialog: RefObject<HTMLDialogElement | null>, onClose: () => void): void {
  const close = useRef(onClose);
  close.current = onClose;
  useEffect(() => {
    const isBehind = (target: EventTarget | null) =>
      dialog.current?.closest('[inert]') != null || (target instanceof Element && target.closest('.call-layer') !== null);
    const onKey = (event: KeyboardEvent) => {
      if (event.key !== 'Escape' || event.defaultPrevented || event.isComposing || isBehind(event.target)) return;
      event.preventDefault();
      close.current();
    };
    const watcher = Watcher && new Watcher();
    watcher?.addEventListener('close', () => close.current());
    document.addEventListener('keydown', onKey);
    return () => {
      watcher?.destroy();
      document.removeEventListener('keydown', onKey);
    };
  }, [dialog]);
}
