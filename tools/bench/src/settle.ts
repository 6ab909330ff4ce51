import pg from 'pg';

/**
 * Lets the server of a database finish what was asked of it before: dead rows are cleared (in that database) and dirty pages written. Without it
 * whatever runs next pays for the control's leftovers, and the control for its.
 */
export async function settle(url: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await client.query('vacuum');
    await client.query('checkpoint');
  } finally {
    await client.end();
  }
}
