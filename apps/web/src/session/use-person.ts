import type { Person } from '@rialto/client';
import type { AccountId } from '@rialto/contracts';
import { useEffect, useState } from 'react';
import { useClient } from './state.ts';

/** Somebody as this device knows them; null while that is read, and offline when it was never read before. */
export function usePerson(accountId: AccountId | null): Person | null {
  const client = useClient();
  const [person, setPerson] = useState<Person | null>(null);
  useEffect(() => {
    if (!accountId) return;
    let isCurrent = true;
    const show = (found: Person) => isCurrent && setPerson(found);
    client.people.get(accountId).then(show, () => undefined);
    const stop = client.on('person.changed', (changed) => {
      if (changed.accountId === accountId) client.people.get(accountId).then(show, () => undefined);
    });
    return () => {
      isCurrent = false;
      stop();
    };
  }, [client, accountId]);
  return person;
}
