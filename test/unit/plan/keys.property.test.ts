import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { CacheKey } from "../../../src/cache/types.ts";
import type { LaunchCommand } from "../../../src/image/types.ts";
import { type Digest, digestOf } from "../../../src/oci/digest.ts";
import { type LaunchInputs, launchKey, movedKey } from "../../../src/plan/launch-key.ts";
import { baseKey, resultKey, rootfsKey, type StepInputs, stepKey } from "../../../src/plan/step-key.ts";

const digest: fc.Arbitrary<Digest> = fc.string().map(digestOf);
const word = fc.string({ minLength: 1, maxLength: 12 });
const names = fc.dictionary(word, word, { maxKeys: 4 });

const step: fc.Arbitrary<Omit<StepInputs, "previous">> = fc.record(
  {
    platform: fc.constantFrom("linux/amd64", "linux/arm64"),
    instruction: fc.record({ kind: fc.constantFrom("copy", "run"), text: word }),
    reads: fc.array(word, { maxLength: 3 }),
    environment: names,
    container: digest,
  },
  { requiredKeys: ["platform", "instruction", "reads", "environment"] },
);

const command: fc.Arbitrary<LaunchCommand> = fc.record(
  { command: word, directory: word, env: names, app: word, source: word },
  { requiredKeys: ["command", "directory", "env", "source"] },
);

const launch: fc.Arbitrary<LaunchInputs> = fc.record({
  platform: fc.constantFrom("linux/amd64", "linux/arm64"),
  tree: digest,
  commands: fc.array(command, { maxLength: 4 }),
  env: names,
  include: fc.uniqueArray(word, { maxLength: 4 }),
  exclude: fc.uniqueArray(word, { maxLength: 4 }),
  mirrors: names,
  inherited: names,
  built: names,
  rehearsal: fc.oneof(
    fc.record({
      kind: fc.constant("cluster" as const),
      nodeImage: word,
      launchContainer: word,
      kindConfig: word,
      wait: fc.constantFrom("ready" as const, "pulled" as const),
      quietWindow: fc.nat(),
    }),
    fc.record({ kind: fc.constant("static" as const), helm: word }),
  ),
});

/** Every value that differs from the given one in one place: a field changed, taken away or added. */
function singleChanges(value: unknown): unknown[] {
  if (Array.isArray(value)) {
    return [
      [...value, "one more"],
      ...value.map((_, position) => value.toSpliced(position, 1)),
      ...value.flatMap((entry, position) => singleChanges(entry).map((changed) => value.with(position, changed))),
    ];
  }
  if (typeof value === "object" && value !== null) {
    return Object.entries(value).flatMap(([name, entry]) => {
      const { [name]: _, ...others } = value as Record<string, unknown>;
      return [others, ...singleChanges(entry).map((changed) => ({ ...value, [name]: changed }))];
    });
  }
  return typeof value === "number" ? [value + 1] : [`${String(value)}.`];
}

/** The same value, put together in another order. */
function reordered(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(reordered);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .reverse()
      .map(([name, entry]) => [name, reordered(entry)]),
  );
}

/** The keys of steps that stand on one another. */
function keysOf(steps: readonly Omit<StepInputs, "previous">[]): CacheKey[] {
  const keys: CacheKey[] = [baseKey({ platform: "linux/amd64" })];
  for (const inputs of steps) keys.push(stepKey({ ...inputs, previous: keys.at(-1) as CacheKey }));
  return keys;
}

describe("the key of a step", () => {
  test("changes with every single change of its inputs", () => {
    fc.assert(
      fc.property(step, (inputs) => {
        const previous = baseKey({ platform: "linux/amd64" });
        const keys = [inputs, ...(singleChanges(inputs) as (typeof inputs)[])].map((changed) =>
          stepKey({ ...changed, previous }),
        );
        expect(new Set(keys).size).toBe(keys.length);
      }),
    );
  });

  test("does not change with the order in which its inputs were gathered", () => {
    fc.assert(
      fc.property(step, (inputs) => {
        const previous = baseKey({ platform: "linux/amd64" });
        const same = reordered({ ...inputs, previous }) as StepInputs;
        expect(stepKey(same)).toBe(stepKey({ ...inputs, previous }));
      }),
    );
  });

  test("of a step that changed changes, and so do those of the steps on it; those before it do not", () => {
    fc.assert(
      fc.property(fc.array(step, { minLength: 1, maxLength: 6 }), fc.nat(), (steps, at) => {
        const position = at % steps.length;
        const before = keysOf(steps);
        for (const changed of singleChanges(steps[position]).slice(0, 20) as typeof steps) {
          const after = keysOf(steps.with(position, changed));
          expect(after.slice(0, position + 1)).toEqual(before.slice(0, position + 1));
          for (const [index, key] of after.entries()) if (index > position) expect(key).not.toBe(before[index]);
        }
      }),
      { numRuns: 50 },
    );
  });

  test("differs by what the rootfs begins with", () => {
    const one = digestOf("one");
    const keys = [
      baseKey({ platform: "linux/amd64" }),
      baseKey({ platform: "linux/arm64" }),
      baseKey({ platform: "linux/amd64", image: one }),
      baseKey({ platform: "linux/amd64", image: digestOf("other") }),
    ];
    expect(new Set(keys).size).toBe(keys.length);
  });

  test("that only its result decides differs by it", () => {
    const previous = baseKey({ platform: "linux/amd64" });
    const keys = [undefined, digestOf("one"), digestOf("other")].map((layer) => resultKey(previous, layer));
    expect(new Set(keys).size).toBe(keys.length);
  });
});

describe("the key of a rootfs", () => {
  test("differs by its last step and by where applications are, not by their order", () => {
    const [one, other] = keysOf([{ platform: "linux/amd64", instruction: {}, reads: [], environment: {} }]) as [
      CacheKey,
      CacheKey,
    ];
    expect(rootfsKey(one, ["a", "b"])).toBe(rootfsKey(one, ["b", "a", "b"]));
    const keys = [rootfsKey(one, []), rootfsKey(other, []), rootfsKey(one, ["a"]), rootfsKey(one, ["a", "b"])];
    expect(new Set(keys).size).toBe(keys.length);
  });
});

describe("the key of a launch", () => {
  test("changes with every single change of its inputs", () => {
    fc.assert(
      fc.property(launch, (inputs) => {
        // Where a command is written decides nothing.
        const written = inputs.commands.map(({ source: _, ...others }) => others);
        const changes = singleChanges({ ...inputs, commands: written }) as LaunchInputs[];
        const keys = [inputs, ...changes.filter(isReadable)].map(launchKey);
        expect(new Set(keys).size).toBe(new Set([inputs, ...changes].filter(isReadable).map(spelt)).size);
      }),
      { numRuns: 60 },
    );
  });

  test("does not depend on where commands are written, nor on the order of lists of names", () => {
    fc.assert(
      fc.property(launch, word, (inputs, source) => {
        const same: LaunchInputs = {
          ...inputs,
          commands: inputs.commands.map((entry) => ({ ...entry, source })),
          include: inputs.include.toReversed(),
          exclude: [...inputs.exclude.toReversed(), ...inputs.exclude],
        };
        expect(launchKey(reordered(same) as LaunchInputs & object)).not.toBeUndefined();
        expect(launchKey(same)).toBe(launchKey(inputs));
      }),
    );
  });

  test("under which a rehearsal is kept after tags moved differs by each tag's digest", () => {
    const key = launchKey(fc.sample(launch, { numRuns: 1, seed: 1 })[0] as LaunchInputs);
    const [one, other] = [digestOf("one"), digestOf("other")];
    const states = [
      new Map([
        ["a", one],
        ["b", one],
      ]),
      new Map([
        ["a", other],
        ["b", one],
      ]),
      new Map([
        ["a", one],
        ["b", other],
      ]),
      new Map([["a", one]]),
    ];
    const keys = [key, ...states.map((state) => movedKey(key, state))];
    expect(new Set(keys).size).toBe(keys.length);
    expect(
      movedKey(
        key,
        new Map([
          ["b", one],
          ["a", one],
        ]),
      ),
    ).toBe(keys[1]);
  });
});

/** Without the changes that no plan can have: lists of commands with something else in them, lists that are gone. */
function isReadable(inputs: LaunchInputs): boolean {
  const { commands, include, exclude } = inputs as Partial<LaunchInputs>;
  if (commands === undefined || include === undefined || exclude === undefined) return false;
  return commands.every((entry) => typeof entry === "object");
}

function spelt({ commands, include, exclude, ...others }: LaunchInputs): string {
  const known = commands.map(({ source: _, ...entry }) => entry);
  return JSON.stringify([others, known, [...include].sort(), [...exclude].sort()]);
}
