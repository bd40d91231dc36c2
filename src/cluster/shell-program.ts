/** Names that a shell can set; bash refuses to set some of its own. Others only reach a process by `env`. */
const settable = /^(?!(?:UID|EUID|PPID|BASHOPTS|SHELLOPTS|BASH_VERSINFO)$)[A-Za-z_]\w*$/;

/** Runs the program on its standard input as if it stood there; takes the input to its end first. */
export const programFromInput = 'eval "$(cat)"';

/**
 * A command and its variables as a program for a POSIX shell. Sent on standard input, so that no value stands in a
 * command line, which every user of a machine can read, and none in the environment of a program of this machine, where
 * `LD_PRELOAD` and its like would mean something. The command itself reads nothing.
 */
export function shellProgram(command: string, env: Readonly<Record<string, string>>): string {
  const entries = Object.entries(env);
  const set = entries
    .filter(([name]) => settable.test(name))
    .map(([name, value]) => `export ${name}=${quoted(value)}\n`);
  const rest = entries.filter(([name]) => !settable.test(name)).map(([name, value]) => quoted(`${name}=${value}`));
  const launcher = rest.length === 0 ? "" : `env -- ${rest.join(" ")} `;
  return `${set.join("")}exec ${launcher}sh -c ${quoted(command)} </dev/null\n`;
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
