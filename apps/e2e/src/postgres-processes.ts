import type { System } from './system.ts';

/**
 * Stops PostgreSQL where it stands: the server that takes connections, and every process that serves one. Connections stay open and say
 * nothing, which is what a machine that hangs looks like. The function that comes back lets it go on.
 */
export async function stopPostgres(system: System): Promise<() => void> {
  const server = system.pidOf('postgres');
  const { rows } = await system.admin.query<{ pid: number }>('select pid from pg_stat_activity');
  const processes = [server, ...rows.map(({ pid }) => pid)];
  // The server first, so that it makes no process that we do not know.
  for (const pid of processes) signal(pid, 'SIGSTOP');
  return () => {
    for (const pid of processes.toReversed()) signal(pid, 'SIGCONT');
  };
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    // A connection that ended in the meantime is gone with its process.
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
