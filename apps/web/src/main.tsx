import '@fontsource-variable/inter/wght.css';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { App, loadSignedIn } from './app.tsx';
import { openSession } from './session/session.ts';
import './styles/base.css';
import './styles/tokens.css';

const root = document.getElementById('root');
if (!root) throw new Error('index.html has no #root');
createRoot(root).render(
  <StrictMode>
    <App />
  </StrictMode>,
);
void openSession(loadSignedIn);
