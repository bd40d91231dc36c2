import { type ContextModel, directories, type FileModel, type StepModel } from "./context-model.ts";

/** What surrounds a context when it is written and planned. */
export interface Circumstances {
  /** Files are made in the other order. */
  readonly reversed: boolean;
  /** Of the files, in seconds since 1970. */
  readonly time: number;
  /** Taken from the modes of files. */
  readonly umask: number;
  /** Identity of the image that RUN runs in. */
  readonly container: string;
  readonly architecture: string;
  /** In another directory. */
  readonly elsewhere: boolean;
}

export const usual: Circumstances = {
  ...{ reversed: false, time: 1_700_000_000, umask: 0o022, container: "sha256:tools", architecture: "amd64" },
  elsewhere: false,
};

/** One change of one thing, with what the test says that it concerns. */
export interface Change {
  readonly what: string;
  readonly model: ContextModel;
  readonly circumstances?: Partial<Circumstances>;
  /** Whether a step reads what has changed. */
  readonly concerns: (step: StepModel, at: { readonly stage: number; readonly index: number }) => boolean;
}

/** Every single change of a model that there is a kind of; without `chmod`, none that brings a --chmod. */
export function changesOf(model: ContextModel, { chmod = true } = {}): readonly Change[] {
  return [
    ...Object.entries(model.files).flatMap(([path, file]) => changesOfFile(model, path, file)),
    ...directories.flatMap((directory) => additions(model, directory)),
    ...model.stages.flatMap((steps, stage) =>
      steps.flatMap((step, index) => editsOf(model, step, { stage, index, chmod })),
    ),
    {
      what: "the build argument has another value",
      model: { ...model, argument: `${model.argument}-` },
      concerns: ({ kind }) => kind === "argument" || kind === "run",
    },
    {
      what: "ENV has another value",
      model: { ...model, environment: `${model.environment}-` },
      concerns: ({ kind }) => kind === "run",
    },
    ...surroundings(model),
  ];
}

function changesOfFile(model: ContextModel, path: string, file: FileModel): readonly Change[] {
  const { [path]: _, ...others } = model.files;
  const reads = readsPath(path);
  const change = (what: string, files: ContextModel["files"], concerns: Change["concerns"] = reads): Change => ({
    what: `${path} ${what}`,
    model: { ...model, files },
    concerns,
  });
  const isNamed = path.endsWith("/0");
  const gone = [
    change("is gone", others),
    change("has another name", { ...others, [`${path}-renamed`]: file }),
    { what: `${path} is ignored`, model: { ...model, ignored: [path] }, concerns: reads },
  ];
  const own =
    file.kind === "link"
      ? [change("leads elsewhere", { ...others, [path]: { kind: "link", target: `${file.target}-` } })]
      : [
          change("has other content", { ...others, [path]: { ...file, text: `${file.text}.` } }),
          change(
            "can be executed, or no longer",
            { ...others, [path]: { ...file, executable: !file.executable } },
            (step) => reads(step) && !(step.kind === "copy" && step.chmod !== undefined),
          ),
        ];
  return isNamed ? own : [...own, ...gone];
}

function additions(model: ContextModel, directory: string): readonly Change[] {
  const path = `${directory}/new`;
  const file = { kind: "file", text: "new", executable: false } as const;
  return [
    {
      what: `${path} is new`,
      model: { ...model, files: { ...model.files, [path]: file } },
      concerns: readsPath(path),
    },
  ];
}

/** The instruction itself is written otherwise. */
function editsOf(
  model: ContextModel,
  step: StepModel,
  { stage, index, chmod }: { readonly stage: number; readonly index: number; readonly chmod: boolean },
): readonly Change[] {
  return editedSteps(step, chmod).map((other) => ({
    what: `step ${index} of stage ${stage} is ${JSON.stringify(other)}`,
    model: {
      ...model,
      stages: model.stages.with(stage, model.stages[stage]?.with(index, other) ?? []),
    },
    concerns: (_, at) => at.stage === stage && at.index === index,
  }));
}

function editedSteps(step: StepModel, chmod: boolean): readonly StepModel[] {
  switch (step.kind) {
    case "copy":
      return [
        { ...step, target: `${step.target}-` },
        ...(chmod ? [{ ...step, chmod: step.chmod === "700" ? "755" : "700" }] : []),
        { ...step, source: step.source === "a" ? "b" : "a" },
      ];
    case "text":
      return [
        { ...step, target: `${step.target}-` },
        { ...step, text: `${step.text}.` },
      ];
    case "argument":
      return [{ ...step, source: step.source === "a" ? "b" : "a" }];
    case "run":
      return [{ ...step, command: `${step.command} more` }];
    case "stage":
      return [];
  }
}

/** What decides steps without being written in the context, and what decides nothing. */
function surroundings(model: ContextModel): readonly Change[] {
  const around = (what: string, circumstances: Partial<Circumstances>, concerns: Change["concerns"]): Change => ({
    ...{ what, model, circumstances, concerns },
  });
  const nothing = (): boolean => false;
  const unread = { kind: "file", text: "unread", executable: false } as const;
  return [
    around("RUN has another container", { container: "sha256:other" }, ({ kind }) => kind === "run"),
    around("it is for another processor", { architecture: "arm64" }, () => true),
    around("nothing", {}, nothing),
    around("files are made in another order", { reversed: true }, nothing),
    around("files are older", { time: 1 }, nothing),
    around("files were made with another umask", { umask: 0o027 }, nothing),
    around("files were made with no umask", { umask: 0 }, nothing),
    around("it is elsewhere", { elsewhere: true }, nothing),
    { what: "another comment", model: { ...model, comments: model.comments + 1 }, concerns: nothing },
    { what: "another launch", model: { ...model, launch: "echo other" }, concerns: nothing },
    {
      what: "a file that no step reads",
      model: { ...model, files: { ...model.files, "unread/file": unread } },
      concerns: nothing,
    },
  ];
}

function readsPath(path: string): (step: StepModel) => boolean {
  return (step) => {
    if (step.kind !== "copy" && step.kind !== "argument") return false;
    return path === step.source || path.startsWith(`${step.source}/`);
  };
}
