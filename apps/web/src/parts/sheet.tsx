import { type ReactNode, useEffect, useRef } from 'react';
import { IconButton } from './button.tsx';
import './sheet.css';

/** A modal sheet: from below on a phone, in the middle on a wide screen. The browser keeps the focus inside; Escape closes it. */
export function Sheet({
  title,
  heading,
  onClose,
  children,
}: {
  title: string;
  heading?: ReactNode;
  onClose: () => void;
  children: ReactNode;
}) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const element = dialog.current;
    if (element && !element.open) element.showModal();
  }, []);
  return (
    <dialog
      ref={dialog}
      className="sheet"
      aria-label={title}
      onCancel={(event) => {
        event.preventDefault();
        onClose();
      }}
      onClick={(event) => {
        if (event.target === dialog.current) onClose(); // outside of the sheet
      }}
    >
      <div className="sheet-body">
        <header className="sheet-head">
          <div className="sheet-title">{heading ?? <h2>{title}</h2>}</div>
          <IconButton icon="close" label="Close" onClick={onClose} />
        </header>
        {children}
      </div>
    </dialog>
  );
}
