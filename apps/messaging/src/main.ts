import { runService } from '@rialto/service';
import { messagingService } from './service.ts';

await runService(messagingService);
