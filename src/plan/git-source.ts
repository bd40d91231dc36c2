import { KubefileError, type Location } from "../error.ts";
import { parseGitSource } from "./remote-source.ts";
import type { GitSource } from "./step.ts";
import { webAddress } from "./web-address.ts";

/**
 * The git repository that an address names; undefined for all other addresses.
 *
 * @param checksum the value of `--checksum`
 * @throws KubefileError UNSUPPORTED for protocols other than http, KUBEFILE_INVALID for what git would misread
 */
export function gitSource(text: string, where: Location, checksum?: string): GitSource | undefined {
  const parsed = parseGitSource(text);
  if (parsed === undefined) return undefined;
  const invalid = (message: string, hint: string): KubefileError =>
    new KubefileError("KUBEFILE_INVALID", message, { where, hint });
  const { url, ref, subdirectory } = parsed;
  if (!/^https?:/i.test(url)) {
    throw new KubefileError("UNSUPPORTED", `${url} is a git repository by another protocol than https`, {
      where,
      hint: "write https://HOST/PATH.git; a token for it is given with --secret id=GIT_AUTH_TOKEN.HOST",
    });
  }
  if (ref !== undefined && !isRefName(ref)) {
    throw invalid(
      `${JSON.stringify(ref)} is not the name of a branch, a tag or a commit`,
      "write #NAME after the address",
    );
  }
  if (subdirectory !== undefined && /\0|(?:^|\/)\.\.?(?:\/|$)/.test(subdirectory)) {
    throw invalid(
      `${JSON.stringify(subdirectory)} is not a directory of a repository`,
      "write it from the top, without ..",
    );
  }
  if (checksum !== undefined && !/^[0-9a-f]{7,64}$/.test(checksum)) {
    throw invalid(`--checksum=${checksum} is no commit`, "write 7 digits or more of the commit's id");
  }
  return {
    kind: "git",
    url: webAddress(url, where),
    ...(ref === undefined ? {} : { ref }),
    ...(subdirectory === undefined ? {} : { subdirectory }),
    ...(checksum === undefined ? {} : { checksum }),
  };
}

/** As git-check-ref-format has it, without what looks like a flag or a pattern. */
function isRefName(text: string): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: git refuses them in names, and so do we
  return !/^[-/]|[\u0000- \u007f~^:?*[\\]|\.\.|@\{|\/\/|\.lock(?:\/|$)|[./]$/.test(text);
}
