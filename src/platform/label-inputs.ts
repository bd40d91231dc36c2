import { KubefileError } from "../error.ts";
import { parseKeyValues } from "./input-values.ts";

/** What we tell of an image by names of ours must be true. */
const reserved = /^(?:io|vnd)\.kubefile\./;

/**
 * `--label` and `--annotation`, with those of `kubefile.yaml` beneath them.
 *
 * @throws KubefileError USAGE for a name that is ours, or of something that a build does not make
 */
export function parseLabels(
  flag: "--label" | "--annotation",
  words: readonly string[],
  inFile: Readonly<Record<string, string>> = {},
): Readonly<Record<string, string>> {
  const written = flag === "--label" ? words : words.map(withoutLevel);
  const all = { ...inFile, ...Object.fromEntries(parseKeyValues(written, flag)) };
  const [taken] = Object.keys(all).filter((name) => reserved.test(name));
  if (taken === undefined) return all;
  throw new KubefileError("USAGE", `${flag} ${taken}: names with kubefile are written by the build alone`, {
    hint: "choose a name of your own, such as com.example.team",
  });
}

/** docker's actions say what an annotation is put on, `manifest:NAME=VALUE`; here it is always the manifest. */
function withoutLevel(word: string): string {
  const [, levels, rest] = /^([a-z-]+(?:\[[^\]]*\])?(?:,[a-z-]+(?:\[[^\]]*\])?)*):(.*)$/s.exec(word) ?? [];
  if (levels === undefined || rest === undefined) return word;
  if (levels.split(",").some((level) => level.startsWith("manifest"))) return rest;
  throw new KubefileError("USAGE", `--annotation ${JSON.stringify(word)} is for ${levels}, and a manifest is built`, {
    hint: "write --annotation NAME=VALUE, or manifest:NAME=VALUE",
  });
}
