import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';
import { compressed } from './compressed.ts';

/** The API server puts a fresh nonce and its base path into the page; all other addresses are relative to the script. */
export default defineConfig({
  root: import.meta.dirname,
  base: './',
  html: { cspNonce: '__IDRA_NONCE__' },
  plugins: [react(), compressed()],
  build: {
    target: 'es2023',
    outDir: 'dist',
    emptyOutDir: true,
    assetsInlineLimit: 0,
    reportCompressedSize: false,
    chunkSizeWarningLimit: 700,
    license: { fileName: 'assets/licenses.json' },
  },
  clearScreen: false,
  logLevel: 'warn',
});
