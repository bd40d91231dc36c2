import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { errorMessage, KubefileError } from "../error.ts";
import { formatRepository, type Repository } from "../oci/reference.ts";
import { askHelper, type RunHelper } from "./credential-helper.ts";
import { parseAuthKey, readAuthEntry } from "./credentials.ts";
import { createSingleFlight } from "./single-flight.ts";
import type { Credential, CredentialSource } from "./types.ts";

export interface DockerConfigOptions {
  /** `$DOCKER_CONFIG` or `~/.docker`; its `config.json` is read when there is one. */
  readonly directory: string;
  /** A further file of the same form that is asked first, as `$REGISTRY_AUTH_FILE` names one. */
  readonly authFile?: string | undefined;
  /** Text of the same form that is asked before any file, as CI systems hand it over; `name` is what messages call it. */
  readonly inline?: { readonly name: string; readonly text: string } | undefined;
  /** Without it, helpers are not run, and what they hold is not found. */
  readonly runHelper?: RunHelper | undefined;
  /** Called for a helper that fails; the search goes on, since the image may be public. */
  readonly onProblem?: (problem: KubefileError) => void;
  /** Milliseconds. */
  readonly clock?: () => number;
}

export interface DockerConfigCredentials extends CredentialSource {
  /** Registries that the files name, canonical (`docker.io`, `registry.example:5000`). */
  hosts(): readonly string[];
  /** Credentials that stand in the files themselves. */
  readonly stored: readonly Credential[];
}

interface ConfigFile {
  readonly auths: readonly {
    readonly host: string;
    readonly path: string;
    readonly credential: Credential | undefined;
  }[];
  readonly helpers: ReadonlyMap<string, string>;
  readonly store: string | undefined;
}

const MAX_CONFIG_BYTES = 1024 * 1024;
/** Cloud helpers mint tokens that live for hours; asking a few times an hour is enough for any of them. */
const HELPER_ANSWER_MILLISECONDS = 5 * 60_000;

/**
 * Credentials as `docker login` leaves them. For each file the host's own helper is asked first, then the store of all
 * hosts, then the file itself; entries with a path count before those of the whole host.
 *
 * @throws KubefileError REGISTRY for a file that cannot be read or is not JSON. A missing one is empty.
 */
export async function dockerConfigCredentials(options: DockerConfigOptions): Promise<DockerConfigCredentials> {
  const paths = [options.authFile, join(options.directory, "config.json")].filter((path) => path !== undefined);
  const { inline } = options;
  const read = (await Promise.all(paths.map(readConfig))).filter((file) => file !== undefined);
  const files = inline === undefined ? read : [parseConfig(inline.text, inline.name), ...read];
  const clock = options.clock ?? (() => performance.now());
  const answers = new Map<string, { readonly credential: Credential | undefined; readonly until: number }>();
  const once = createSingleFlight<Credential | undefined>();

  const fromHelper = async (helper: string, host: string): Promise<Credential | undefined> => {
    const { runHelper } = options;
    if (runHelper === undefined) return undefined;
    const key = `${helper} ${host}`;
    const kept = answers.get(key);
    if (kept !== undefined && kept.until > clock()) return kept.credential;
    return once(key, async () => {
      const server = host === "docker.io" ? "https://index.docker.io/v1/" : host;
      const credential = await askHelper(helper, server, runHelper).catch((error: unknown) => {
        options.onProblem?.(
          error instanceof KubefileError ? error : new KubefileError("REGISTRY", errorMessage(error)),
        );
        return undefined;
      });
      answers.set(key, { credential, until: clock() + HELPER_ANSWER_MILLISECONDS });
      return credential;
    });
  };

  return {
    async credentials(repository) {
      const found: Credential[] = [];
      for (const { auths, helpers, store } of files) {
        const helper = helpers.get(repository.host);
        const candidates = [
          helper === undefined ? undefined : await fromHelper(helper, repository.host),
          store === undefined || helper !== undefined ? undefined : await fromHelper(store, repository.host),
          ...matching(auths, repository),
        ];
        found.push(...candidates.filter((candidate) => candidate !== undefined));
      }
      return found;
    },
    stored: files.flatMap(({ auths }) => auths.flatMap(({ credential }) => credential ?? [])),
    hosts: () => [
      ...new Set(files.flatMap(({ auths, helpers }) => [...auths.map(({ host }) => host), ...helpers.keys()])),
    ],
  };
}

/** The longest path first; `ghcr.io/team` covers `ghcr.io/team/app`, not `ghcr.io/teams`. */
function matching(auths: ConfigFile["auths"], repository: Repository): (Credential | undefined)[] {
  const name = `${formatRepository(repository)}/`;
  return auths
    .filter(({ host, path }) => host === repository.host && name.startsWith(`${host}${path}/`))
    .sort((a, b) => b.path.length - a.path.length)
    .map(({ credential }) => credential);
}

async function readConfig(path: string): Promise<ConfigFile | undefined> {
  let text: string;
  try {
    if ((await stat(path)).size > MAX_CONFIG_BYTES) throw unusable(path, `it is larger than ${MAX_CONFIG_BYTES} bytes`);
    text = await readFile(path, "utf8");
  } catch (error) {
    if (error instanceof KubefileError) throw error;
    if (error instanceof Error && "code" in error && (error.code === "ENOENT" || error.code === "ENOTDIR")) {
      return undefined;
    }
    throw unusable(path, errorMessage(error), error);
  }
  return parseConfig(text, path);
}

function unusable(name: string, why: string, cause?: unknown): KubefileError {
  return new KubefileError("REGISTRY", `cannot use the registry credentials in ${name}: ${why}`, {
    hint: "mend it, or make it anew with docker login",
    cause,
  });
}

function parseConfig(text: string, name: string): ConfigFile {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    // The parser's own message quotes the file.
    throw unusable(name, "it is not JSON");
  }
  const fields = entriesOf(json);
  const store = fields.get("credsStore");
  return {
    auths: [...entriesOf(fields.get("auths"))].map(([key, entry]) => ({
      ...parseAuthKey(key),
      credential: readAuthEntry(entry),
    })),
    helpers: new Map(
      [...entriesOf(fields.get("credHelpers"))]
        .filter((entry): entry is [string, string] => typeof entry[1] === "string" && entry[1] !== "")
        .map(([key, helper]) => [parseAuthKey(key).host, helper]),
    ),
    store: typeof store === "string" && store !== "" ? store : undefined,
  };
}

function entriesOf(value: unknown): Map<string, unknown> {
  return new Map(typeof value === "object" && value !== null ? Object.entries(value) : []);
}
