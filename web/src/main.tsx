import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { asApiError } from './api/client.ts';
import { SessionProvider } from './api/session.tsx';
import { App } from './app.tsx';
import { nonce } from './base-path.ts';
import { applyTheme } from './theme.ts';
import './styles/base.css';
import './styles/frame.css';
import './styles/parts.css';
import './styles/forms.css';
import './styles/list.css';
import './styles/pages.css';
import './styles/editor.css';

// Dialogs insert a style that keeps the page from scrolling; its library reads the nonce here.
Object.assign(globalThis, { __webpack_nonce__: nonce });
applyTheme();

const client = new QueryClient({
  defaultOptions: {
    queries: {
      // What is shown is pushed by the server, or asked for by the user.
      staleTime: 30_000,
      refetchOnWindowFocus: false,
      networkMode: 'always',
      retry: (count, error) => count < 3 && isTemporary(error),
    },
    mutations: { networkMode: 'always' },
  },
});

function isTemporary(error: unknown): boolean {
  const { status } = asApiError(error);
  return status === 0 || status === 502 || status === 503;
}

const root = document.getElementById('root');
if (root)
  createRoot(root).render(
    <StrictMode>
      <QueryClientProvider client={client}>
        <SessionProvider>
          <App />
        </SessionProvider>
      </QueryClientProvider>
    </StrictMode>,
  );
