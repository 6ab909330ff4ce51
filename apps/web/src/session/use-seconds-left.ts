import { useEffect, useState } from 'react';

const LOOK_EVERY_MS = 250;
const secondsTo = (until: number | null) => (until === null ? 0 : Math.max(0, Math.ceil((until - Date.now()) / 1_000)));

/** Whole seconds until a time in milliseconds since 1970; counts down, and stays at 0. */
export function useSecondsLeft(until: number | null): number {
  const [left, setLeft] = useState(() => secondsTo(until));
  useEffect(() => {
    setLeft(secondsTo(until));
    if (secondsTo(until) === 0) return;
    const timer = setInterval(() => {
      setLeft(secondsTo(until));
      if (secondsTo(until) === 0) clearInterval(timer);
    }, LOOK_EVERY_MS);
    return () => clearInterval(timer);
  }, [until]);
  return left;
}
