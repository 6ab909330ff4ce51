const ASK_TIMEOUT_MS = 2_000;

/** Whether a system runs at this address and all of it answers. */
export const isReady = async (url) => (await ask(`${url}/health/ready`))?.ok === true;

/** Whether that system serves the web client too. */
export const hasWebClient = async (url) => (await ask(url))?.headers.get('content-type')?.startsWith('text/html') === true;

async function ask(url) {
  try {
    return await fetch(url, { signal: AbortSignal.timeout(ASK_TIMEOUT_MS) });
  } catch {
    return undefined; // Nobody listens there, which is an answer.
  }
}
