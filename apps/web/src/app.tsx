import { lazy, Suspense } from 'react';
import { Redirect, Route, Switch } from 'wouter';
import { Button } from './parts/button.tsx';
import { Mark } from './parts/icon.tsx';
import { Empty } from './parts/placeholder.tsx';
import { takeOver } from './session/session.ts';
import { useSession } from './session/state.ts';
import { CallsScreen } from './screens/calls.tsx';
import { ChatsScreen } from './screens/chats.tsx';
import { PhraseScreen } from './screens/phrase.tsx';
import { WelcomeScreen } from './screens/welcome.tsx';
import { YouScreen } from './screens/you.tsx';
import { ErrorBoundary } from './shell/error-boundary.tsx';
import { Notices } from './shell/notices.tsx';
import { Shell } from './shell/shell.tsx';

const WalletScreen = lazy(() => import('./screens/wallet.tsx'));
const SafetyScreen = lazy(() => import('./screens/safety.tsx'));
const CallLayer = lazy(() => import('./screens/call-layer.tsx'));

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
      return <PhraseScreen />;
    case 'ready':
      return <SignedIn />;
    case 'elsewhere':
      return <Elsewhere />;
    default:
      return <Failed />;
  }
}

function SignedIn() {
  return (
    <>
      <Shell>
        <Suspense fallback={null}>
          <Switch>
            <Route path="/c/:id">{({ id }) => <ChatsScreen conversationId={id} />}</Route>
            <Route path="/u/:accountId/safety">{({ accountId }) => <SafetyScreen accountId={accountId} />}</Route>
            <Route path="/calls" component={CallsScreen} />
            <Route path="/wallet" component={WalletScreen} />
            <Route path="/you" component={YouScreen} />
            <Route path="/">{() => <ChatsScreen conversationId={null} />}</Route>
            <Route>{() => <Redirect to="/" replace />}</Route>
          </Switch>
        </Suspense>
      </Shell>
      <Suspense fallback={null}>
        <CallLayer />
      </Suspense>
    </>
  );
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
