import { expandWord, type Lookup } from "./expand.ts";
import type { Instruction } from "./instruction.ts";

export interface ScopeOptions {
  /** Values of `--build-arg`; they replace the defaults of ARGs of the same name. */
  readonly buildArguments?: Readonly<Record<string, string>>;
  /** `linux/amd64`; gives TARGETPLATFORM, TARGETOS, TARGETARCH and sealer's ARCH their values. */
  readonly platform?: string;
}

/** The variables that are visible at one place of a Kubefile. */
export interface Scope {
  readonly lookup: Lookup;
  /** Whether an ARG, an ENV or the platform declares the name, be it without a value. */
  declares(name: string): boolean;
  /** Every declared name, for suggestions. */
  names(): readonly string[];
  /** What ENV set so far: what launch commands see. */
  env(): Readonly<Record<string, string>>;
  /** What RUN sees: ENV, and ARGs that have a value. */
  variables(): Readonly<Record<string, string>>;
  /** Takes in what an ARG or ENV declares; a FROM ends the scope of the stage before. Other instructions change nothing. */
  apply(instruction: Instruction): void;
}

/**
 * The scope at the start of a Kubefile. Applied instruction by instruction, it knows what Docker knows, with one
 * difference: an ARG before the first FROM is visible in all stages without being declared again.
 */
export function createScope(options: ScopeOptions = {}): Scope {
  const given = options.buildArguments ?? {};
  const predefined = platformVariables(options.platform);
  let inStage = false;
  const globalArguments = new Map<string, string | undefined>();
  const stageArguments = new Map<string, string | undefined>();
  const env = new Map<string, string>();

  const lookup: Lookup = (name) =>
    env.get(name) ?? stageArguments.get(name) ?? globalArguments.get(name) ?? predefined.get(name);

  const declare = (name: string, fallback: string | undefined): void => {
    const value = Object.hasOwn(given, name) ? given[name] : fallback;
    if (inStage) stageArguments.set(name, value);
    else globalArguments.set(name, value);
  };

  return {
    lookup,
    declares: (name) => env.has(name) || stageArguments.has(name) || globalArguments.has(name) || predefined.has(name),
    names: () => [
      ...new Set([...env.keys(), ...stageArguments.keys(), ...globalArguments.keys(), ...predefined.keys()]),
    ],
    env: () => Object.fromEntries(env),
    variables: () => {
      const merged = new Map([...globalArguments, ...stageArguments, ...env]);
      return Object.fromEntries([...merged].flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])));
    },
    apply: (instruction) => {
      if (instruction.kind === "FROM") {
        inStage = true;
        stageArguments.clear();
        env.clear();
      } else if (instruction.kind === "ARG") {
        for (const declared of instruction.arguments) {
          const fallback = declared.default === undefined ? undefined : expandWord(declared.default, lookup).text;
          declare(declared.name.text, fallback);
        }
      } else if (instruction.kind === "ENV") {
        const values = instruction.pairs.map(({ name, value }) => [name.text, expandWord(value, lookup).text] as const);
        for (const [name, value] of values) env.set(name, value);
      }
    },
  };
}

function platformVariables(platform: string | undefined): ReadonlyMap<string, string | undefined> {
  const [os, architecture, variant] = platform?.split("/") ?? [];
  return new Map([
    ["TARGETPLATFORM", platform],
    ["TARGETOS", os],
    ["TARGETARCH", architecture],
    ["TARGETVARIANT", platform === undefined ? undefined : (variant ?? "")],
    ["ARCH", architecture],
  ]);
}
