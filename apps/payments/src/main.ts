import { runService } from '@rialto/service';
import { paymentsService } from './service.ts';

await runService(paymentsService);
