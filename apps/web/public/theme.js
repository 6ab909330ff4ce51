// Runs before the first paint, as a file because the page allows no inline script: a chosen theme must not flash the other one.
try {
  const theme = localStorage.getItem('rialto.theme');
  if (theme === 'light' || theme === 'dark') document.documentElement.dataset.theme = theme;
} catch {
  // Storage is blocked: the system's theme it is.
}
