import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

export interface GitRepository {
  readonly directory: string;
  git(...args: readonly string[]): string;
  /** Writes files and commits them; returns the commit's id. */
  commit(message: string, files: Readonly<Record<string, string>>): string;
}

/** Nobody's configuration, and always the same times. */
const environment = {
  PATH: process.env.PATH ?? "",
  HOME: "/nonexistent",
  GIT_CONFIG_NOSYSTEM: "1",
  GIT_AUTHOR_NAME: "a",
  GIT_AUTHOR_EMAIL: "a@shop.test",
  GIT_COMMITTER_NAME: "a",
  GIT_COMMITTER_EMAIL: "a@shop.test",
  GIT_AUTHOR_DATE: "2026-01-01T00:00:00Z",
  GIT_COMMITTER_DATE: "2026-01-01T00:00:00Z",
};

export function gitRepository(directory: string): GitRepository {
  const git = (...args: readonly string[]): string =>
    execFileSync("git", ["-c", "init.defaultBranch=main", ...args], {
      ...{ cwd: directory, env: environment, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] },
    }).trim();
  return {
    directory,
    git,
    commit(message, files) {
      for (const [path, text] of Object.entries(files)) {
        mkdirSync(dirname(join(directory, path)), { recursive: true });
        writeFileSync(join(directory, path), text);
      }
      git("add", "--all");
      git("commit", "--quiet", "--allow-empty", "--message", message);
      return git("rev-parse", "HEAD");
    },
  };
}
