import { type FormEvent, useState } from 'react';
import { Button } from '../parts/button.tsx';
import { Sheet } from '../parts/sheet.tsx';
import { notify, useClient } from '../session/state.ts';
import { sayError } from '../session/words.ts';

const WORDS = 12;

/** Takes the twelve words and says whether they are the ones of this account. They are not kept. */
export function ConfirmPhraseSheet({ onClose }: { onClose: () => void }) {
  const client = useClient();
  const [text, setText] = useState('');
  const [failure, setFailure] = useState<string>();
  const [isBusy, setBusy] = useState(false);
  const words = text.trim().toLowerCase().split(/\s+/).filter(Boolean);
  const check = async (event: FormEvent) => {
    event.preventDefault();
    setBusy(true);
    setFailure(undefined);
    try {
      await client.confirmRecoveryPhrase(words.join(' '));
      notify('These are your words. Keep them safe.');
      onClose();
    } catch (thrown) {
      setFailure(sayPhraseError(thrown));
      setBusy(false);
    }
  };
  return (
    <Sheet title="Check my words" onClose={onClose}>
      <form className="you-phrase" onSubmit={(event) => void check(event)}>
        <label htmlFor="phrase-words">Your twelve words, in order</label>
        <textarea
          id="phrase-words"
          rows={4}
          value={text}
          onChange={(event) => setText(event.target.value)}
          autoComplete="off"
          autoCapitalize="none"
          spellCheck={false}
          autoFocus
          aria-describedby="phrase-count"
        />
        <p id="phrase-count" className={failure ? 'field-error' : 'field-hint'} role={failure ? 'alert' : undefined}>
          {failure ?? `${words.length} of ${WORDS} words`}
        </p>
        <Button type="submit" wide busy={isBusy} disabled={words.length !== WORDS}>
          Check
        </Button>
      </form>
    </Sheet>
  );
}

/** The phrase is checked on this device first: a word that is in no list, then the checksum that twelve words carry. */
function sayPhraseError(thrown: unknown): string {
  const { problem, word } = thrown as { problem?: string; word?: number };
  if (problem === 'unknown-word') return `Word ${word} is not one of the possible words. Check how it is spelled.`;
  if (problem !== undefined) return 'These are not the words of this account. Check their order and spelling.';
  return sayError(thrown);
}
