import { expandWord, type Lookup } from "./expand.ts";
import type { FromInstruction, Instruction } from "./instruction.ts";

/** The variables that can be seen at one place of a Kubefile, with the values its text alone gives them. */
export interface VisibleVariables {
  readonly lookup: Lookup;
  /** Whether an ARG, an ENV or the platform declares the name, be it without a value, or a base image may. */
  declares(name: string): boolean;
  /** Every declared name. */
  names(): readonly string[];
  /**
   * Goes on behind an instruction: ARG and ENV declare, FROM hides what the stage before declared and brings back the ENV
   * of the stage it names.
   */
  pass(instruction: Instruction): void;
}

interface Environment {
  readonly values: ReadonlyMap<string, string>;
  /** True below a base image, whose ENV is not in the text. */
  readonly isOpen: boolean;
}

/** Given by the platform that is built for; ARCH is sealer's name for its architecture. */
const platformVariables = ["TARGETPLATFORM", "TARGETOS", "TARGETARCH", "TARGETVARIANT", "ARCH"];

/** At the start of a file. An ARG before the first FROM is visible in all stages. */
export function visibleVariables(): VisibleVariables {
  let inherited = new Map<string, string | undefined>(platformVariables.map((name) => [name, undefined]));
  let current: FromInstruction | undefined;
  let base: Environment = { values: new Map(), isOpen: false };
  const finished = new Map<string, Environment>();
  let env = new Map<string, string>();
  let stage = new Map<string, string | undefined>();
  const lookup: Lookup = (name) => env.get(name) ?? stage.get(name) ?? inherited.get(name);

  return {
    lookup,
    declares: (name) => base.isOpen || env.has(name) || stage.has(name) || inherited.has(name),
    names: () => [...new Set([...env.keys(), ...stage.keys(), ...inherited.keys()])],
    pass: (instruction) => {
      if (instruction.kind === "FROM") {
        if (current === undefined) inherited = new Map([...inherited, ...stage]);
        const name = current?.stage?.text.toLowerCase();
        if (name !== undefined) finished.set(name, { values: env, isOpen: base.isOpen });
        const image = expandWord(instruction.image, lookup).text;
        base = finished.get(image.toLowerCase()) ?? { values: new Map(), isOpen: image !== "scratch" };
        current = instruction;
        stage = new Map();
        env = new Map(base.values);
      } else if (instruction.kind === "ARG") {
        for (const { name, default: fallback } of instruction.arguments) {
          stage.set(name.text, fallback === undefined ? inherited.get(name.text) : expandWord(fallback, lookup).text);
        }
      } else if (instruction.kind === "ENV") {
        // All values of one ENV see the variables as they were before it.
        const values = instruction.pairs.map(({ name, value }) => [name.text, expandWord(value, lookup).text] as const);
        for (const [name, value] of values) env.set(name, value);
      }
    },
  };
}
