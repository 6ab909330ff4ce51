import { lazy, Suspense } from 'react';
import { Redirect, Route, Switch } from 'wouter';
import { CallsScreen } from './screens/calls.tsx';
import { ChatsScreen } from './screens/chats.tsx';
import { PhraseScreen } from './screens/phrase.tsx';
import { YouScreen } from './screens/you.tsx';
import { Keys } from './shell/keys.tsx';
import { Shell } from './shell/shell.tsx';

const WalletScreen = lazy(() => import('./screens/wallet.tsx'));
const SafetyScreen = lazy(() => import('./screens/safety.tsx'));
const CallLayer = lazy(() => import('./screens/call-layer.tsx'));

/** Everything that needs an account, and the one screen between registering and that. */
export default function SignedIn({ isNew }: { isNew: boolean }) {
  if (isNew) return <PhraseScreen />;
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
      <Keys />
      <Suspense fallback={null}>
        <CallLayer />
      </Suspense>
    </>
  );
}
