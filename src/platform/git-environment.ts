import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { rootCertificates } from "node:tls";
import { errorMessage, KubefileError } from "../error.ts";
import type { GitEnvironment } from "../pipeline/git-program.ts";
import type { Environment } from "./platform.ts";

const proxies = ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"].flatMap((name) => [name, name.toLowerCase()]);

/** What git gets of the environment of this process; `dispose` removes the file that it may have needed. */
export interface OwnGitEnvironment {
  readonly get: () => Promise<GitEnvironment>;
  readonly dispose: () => Promise<void>;
}

/**
 * PATH and proxies. A private authority is trusted as Node does, beside the usual ones: git takes one file of all.
 *
 * @throws KubefileError USAGE when NODE_EXTRA_CA_CERTS cannot be read
 */
export function ownGitEnvironment(env: Environment): OwnGitEnvironment {
  let made: Promise<string> | undefined;
  const entries = ["PATH", ...proxies].flatMap((name) => (env[name] ? [[name, env[name]] as const] : []));
  const variables = Object.fromEntries(entries);
  const extra = env.NODE_EXTRA_CA_CERTS;
  return {
    async get() {
      if (!extra) return { variables };
      made ??= writeAuthorities(extra);
      return { variables, authorities: join(await made, "authorities.pem") };
    },
    async dispose() {
      if (made !== undefined) await rm(await made, { recursive: true, force: true });
    },
  };
}

async function writeAuthorities(file: string): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), "kubefile-git-"));
  try {
    const own = await readFile(file, "utf8");
    await writeFile(join(directory, "authorities.pem"), [...rootCertificates, own].join("\n"));
    return directory;
  } catch (error) {
    await rm(directory, { recursive: true, force: true });
    throw new KubefileError("USAGE", `NODE_EXTRA_CA_CERTS=${file} cannot be read: ${errorMessage(error)}`, {
      hint: "name a PEM file of certificates",
      cause: error,
    });
  }
}
