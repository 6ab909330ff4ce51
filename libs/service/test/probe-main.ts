import { runService } from '../src/index.ts';
import { probeService } from './probe-service.ts';

/** The probe as a process of its own, for tests that kill it. */
await runService(probeService);
