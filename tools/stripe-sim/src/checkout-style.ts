/** The checkout page's only style sheet: the tokens of the web client, light and dark. */
export const checkoutStyle = `
:root {
  color-scheme: light dark;
  --canvas: #fbfaf8; --sunken: #f2f0ec; --raised: #ffffff;
  --text: #1a1823; --text-2: #5f5b6b; --line: #e4e1db; --control: #8b8798;
  --accent: #5848d6; --on-accent: #ffffff; --accent-soft: #ece9fd;
  --danger: #b3261e; --success: #0b6e4f; --warn: #8a5300;
}
@media (prefers-color-scheme: dark) {
  :root {
    --canvas: #121118; --sunken: #0c0b11; --raised: #1c1a24;
    --text: #eceaf2; --text-2: #a8a4b5; --line: #2a2733; --control: #6f6b7e;
    --accent: #a99fff; --on-accent: #151126; --accent-soft: #262140;
    --danger: #ff8a80; --success: #5fd3a6; --warn: #f2b84b;
  }
}
* { box-sizing: border-box; margin: 0; }
html { background: var(--canvas); color: var(--text); font: 15px/20px Inter, system-ui, -apple-system, 'Segoe UI', sans-serif; }
body { min-height: 100vh; display: flex; flex-direction: column; align-items: center; padding: 32px 16px; gap: 24px; }
main { width: 100%; max-width: 432px; background: var(--raised); border: 1px solid var(--line); border-radius: 18px; padding: 24px; display: grid; gap: 24px; }
.mark { display: flex; align-items: center; gap: 8px; font-size: 20px; line-height: 26px; font-weight: 600; }
.mark svg { width: 32px; height: 32px; color: var(--accent); }
.simulated { border-left: 3px solid var(--warn); padding: 4px 0 4px 12px; }
.simulated strong { display: block; color: var(--warn); font-size: 13px; line-height: 16px; letter-spacing: .06em; margin-bottom: 4px; }
.simulated p, .meta { color: var(--text-2); font-size: 13px; line-height: 18px; }
h1 { font-size: 20px; line-height: 26px; font-weight: 600; }
section h1 { font-size: 15px; line-height: 20px; font-weight: 400; color: var(--text-2); }
h1 + .meta { margin-top: 8px; }
.amount { font-size: 44px; line-height: 48px; font-weight: 600; letter-spacing: -.02em; font-variant-numeric: tabular-nums; margin-top: 4px; overflow-wrap: anywhere; }
.amount.long { font-size: 28px; line-height: 34px; }
ul { list-style: none; padding: 0; border-top: 1px solid var(--line); margin-top: 16px; }
li { display: flex; justify-content: space-between; gap: 16px; padding: 12px 0; border-bottom: 1px solid var(--line); font-variant-numeric: tabular-nums; }
li span:first-child { overflow-wrap: anywhere; min-width: 0; }
li span:last-child { white-space: nowrap; }
form { display: grid; gap: 16px; }
fieldset { border: 0; padding: 0; display: grid; gap: 8px; min-width: 0; }
legend { padding: 0; margin-bottom: 8px; font-size: 13px; line-height: 16px; color: var(--text-2); }
label { display: flex; align-items: center; gap: 12px; min-height: 56px; padding: 8px 16px; border: 1px solid var(--control); border-radius: 12px; cursor: pointer; transition: background-color 120ms cubic-bezier(.2,.8,.2,1); }
label:hover { background: var(--sunken); }
label:has(:checked) { border-color: var(--accent); background: var(--accent-soft); box-shadow: inset 0 0 0 1px var(--accent); }
label:has(:focus-visible), a:focus-visible, button:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
input { appearance: none; width: 20px; height: 20px; flex: none; margin: 0; border: 2px solid var(--control); border-radius: 50%; background: var(--raised); outline: none; }
input:checked { border: 6px solid var(--accent); background: var(--on-accent); }
label strong { display: block; font-weight: 600; }
button, .button { display: flex; align-items: center; justify-content: center; min-height: 48px; width: 100%; padding: 12px 16px; border: 0; border-radius: 12px; background: var(--accent); color: var(--on-accent); font: inherit; font-weight: 600; text-decoration: none; cursor: pointer; font-variant-numeric: tabular-nums; transition: filter 120ms cubic-bezier(.2,.8,.2,1); }
button:hover, .button:hover { filter: brightness(1.08); }
.quiet { display: flex; align-items: center; justify-content: center; min-height: 40px; color: var(--accent); text-decoration: none; border-radius: 12px; }
.quiet:hover { text-decoration: underline; }
.declined { border: 1px solid var(--danger); border-radius: 12px; padding: 12px 16px; }
.declined strong { color: var(--danger); }
@media (max-width: 480px) { body { padding: 16px 12px; gap: 16px; } main { padding: 20px 16px; } .amount { font-size: 36px; line-height: 40px; } .amount.long { font-size: 24px; line-height: 30px; } }
@media (prefers-reduced-motion: reduce) { * { transition: none !important; } }
@media (forced-colors: active) { input { appearance: auto; } label:has(:checked) { outline: 2px solid Highlight; } }
`;
