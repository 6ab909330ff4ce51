import { runService } from '@rialto/service';
import { identityService } from './service.ts';

await runService(identityService);
