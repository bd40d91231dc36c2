import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { KubefileError } from "../error.ts";
import type { GitSource } from "../plan/step.ts";
import type { SourceTree } from "../rootfs/source-tree.ts";
import { unpackTree } from "../rootfs/unpack-tree.ts";
import type { BuildSecrets } from "./build-secrets.ts";
import { aboutRepository, type GitCall, type GitEnvironment, git } from "./git-program.ts";
import { tokenSecret } from "./git-token.ts";

/** What ADD and APP take from git repositories. */
export interface GitSources {
  /** The commit that a source stands for now; asked of the server, unless the source says it. Nothing is fetched. */
  resolve(source: GitSource, options: { readonly signal: AbortSignal }): Promise<string>;
  /** The files of a commit, in `directory`, which does not exist yet. */
  fetch(
    source: GitSource,
    commit: string,
    directory: string,
    options: { readonly signal: AbortSignal },
  ): Promise<SourceTree>;
}

const ANSWER_TIMEOUT = 60_000;
const FETCH_TIMEOUT = 900_000;
/** Of the files that a commit holds. */
const limits = { entries: 200_000, bytes: 16 * 1024 ** 3 };
/** What attributes in a repository would have git do to files on their way out. */
const attributes = "* -export-ignore -export-subst -text -eol -ident -filter !working-tree-encoding\n";

/**
 * Repositories are fetched by the git of this machine, into a bare repository that is thrown away: no hook, filter or
 * submodule of theirs is ever run or followed, and their files come out as a tar that is unpacked like any stranger's.
 */
export function createGitSources(environment: () => Promise<GitEnvironment>, secrets: BuildSecrets): GitSources {
  const commits = new Map<string, Promise<string>>();

  const callFor = async ({ url }: GitSource, timeout: number, signal: AbortSignal): Promise<GitCall> => {
    const token = secrets.get(tokenSecret(url));
    const { protocol, origin } = new URL(url);
    const pair = token?.kind === "value" ? `x-access-token:${token.reveal().toString().trim()}` : undefined;
    // In plain http everybody on the way would read it.
    const header = `Authorization: Basic ${Buffer.from(pair ?? "").toString("base64")}`;
    const authorization = pair === undefined || protocol !== "https:" ? undefined : { origin, header };
    return { environment: await environment(), timeout, signal, authorization };
  };

  const ask = async (source: GitSource, signal: AbortSignal): Promise<string> => {
    const { url, ref } = source;
    if (ref !== undefined && isCommit(ref)) return ref;
    const call = await callFor(source, ANSWER_TIMEOUT, signal);
    const names = namesOf(ref);
    try {
      const answer = await git(["ls-remote", "--quiet", "--", url, ...names], call);
      const found = new Map(answer.split("\n").map((line) => [line.split("\t")[1] ?? "", line.split("\t")[0] ?? ""]));
      const commit = names.map((name) => found.get(name)).find((id) => id !== undefined);
      if (commit !== undefined && isCommit(commit)) return commit;
    } catch (error) {
      throw aboutRepository(url, error);
    }
    throw new KubefileError("FETCH_FAILED", `${url} has no ${ref === undefined ? "HEAD" : `branch or tag ${ref}`}`, {
      hint: "write #BRANCH, #TAG, #refs/…, or a commit with all its digits",
    });
  };

  return {
    async resolve(source, { signal }) {
      const { url, ref, checksum } = source;
      const place = `${url}#${ref ?? ""}`;
      const asked = commits.get(place) ?? ask(source, signal);
      commits.set(place, asked);
      const commit = await asked;
      if (checksum === undefined || commit.startsWith(checksum)) return commit;
      throw new KubefileError("CHECKSUM_MISMATCH", `${place} is the commit ${commit}, not ${checksum}`, {
        hint: "when the new commit is what you want, write it; otherwise find out who moved the name",
      });
    },
    async fetch(source, commit, directory, { signal }) {
      const { url, subdirectory = "" } = source;
      const repository = join(directory, "repository");
      const tree = join(directory, "tree");
      try {
        await mkdir(tree, { recursive: true });
        const call = await callFor(source, FETCH_TIMEOUT, signal);
        const format = commit.length === 64 ? "sha256" : "sha1";
        await git(["init", "--quiet", "--bare", "--template=", `--object-format=${format}`, repository], call);
        await mkdir(join(repository, "info"));
        await writeFile(join(repository, "info", "attributes"), attributes);
        const inRepository = { ...call, repository };
        await fetchCommit(source, commit, inRepository);
        await archive(commit, subdirectory, inRepository, tree);
        return { root: tree, name: `repository ${url}` };
      } catch (error) {
        throw aboutRepository(url, error);
      }
    },
  };
}

/** By its id, or else by its name, as some servers know no other. */
async function fetchCommit({ url, ref }: GitSource, commit: string, call: GitCall): Promise<void> {
  const options = ["--quiet", "--depth=1", "--no-tags", "--no-write-fetch-head", "--no-auto-maintenance"];
  const fetch = (what: string): Promise<string> => git(["fetch", ...options, "--", url, what], call);
  try {
    await fetch(commit);
  } catch (error) {
    if (!(error instanceof KubefileError) || !/unadvertised object|not our ref/i.test(error.message)) throw error;
    if (ref === undefined || isCommit(ref)) throw error;
    await fetch(ref);
    await git(["cat-file", "-e", `${commit}^{commit}`], call).catch(() => {
      throw new KubefileError("FETCH_FAILED", `${ref} has moved on from ${commit} while it was fetched`, {
        hint: "build again",
      });
    });
  }
}

/** Puts the files of a directory of a commit into `tree`. */
async function archive(commit: string, subdirectory: string, call: GitCall, tree: string): Promise<void> {
  const path = subdirectory.replace(/^\/+|\/+$/g, "");
  const what = path === "" ? commit : `${commit}:${path}`;
  const type = await git(["cat-file", "-t", `${commit}:${path}`], call).catch(() => "");
  if (type.trim() !== "tree") {
    throw new KubefileError("SOURCE_MISSING", `the commit ${commit} has no directory ${JSON.stringify(path)}`, {
      hint: "write #REF:DIRECTORY with a directory of the repository",
    });
  }
  const submodules = await submodulesIn(what, call);
  if (submodules.length > 0) {
    throw new KubefileError("UNSUPPORTED", `${submodules.join(", ")} of the commit ${commit} is a submodule`, {
      hint: "ADD its own repository beside it, and of this one a directory without it: #REF:DIRECTORY",
    });
  }
  await git(["archive", "--format=tar", what], {
    ...call,
    output: (tar) => unpackTree(tree, tar, { name: "the repository", limits, signal: call.signal }),
  });
}

async function submodulesIn(what: string, call: GitCall): Promise<readonly string[]> {
  const found: string[] = [];
  let rest = "";
  await git(["ls-tree", "-r", "-z", what], {
    ...call,
    output: async (stdout) => {
      for await (const chunk of stdout.setEncoding("utf8")) {
        const entries = `${rest}${chunk}`.split("\0");
        rest = entries.pop() ?? "";
        for (const entry of entries) if (entry.startsWith("160000 ")) found.push(JSON.stringify(entry.split("\t")[1]));
      }
    },
  });
  return found.slice(0, 5);
}

/** All the digits of a commit's id, by either hash. */
export function isCommit(text: string): boolean {
  return /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/.test(text);
}

/** What a server may call it; tags come first, as git itself reads a name. An annotated tag stands for its commit. */
function namesOf(ref: string | undefined): readonly string[] {
  if (ref === undefined) return ["HEAD"];
  if (ref.startsWith("refs/")) return [`${ref}^{}`, ref];
  return [`refs/tags/${ref}^{}`, `refs/tags/${ref}`, `refs/heads/${ref}`, `refs/${ref}`];
}
