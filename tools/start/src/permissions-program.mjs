/** Prints NATS's `authorization` block. Its argument is JSON: the public nkey of each kind of process. */
import { CONTRACTS } from '@rialto/contracts';
import { natsAuthorization, permissionsOf } from '@rialto/service';

const nkeys = JSON.parse(process.argv[2]);
const services = Object.values(CONTRACTS);
const users = Object.entries(nkeys).map(([peer, nkey]) => [peer, { nkey, ...permissionsOf(peer, services) }]);
process.stdout.write(natsAuthorization(Object.fromEntries(users)));
