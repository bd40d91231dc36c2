import { LineCounter, parseDocument } from "yaml";
import { KubefileError } from "../error.ts";
import { canonicalHost, isRegistryHost } from "../oci/reference.ts";
import { parseAuthKey } from "./credentials.ts";
import type { Credential, CredentialSource } from "./types.ts";

/** Credentials that a CI system hands over as one secret. */
export interface RegistryAuths extends CredentialSource {
  /** Registries that they are for, canonical. */
  readonly hosts: readonly string[];
  readonly all: readonly Credential[];
}

interface Entry {
  readonly host: string;
  /** Empty, or starting with a slash. */
  readonly path: string;
  readonly credential: Credential;
}

/** Characters. */
const LONGEST = 64 * 1024;
const hint = "write a list of `registry`, `username` and `password`; `token` stands for an access or identity token";
const fields: readonly string[] = ["registry", "username", "password", "token"];

/**
 * Reads the secret `registry-auths`, a YAML list:
 *
 *     - registry: ghcr.io
 *       username: octocat
 *       password: ...
 *     - registry: registry.example/team
 *       token: ...
 *
 * A token beside a username is its password; alone it is an identity token, as `docker login` keeps one. Messages name
 * places, never values.
 *
 * @param name what messages call it
 * @throws KubefileError USAGE with every problem
 */
export function parseRegistryAuths(text: string, name: string): RegistryAuths {
  const entries = text.length > LONGEST ? refuse(name, ["it is too long"]) : readEntries(text, name);
  return {
    hosts: [...new Set(entries.map(({ host }) => host))],
    all: entries.map(({ credential }) => credential),
    async credentials({ host, path }) {
      return entries
        .filter((entry) => entry.host === host && `/${path}/`.startsWith(`${entry.path}/`))
        .sort((one, other) => other.path.length - one.path.length)
        .map(({ credential }) => credential);
    },
  };
}

function readEntries(text: string, name: string): readonly Entry[] {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, version: "1.2", schema: "failsafe" });
  // The parser's own messages quote the text.
  const broken = document.errors.map(({ pos }) => `line ${lines.linePos(pos[0]).line} is not YAML`);
  if (broken.length > 0) refuse(name, [...new Set(broken)]);
  let value: unknown;
  try {
    value = document.toJS({ maxAliasCount: 0 }) ?? [];
  } catch {
    return refuse(name, ["it uses aliases"]);
  }
  if (!Array.isArray(value)) return refuse(name, ["it is not a list"]);
  const problems: string[] = [];
  const entries = value.flatMap((item: unknown, position) => {
    const read = readEntry(item);
    if (typeof read !== "string") return [read];
    problems.push(`entry ${position + 1} ${read}`);
    return [];
  });
  return problems.length > 0 ? refuse(name, problems) : entries;
}

/** An entry, or what is wrong with it. */
function readEntry(item: unknown): Entry | string {
  if (typeof item !== "object" || item === null) return "is not a map";
  const values = new Map<string, unknown>(Object.entries(item));
  const text = (field: string): string => {
    const value = values.get(field);
    return typeof value === "string" ? value : "";
  };
  if ([...values.keys()].some((field) => !fields.includes(field))) return `has a key other than ${fields.join(", ")}`;
  if ([...values.values()].some((value) => typeof value !== "string")) return "has a value that is not text";
  const { host, path } = parseAuthKey(text("registry"));
  if (!isRegistryHost(host)) return text("registry") === "" ? "has no registry" : "has a registry that is none";
  const [username, password, token] = [text("username"), text("password"), text("token")];
  if (password !== "" && token !== "") return "has both a password and a token";
  const place = { host: canonicalHost(host), path };
  if (token !== "" && username === "") {
    return { ...place, credential: { username, password: "", identityToken: token } };
  }
  if (username === "") return "has no username";
  if (password === "" && token === "") return "has neither password nor token";
  return { ...place, credential: { username, password: password || token } };
}

function refuse(name: string, problems: readonly string[]): never {
  throw new KubefileError("USAGE", `${name} cannot be used: ${problems.join("; ")}`, { hint });
}
