import { expandWord, type Lookup } from "../kubefile/expand.ts";
import type { ArgInstruction, EnvInstruction } from "../kubefile/instruction.ts";
import type { Word } from "../kubefile/word.ts";
import { formatPlatform, type Platform } from "../oci/descriptor.ts";

/** Variables that may be given as build arguments without an ARG, and never become part of the result. */
const predefined = ["HTTP_PROXY", "HTTPS_PROXY", "FTP_PROXY", "NO_PROXY", "ALL_PROXY"].flatMap((name) => [
  name,
  name.toLowerCase(),
]);

export function isProxyVariable(name: string): boolean {
  return predefined.includes(name);
}

/** The variables in force at one place of a Kubefile: ENV over ARG, as in a Dockerfile. */
export interface Scope {
  readonly lookup: Lookup;
  expand(word: Word): string;
  declareArg(instruction: ArgInstruction): void;
  setEnv(instruction: EnvInstruction): void;
  /** What RUN gets: ARG, ENV and proxies. */
  runEnvironment(): Readonly<Record<string, string>>;
  /** ENV alone: what the cluster image records. */
  environment(): Readonly<Record<string, string>>;
  /** A stage's own scope: what ARG has declared here is seen there, ENV is that of the stage's base. */
  stage(environment: Readonly<Record<string, string>>): Scope;
}

/**
 * The scope before the first FROM.
 *
 * @param buildArgs `--build-arg`; they win over the defaults of ARG
 * @param platform what the image is built for; `ARCH` is sealer's name for its architecture
 */
export function createScope(buildArgs: ReadonlyMap<string, string>, platform: Platform): Scope {
  const automatic = new Map([
    ["ARCH", platform.architecture],
    ["TARGETARCH", platform.architecture],
    ["TARGETOS", platform.os],
    ["TARGETVARIANT", platform.variant ?? ""],
    ["TARGETPLATFORM", formatPlatform(platform)],
  ]);
  return scopeWith({ buildArgs, automatic, args: new Map(), env: new Map() });
}

/** Handed on from the environment whether or not an ARG wants it (reproducible-builds.org). */
const SOURCE_DATE_EPOCH = "SOURCE_DATE_EPOCH";

/** Build arguments that no ARG declares. */
export function undeclaredBuildArgs(
  buildArgs: ReadonlyMap<string, string>,
  declared: ReadonlySet<string>,
): readonly string[] {
  const known = new Set([...declared, ...predefined, SOURCE_DATE_EPOCH]);
  return [...buildArgs.keys()].filter((name) => !known.has(name));
}

interface Values {
  readonly buildArgs: ReadonlyMap<string, string>;
  readonly automatic: ReadonlyMap<string, string>;
  readonly args: Map<string, string>;
  readonly env: Map<string, string>;
}

function scopeWith({ buildArgs, automatic, args, env }: Values): Scope {
  const lookup: Lookup = (name) => env.get(name) ?? args.get(name) ?? automatic.get(name);
  const expand = (word: Word): string => expandWord(word, lookup).text;
  return {
    lookup,
    expand,
    declareArg(instruction) {
      for (const { name, default: fallback } of instruction.arguments) {
        const value =
          buildArgs.get(name.text) ?? (fallback === undefined ? automatic.get(name.text) : expand(fallback));
        if (value !== undefined) args.set(name.text, value);
      }
    },
    setEnv(instruction) {
      // All values of one ENV see the variables as they were before it.
      for (const [name, value] of instruction.pairs.map((pair) => [expand(pair.name), expand(pair.value)] as const)) {
        env.set(name, value);
      }
    },
    runEnvironment() {
      const proxies = predefined.flatMap((name) => {
        const value = buildArgs.get(name);
        return value === undefined ? [] : [[name, value] as const];
      });
      return Object.fromEntries([...proxies, ...args, ...env]);
    },
    environment: () => Object.fromEntries(env),
    stage: (environment) =>
      scopeWith({ buildArgs, automatic, args: new Map(args), env: new Map(Object.entries(environment)) }),
  };
}
