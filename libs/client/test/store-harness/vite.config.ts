import { defineConfig } from 'vite';

/** Builds the page for the media tests: the engine and its worker as the web client gets them. */
export default defineConfig({
  root: import.meta.dirname,
  base: './',
  logLevel: 'warn',
  worker: { format: 'es' },
  build: { target: 'es2022', emptyOutDir: true },
});
