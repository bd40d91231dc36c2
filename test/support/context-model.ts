import { chmod, mkdir, rm, symlink, utimes, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import fc from "fast-check";
import type { Circumstances } from "./context-changes.ts";

/** A build context and its Kubefile in so few words that a test can say itself what follows from what. */
export interface ContextModel {
  /** Two or three directories, each with some files. */
  readonly files: Readonly<Record<string, FileModel>>;
  /** Paths that `.kubefileignore` names. */
  readonly ignored: readonly string[];
  /** In order; the last is the result, which takes something of each other one. */
  readonly stages: readonly (readonly StepModel[])[];
  /** Value of the build argument V, which every stage declares. */
  readonly argument: string;
  /** Of the ENV that every stage sets. */
  readonly environment: string;
  /** Comment lines before the first FROM. */
  readonly comments: number;
  /** The command that launches the result. */
  readonly launch: string;
}

export type FileModel =
  | { readonly kind: "file"; readonly text: string; readonly executable: boolean }
  | { readonly kind: "link"; readonly target: string };

export type StepModel =
  /** COPY of a directory, or of one file. */
  | { readonly kind: "copy"; readonly source: string; readonly target: string; readonly chmod?: string }
  /** COPY of a here-document. */
  | { readonly kind: "text"; readonly text: string; readonly target: string }
  /** COPY to a place that the build argument names. */
  | { readonly kind: "argument"; readonly source: string }
  | { readonly kind: "run"; readonly command: string }
  /** COPY --from of the stage at this position. */
  | { readonly kind: "stage"; readonly stage: number };

export const directories = ["a", "b", "c"] as const;
/** In every directory, so that there is always something to copy; the others come and go. */
const fixedFile = "0";

const text = fc.string({ unit: "grapheme-ascii", minLength: 1, maxLength: 6 }).filter((value) => /^\S+$/.test(value));
const name = fc.constantFrom("x", "x-y", "x.y", "é", "deep/z", "deep/er/z");
const file: fc.Arbitrary<FileModel> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant("file" as const), text, executable: fc.boolean() }) },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant("link" as const), target: fc.constantFrom("0", "x", "gone") }),
  },
);
const target = fc.constantFrom("t", "u", "t/v");

function stepsOf(kinds: readonly StepModel["kind"][], position: number): fc.Arbitrary<StepModel[]> {
  const source = fc.oneof(
    fc.constantFrom(...directories),
    fc.constantFrom(...directories.map((directory) => `${directory}/${fixedFile}`)),
  );
  const step = fc
    .record({ kind: fc.constantFrom(...kinds), source, target, chmod: fc.constantFrom(undefined, "755", "640"), text })
    .map(({ kind, source, target, chmod, text }): StepModel => {
      if (kind === "copy") return { kind, source, target, ...(chmod === undefined ? {} : { chmod }) };
      if (kind === "text") return { kind, text, target };
      if (kind === "argument") return { kind, source };
      return { kind: "run", command: `echo ${text.replace(/\W/g, "")}` };
    });
  const taken = Array.from({ length: position }, (_, stage): StepModel => ({ kind: "stage", stage }));
  return fc
    .tuple(fc.array(step, { minLength: 1, maxLength: 4 }), fc.array(step, { maxLength: 2 }))
    .map(([before, after]) => [...before, ...taken, ...after]);
}

/** @param kinds of the steps of the stages; those that take from stages are added */
export function contextModel(kinds: readonly Exclude<StepModel["kind"], "stage">[]): fc.Arbitrary<ContextModel> {
  const inDirectory = (directory: string) =>
    fc
      .dictionary(name, file, { maxKeys: 3, noNullPrototype: true })
      .map((files) => Object.fromEntries(Object.entries(files).map(([key, value]) => [`${directory}/${key}`, value])));
  const fixed = directories.map((directory) => [
    `${directory}/${fixedFile}`,
    { kind: "file", text: directory, executable: false } as const,
  ]);
  return fc.record({
    files: fc
      .tuple(...directories.map(inDirectory))
      .map((all) => Object.assign({}, Object.fromEntries(fixed), ...all) as ContextModel["files"]),
    ignored: fc.constant([]),
    stages: fc
      .integer({ min: 1, max: 3 })
      .chain((count) => fc.tuple(...Array.from({ length: count }, (_, position) => stepsOf(kinds, position)))),
    argument: fc.constantFrom("one", "two"),
    environment: fc.constantFrom("e", "f"),
    comments: fc.nat({ max: 2 }),
    launch: fc.constantFrom("true", "echo launched"),
  });
}

export function kubefileOf({ stages, environment, comments, launch }: ContextModel): string {
  return [
    ...Array.from({ length: comments }, (_, index) => `# comment ${index}`),
    ...stages.flatMap((steps, position) => [
      position === stages.length - 1 ? "FROM scratch" : `FROM scratch AS stage${position}`,
      ...["ARG V=none", `ENV E=${environment}`],
      ...steps.flatMap((step) => linesOf(step)),
    ]),
    `CMD ${launch}`,
    "",
  ].join("\n");
}

function linesOf(step: StepModel): string[] {
  switch (step.kind) {
    case "copy":
      return [`COPY ${step.chmod === undefined ? "" : `--chmod=${step.chmod} `}${step.source} ${step.target}/`];
    case "text":
      return [`COPY <<'TEXT' ${step.target}/`, step.text, "TEXT"];
    case "argument":
      return [`COPY ${step.source} by-$V/`];
    case "run":
      return [`RUN ${step.command}`];
    case "stage":
      return [`COPY --from=stage${step.stage} . of-${step.stage}/`];
  }
}

/** Writes a context into a directory that has nothing else in it afterwards. */
export async function writeModel(
  directory: string,
  model: ContextModel,
  other: Pick<Circumstances, "reversed" | "time" | "umask">,
): Promise<void> {
  await rm(directory, { recursive: true, force: true });
  await mkdir(directory, { recursive: true });
  const entries = Object.entries(model.files);
  for (const [path, file] of other.reversed ? entries.toReversed() : entries) {
    const absolute = join(directory, path);
    await mkdir(dirname(absolute), { recursive: true });
    if (file.kind === "link") {
      await symlink(file.target, absolute);
      continue;
    }
    await writeFile(absolute, file.text);
    await chmod(absolute, (file.executable ? 0o777 : 0o666) & ~other.umask);
    await utimes(absolute, other.time, other.time);
  }
  await writeFile(join(directory, "Kubefile"), kubefileOf(model));
  if (model.ignored.length > 0) await writeFile(join(directory, ".kubefileignore"), `${model.ignored.join("\n")}\n`);
}

/** The files of the context that a source names, without those that are ignored: path below it, and what is there. */
export function filesBelow({ files, ignored }: ContextModel, source: string): Readonly<Record<string, FileModel>> {
  return Object.fromEntries(
    Object.entries(files).flatMap(([path, file]) => {
      if (ignored.includes(path)) return [];
      if (path === source) return [[path.slice(path.lastIndexOf("/") + 1), file]];
      return path.startsWith(`${source}/`) ? [[path.slice(source.length + 1), file]] : [];
    }),
  );
}
