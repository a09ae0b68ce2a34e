/** Starts the console in the page. */

import { QueryClientProvider } from '@tanstack/preact-query';
import { render } from 'preact';
import { queryClient, questions } from './api/queries.ts';
import { App } from './app.tsx';
import { startTheme } from './parts/theme.ts';
import './styles/base.css';
import './styles/frame.css';
import './styles/lists.css';

startTheme();
// The first answer is on its way while the first picture is drawn.
if (window.location.pathname === '/') void queryClient.prefetchQuery(questions.now());
const root = document.getElementById('app');
if (root !== null) {
  render(
    <QueryClientProvider client={queryClient}>
      <App />
    </QueryClientProvider>,
    root,
  );
}
