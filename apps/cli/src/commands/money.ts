import type { RialtoClient, TopUp } from '@rialto/client';
import type { Command } from 'commander';
import { balanceIn, formatAmount, moneyLines, parseAmount } from '../money.ts';
import { print } from '../output.ts';
import { type GlobalOptions, withClient } from '../session.ts';

const DEFAULT_CURRENCY = 'EUR';
const POLL_MS = 500;

/** `wallet`, `statement`. */
export function walletCommands(program: Command): void {
  program
    .command('wallet')
    .description('show the balances, verified against the statements')
    .action((_options: unknown, command: Command) => {
      const options = command.optsWithGlobals<GlobalOptions>();
      return withClient(options, async ({ wallet }) => {
        const balances = await wallet.refresh();
        const lines = balances.map(({ balanceMinor, currency, exponent }) => formatAmount(balanceMinor, currency, exponent));
        print(options, balances, moneyLines(wallet, lines));
      });
    });

  program
    .command('statement')
    .argument('[currency]', 'such as EUR', DEFAULT_CURRENCY)
    .description('show the verified entries of a balance, newest first')
    .action((currency: string, _options: unknown, command: Command) => {
      const options = command.optsWithGlobals<GlobalOptions>();
      return withClient(options, async ({ wallet }) => {
        const { exponent, currency: code } = balanceIn(await wallet.refresh(), currency);
        const entries = await wallet.statement(code);
        const lines = entries.map(({ at, direction, amountMinor, kind, memo, balanceMinor }) => {
          const amount = formatAmount(direction === 'debit' ? -amountMinor : amountMinor, code, exponent);
          return `${at}  ${amount.padStart(14)}  ${kind}${memo === null ? '' : ` “${memo}”`}  → ${formatAmount(balanceMinor, code, exponent)}`;
        });
        print(options, entries, moneyLines(wallet, lines));
      });
    });
}

/** `pay`, `topup`. */
export function paymentCommands(program: Command): void {
  program
    .command('pay')
    .argument('<handle>')
    .argument('<amount>', 'such as 12.50')
    .argument('[currency]', 'such as EUR', DEFAULT_CURRENCY)
    .option('-m, --memo <text>', 'sealed: only the payee reads it')
    .description('send money; a card appears in the conversation')
    .action((handle: string, amount: string, currency: string, { memo }: { memo?: string }, command: Command) => {
      const options = command.optsWithGlobals<GlobalOptions>();
      return withClient(options, async ({ wallet, conversations }) => {
        const { exponent, currency: code } = balanceIn(await wallet.refresh(), currency);
        const conversation = await conversations.createDm(handle);
        const amountMinor = parseAmount(amount, exponent);
        const paid = await conversation.sendMoney({ amountMinor, currency: code, ...(memo !== undefined && { memo }) });
        await conversation.flushed();
        const lines = [`✓ ${formatAmount(amountMinor, code, exponent)} sent (${paid.transfer.transferId})`];
        print(options, { ...paid.transfer, isSimulated: wallet.isSimulated }, moneyLines(wallet, lines));
      });
    });

  program
    .command('topup')
    .argument('<amount>', 'such as 20')
    .argument('[currency]', 'such as EUR', DEFAULT_CURRENCY)
    .option('--wait', 'wait until it is paid')
    .description('open a checkout that adds money')
    .action((amount: string, currency: string, { wait }: { wait?: boolean }, command: Command) => {
      const options = command.optsWithGlobals<GlobalOptions>();
      return withClient(options, async (client) => {
        const { exponent, currency: code } = balanceIn(await client.wallet.refresh(), currency);
        const topUp = await client.wallet.topUp({ currency: code, amountMinor: parseAmount(amount, exponent) });
        const { isSimulated } = client.wallet;
        const open = moneyLines(client.wallet, [`Pay at ${topUp.checkoutUrl ?? 'nowhere: it is over'}`]);
        if (!wait) return print(options, { ...topUp, isSimulated }, open);
        if (!options.json) print(options, topUp, open);
        const ended = await outcomeOf(client, topUp);
        return print(options, { ...ended, isSimulated }, [`${ended.state === 'paid' ? '✓' : '✗'} ${ended.state}`]);
      });
    });
}

async function outcomeOf({ wallet }: RialtoClient, { topUpId }: TopUp): Promise<TopUp> {
  for (;;) {
    const topUp = await wallet.topUpState(topUpId);
    if (topUp.state !== 'creating' && topUp.state !== 'open') return topUp;
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}
