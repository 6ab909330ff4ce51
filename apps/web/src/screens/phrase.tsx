import { useState } from 'react';
import { Button } from '../parts/button.tsx';
import { leavePhrase } from '../session/session.ts';
import { notify, useSession } from '../session/state.ts';
import './phrase.css';

/** The twelve words, shown until the person says that they are written down; then this browser forgets them. */
export function PhraseScreen() {
  const phase = useSession((session) => session.phase);
  const [isCopied, setCopied] = useState(false);
  if (phase.name !== 'phrase') return null;
  const words = phase.phrase.split(' ');
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(phase.phrase);
      setCopied(true);
    } catch {
      // Without a secure origin, or when the person said no, there is no clipboard.
      notify('The browser does not let the page copy. Select the words, or write them down.');
    }
  };
  return (
    <main className="phrase">
      <div className="phrase-card">
        <h1>Your recovery phrase</h1>
        <p>
          These twelve words are the root of your account. Write them down on paper: after this screen nobody can show them to you
          again, not even this server.
        </p>
        <p>
          <b>Bringing an account back with them is not built yet.</b> Until it is, whoever loses this browser loses the account
          with it.
        </p>
        <ol className="phrase-words" aria-label="Recovery phrase">
          {words.map((word, index) => (
            <li key={index}>{word}</li>
          ))}
        </ol>
        <div className="phrase-actions">
          <Button look="outline" icon={isCopied ? 'check' : 'copy'} onClick={() => void copy()}>
            {isCopied ? 'Copied' : 'Copy'}
          </Button>
          <Button onClick={() => void leavePhrase()}>I wrote them down</Button>
        </div>
        <p className="phrase-later">Under “You” you can check at any time that you wrote them down right.</p>
      </div>
    </main>
  );
}
