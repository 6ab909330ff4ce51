import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';
import { type Budget, sizeBudgets } from './budget.ts';
import { compressed } from './compressed.ts';

/** A newcomer sees the first; whoever has an account waits for the second, most of which is the cryptography. */
const BUDGETS: readonly Budget[] = [
  { name: 'the welcome', with: [], maxBytes: 75_000 },
  { name: 'opening an account', with: ['src/session/sdk.ts', 'src/signed-in.tsx'], maxBytes: 325_000 },
];

/**
 * No inline script or style may come out of the build: the gateway's content security policy refuses them. File names carry a hash, so the
 * gateway lets browsers keep them for ever.
 */
export default defineConfig({
  root: import.meta.dirname,
  plugins: [react(), compressed(), sizeBudgets(BUDGETS)],
  worker: { format: 'es' },
  build: {
    target: 'es2024',
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: true,
    sourcemap: false,
  },
});
