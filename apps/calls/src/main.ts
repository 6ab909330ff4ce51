import { runService } from '@rialto/service';
import { callsService } from './service.ts';

await runService(callsService);
