import { canonicalJson } from "../oci/canonical-json.ts";
import type { LaunchChanges } from "./diff-types.ts";
import type { LaunchCommand } from "./types.ts";

type Command = Omit<LaunchCommand, "source">;

/** Above it the table of the comparison grows too large; nobody reads so many commands one by one. */
const MAX_COMMANDS = 1_000;

/** Compares launches as texts are compared, line by line: a command that moved is removed here and added there. */
export function diffLaunch(from: readonly LaunchCommand[], to: readonly LaunchCommand[]): LaunchChanges {
  const [before, after] = [from.map(withoutSource), to.map(withoutSource)];
  const [old, now] = [before.map(canonicalJson), after.map(canonicalJson)];
  if (old.length === now.length && old.every((text, position) => text === now[position])) return { commands: [] };
  const isLong = Math.max(old.length, now.length) > MAX_COMMANDS;
  const kept = isLong ? [] : longestCommon(old, now);
  const commands: LaunchChanges["commands"][number][] = [];
  let [left, right] = [0, 0];
  for (const [oldAt, newAt] of [...kept, [old.length, now.length] as const]) {
    for (const command of before.slice(left, oldAt)) commands.push({ state: "removed", ...command });
    for (const command of after.slice(right, newAt)) commands.push({ state: "added", ...command });
    const same = after[newAt];
    if (same !== undefined) commands.push({ state: "kept", ...same });
    [left, right] = [oldAt + 1, newAt + 1];
  }
  return { commands };
}

/** Where a command stands in the Kubefile says nothing of what a site runs. */
function withoutSource({ command, directory, env, app }: LaunchCommand): Command {
  return { command, directory, env, ...(app === undefined ? {} : { app }) };
}

/** Positions in both of a longest common subsequence, in order. */
function longestCommon(old: readonly string[], now: readonly string[]): (readonly [number, number])[] {
  const width = now.length + 1;
  const lengths = new Uint16Array((old.length + 1) * width);
  const at = (row: number, column: number): number => lengths[row * width + column] ?? 0;
  for (let row = old.length - 1; row >= 0; row--) {
    for (let column = now.length - 1; column >= 0; column--) {
      lengths[row * width + column] =
        old[row] === now[column] ? at(row + 1, column + 1) + 1 : Math.max(at(row + 1, column), at(row, column + 1));
    }
  }
  const pairs: (readonly [number, number])[] = [];
  for (let [row, column] = [0, 0]; row < old.length && column < now.length; ) {
    if (old[row] === now[column]) pairs.push([row++, column++]);
    else if (at(row + 1, column) >= at(row, column + 1)) row++;
    else column++;
  }
  return pairs;
}
