import { lazy, Suspense } from 'react';
import { Button } from './parts/button.tsx';
import { Mark } from './parts/icon.tsx';
import { Empty } from './parts/placeholder.tsx';
import { takeOver } from './session/session.ts';
import { useSession } from './session/state.ts';
import { WelcomeScreen } from './screens/welcome.tsx';
import { ErrorBoundary } from './shell/error-boundary.tsx';
import { Notices } from './shell/notices.tsx';

/** What is behind the welcome comes by itself: who has no account yet does not wait for it. */
export const loadSignedIn = () => import('./signed-in.tsx');
const SignedIn = lazy(loadSignedIn);

export function App() {
  const phase = useSession((session) => session.phase);
  return (
    <>
      <ErrorBoundary>
        <Content phase={phase.name} />
      </ErrorBoundary>
      <Notices />
    </>
  );
}

function Content({ phase }: { phase: string }) {
  switch (phase) {
    case 'loading':
      return <Splash />;
    case 'welcome':
      return <WelcomeScreen />;
    case 'phrase':
    case 'ready':
      return (
        <Suspense fallback={<Splash />}>
          <SignedIn isNew={phase === 'phrase'} />
        </Suspense>
      );
    case 'elsewhere':
      return <Elsewhere />;
    default:
      return <Failed />;
  }
}

function Splash() {
  return (
    <main className="splash" aria-busy="true" aria-label="Rialto is opening">
      <Mark size={56} />
    </main>
  );
}

function Elsewhere() {
  return (
    <main className="splash">
      <Empty
        icon="copy"
        title="Rialto is open in another tab"
        action={<Button onClick={() => void takeOver()}>Use it here</Button>}
      >
        Keys that seal your messages may be used by one tab at a time.
      </Empty>
    </main>
  );
}

function Failed() {
  const sentence = useSession(({ phase }) => (phase.name === 'failed' ? phase.sentence : ''));
  return (
    <main className="splash">
      <Empty icon="warning" title="Rialto could not open" action={<Button onClick={() => location.reload()}>Try again</Button>}>
        {sentence}
      </Empty>
    </main>
  );
}
