import { useMemo } from 'react';
import type { Failure } from '../session/failure.ts';
import { useSecondsLeft } from '../session/use-seconds-left.ts';
import { sayWait } from '../session/words.ts';

/** Why something did not work. A wait is counted down for the eye; a screen reader hears how long it is, and when it is over. */
export function Sentence({ of: { sentence, until } }: { of: Failure }) {
  const left = useSecondsLeft(until);
  const atFirst = useMemo(() => (until === null ? 0 : Math.ceil((until - Date.now()) / 1_000)), [until]);
  if (until === null) return sentence;
  return (
    <>
      {sentence}{' '}
      <span className="wait" aria-hidden="true">
        {sayWait(left)}
      </span>
      <span className="visually-hidden">{sayWait(left === 0 ? 0 : atFirst)}</span>
    </>
  );
}
