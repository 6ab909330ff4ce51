import { runProcess } from '@rialto/service';
import { gatewayConfig, processEnvironment } from './config.ts';
import { startGateway } from './gateway.ts';

await runProcess('gateway', () => startGateway(gatewayConfig(processEnvironment)));
