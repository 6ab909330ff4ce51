import { type InputHTMLAttributes, type ReactNode, useId } from 'react';
import './field.css';

type FieldProps = InputHTMLAttributes<HTMLInputElement> & {
  label: string;
  prefix?: string;
  /** Stands inside, at the end: a state such as “Available”. */
  status?: ReactNode;
  hint?: string | undefined;
  error?: ReactNode;
};

/** A labelled text field. Its hint and its error are read out with it. */
export function Field({ label, prefix, status, hint, error, ...input }: FieldProps) {
  const id = useId();
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      <div className={`field-box${error ? ' field-wrong' : ''}`}>
        {prefix && (
          <span className="field-prefix" aria-hidden="true">
            {prefix}
          </span>
        )}
        <input
          {...input}
          id={id}
          aria-invalid={error ? true : undefined}
          aria-describedby={error || hint ? `${id}-note` : undefined}
        />
        {status}
      </div>
      {(error ?? hint) && (
        <p id={`${id}-note`} className={error ? 'field-error' : 'field-hint'} role={error ? 'alert' : undefined}>
          {error ?? hint}
        </p>
      )}
    </div>
  );
}
