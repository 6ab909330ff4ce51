import { Component, type ReactNode } from 'react';
import { Button } from '../parts/button.tsx';
import { Empty } from '../parts/placeholder.tsx';

interface State {
  readonly failure: 'none' | 'new-version' | 'broken';
}

/**
 * Stands where a screen would be that could not be drawn. The usual reason is a page that was opened before an update: the chunk that it
 * asks for has another name now. What was written is in the store, so a reload loses nothing.
 */
export class ErrorBoundary extends Component<{ children: ReactNode }, State> {
  override state: State = { failure: 'none' };

  static getDerivedStateFromError(thrown: unknown): State {
    return { failure: isMissingChunk(thrown) ? 'new-version' : 'broken' };
  }

  override render() {
    if (this.state.failure === 'none') return this.props.children;
    const isNew = this.state.failure === 'new-version';
    return (
      <main className="splash">
        <Empty
          icon={isNew ? 'retry' : 'warning'}
          title={isNew ? 'A new version is ready' : 'This screen broke'}
          action={<Button onClick={() => location.reload()}>Reload</Button>}
        >
          {isNew
            ? 'Reload to use it. Nothing that you wrote is lost.'
            : 'Reload to go on. What you wrote and sent is kept on this device.'}
        </Empty>
      </main>
    );
  }
}

/** The words of Chromium, Firefox and Safari, and of the builder for a style sheet, when a part of the client cannot be fetched. */
const isMissingChunk = (thrown: unknown) =>
  thrown instanceof Error && /dynamically imported module|importing a module script|preload CSS/i.test(thrown.message);
