const ESCAPES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };
export const escapeHtml = (text: string): string => text.replaceAll(/[&<>"']/g, (character) => ESCAPES[character] ?? character);

/** A whole page of ours; `body` is HTML. Nothing inline, so that it works under the policy that everything else has. */
export const page = (title: string, body: string): string => `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${escapeHtml(title)}</title>
<link rel="stylesheet" href="/docs/style.css">
</head>
<body>
<main>
${body}
</main>
</body>
</html>
`;

/** Colours of the web client; contrast of text is 4.95 and more on either canvas. */
export const STYLE = `:root { --canvas: #fbfaf8; --raised: #fff; --text: #1a1823; --muted: #5f5b6b; --accent: #5848d6; --line: #e4e1ea; }
@media (prefers-color-scheme: dark) { :root { --canvas: #121118; --raised: #1c1a24; --text: #eceaf2; --muted: #a8a4b5; --accent: #a99fff; --line: #2f2c3a; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--canvas); color: var(--text); font: 16px/1.5 system-ui, sans-serif; }
main { max-width: 60rem; margin: 0 auto; padding: 2rem 1rem 4rem; }
h1 { font-size: 1.75rem; line-height: 1.2; } h2 { margin-top: 3rem; } h3 { margin: 0; font-size: 1rem; font-weight: 600; }
a { color: var(--accent); } a:focus-visible, summary:focus-visible, .scroll:focus-visible, pre:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
code, pre { font: 0.875em/1.5 ui-monospace, monospace; } pre { overflow-x: auto; padding: 0.75rem; background: var(--canvas); border-radius: 0.5rem; }
details { background: var(--raised); border: 1px solid var(--line); border-radius: 0.5rem; margin: 0.75rem 0; padding: 0.75rem 1rem; }
summary { cursor: pointer; overflow-wrap: anywhere; } summary h3 { display: inline; } .muted { color: var(--muted); } .method { color: var(--accent); font-weight: 700; }
nav ul { display: flex; flex-wrap: wrap; gap: 1rem; padding: 0; list-style: none; }
.scroll { overflow-x: auto; } table { border-collapse: collapse; width: 100%; } th, td { text-align: left; vertical-align: top; padding: 0.5rem 0.75rem 0.5rem 0; border-bottom: 1px solid var(--line); }
`;
