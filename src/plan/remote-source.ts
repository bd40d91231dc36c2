import type { GitSource } from "./step.ts";

/**
 * Reads a source that names a git repository as Docker does: `https://HOST/PATH.git`, `git://…`, `ssh://…` or
 * `git@HOST:PATH`, with `#REF`, `#REF:DIRECTORY` or `#:DIRECTORY`. Undefined for all else, such as a plain file.
 */
export function parseGitSource(text: string): Pick<GitSource, "url" | "ref" | "subdirectory"> | undefined {
  const hash = text.indexOf("#");
  const url = hash < 0 ? text : text.slice(0, hash);
  const fragment = hash < 0 ? "" : text.slice(hash + 1);
  if (!/^(?:git:\/\/|ssh:\/\/|git@[^/]+:)/i.test(url) && !/^https?:\/\/[^?]+\.git$/i.test(url)) return undefined;
  const colon = fragment.indexOf(":");
  const ref = colon < 0 ? fragment : fragment.slice(0, colon);
  const subdirectory = colon < 0 ? "" : fragment.slice(colon + 1);
  return { url, ...(ref === "" ? {} : { ref }), ...(subdirectory === "" ? {} : { subdirectory }) };
}
