import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';
import { compressed } from './compressed.ts';

/**
 * No inline script or style may come out of the build: the gateway's content security policy refuses them. File names carry a hash, so the
 * gateway lets browsers keep them for ever.
 */
export default defineConfig({
  root: import.meta.dirname,
  plugins: [react(), compressed()],
  worker: { format: 'es' },
  build: {
    target: 'es2024',
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: true,
    sourcemap: false,
  },
});
