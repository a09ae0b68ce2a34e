/** Asks for the API key where the service wants one. */

import { useState } from 'preact/hooks';
import { keepKey } from '../api/key.ts';
import { useTitle } from '../parts/small.tsx';

export function KeyPage({ wasRefused, onKey }: { wasRefused: boolean; onKey: () => void }) {
  const [key, setKey] = useState('');
  useTitle('Key');
  return (
    <form
      class="first key-form"
      onSubmit={(event) => {
        event.preventDefault();
        keepKey(key.trim());
        onKey();
      }}
    >
      <h1>Whose runs?</h1>
      <p class="lead">This Rollcall is protected by keys. Yours says which project you see.</p>
      <label for="key">API key with the scope ‘read’</label>
      <div class="key-line">
        <input
          id="key"
          type="password"
          autocomplete="off"
          autofocus
          required
          value={key}
          onInput={(event) => setKey(event.currentTarget.value)}
        />
        <button type="submit" class="button main">
          Look
        </button>
      </div>
      {wasRefused && (
        <p class="bad" role="alert">
          This key is not known here.
        </p>
      )}
      <p class="dim">
        It stays in this browser tab and is forgotten with it. Make one with{' '}
        <code>rollcall keys add --project NAME --scopes read</code>.
      </p>
    </form>
  );
}
