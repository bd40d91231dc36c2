import { KubefileError, type Location } from "../error.ts";
import type { BaseImage, BaseLaunch } from "../image/base-image.ts";
import type { Stage } from "../kubefile/instruction.ts";
import { formatReference } from "../oci/reference.ts";
import { imageReference } from "./image-reference.ts";
import type { DeclaredApp, PlannedLaunch } from "./planned-launch.ts";
import type { Scope } from "./scope.ts";
import type { PlannedStage, StageBase } from "./stage.ts";
import { type NeededStage, plannedPosition } from "./stage-graph.ts";

/** A stage, and what it hands on to the stage or the image that is made from it. */
export interface StageResult extends Inherited {
  readonly planned: PlannedStage;
}

/** What FROM takes over from a stage. */
export interface Inherited {
  readonly env: Readonly<Record<string, string>>;
  readonly labels: Readonly<Record<string, string>>;
  readonly apps: ReadonlyMap<string, DeclaredApp>;
  /** Absent when nothing is started. */
  readonly launch?: PlannedLaunch;
  readonly maintainer?: string;
  readonly kubeVersion?: string;
  readonly kubeVersionAt?: Location;
  /** The image at the bottom. */
  readonly base?: BaseImage;
}

export interface StageContext {
  readonly file: string;
  /** All of the file. */
  readonly stages: readonly Stage[];
  readonly needed: readonly NeededStage[];
  /** Of the needed stages before this one. */
  readonly results: readonly StageResult[];
  /** As it is before the first FROM. */
  readonly scope: Scope;
  readonly baseRegistry: string | undefined;
  /** By reference in full. */
  readonly bases: ReadonlyMap<string, BaseImage>;
}

/** What a stage starts with, as its FROM says. */
export function startStage(
  { image, base }: NeededStage,
  { needed, results, bases, baseRegistry }: StageContext,
  where: Location,
): { readonly base: StageBase; readonly inherited: Inherited } {
  if (base !== undefined) {
    const stage = plannedPosition(needed, base);
    const result = results[stage];
    if (result === undefined) throw new KubefileError("INTERNAL", `stage ${base} is not planned`, { where });
    return { base: { kind: "stage", stage }, inherited: result };
  }
  if (image === "scratch") return { base: { kind: "scratch" }, inherited: { env: {}, labels: {}, apps: new Map() } };
  const reference = formatReference(imageReference(image, baseRegistry, where));
  const found = bases.get(reference);
  if (found === undefined) throw new KubefileError("INTERNAL", `${reference} was not looked at`, { where });
  return { base: { kind: "image", image: found }, inherited: fromImage(found, where) };
}

/** What a base image hands on; where messages need a place, it is that of the FROM. */
function fromImage(image: BaseImage, where: Location): Inherited {
  const { env, labels, maintainer, kubernetesVersion, launch } = image;
  const apps = image.apps.map(({ name, kind, env, command }): DeclaredApp => {
    return {
      ...{ name, kind, env },
      directory: appDirectory(name),
      ...(command === undefined ? {} : { command: { text: command, where } }),
    };
  });
  return {
    ...{ env, labels, base: image },
    apps: new Map(apps.map((app) => [app.name, app])),
    ...(maintainer === undefined ? {} : { maintainer }),
    ...(kubernetesVersion === undefined ? {} : { kubeVersion: kubernetesVersion, kubeVersionAt: where }),
    ...(launch === undefined ? {} : { launch: plannedLaunch(launch, where) }),
  };
}

function plannedLaunch(launch: BaseLaunch, where: Location): PlannedLaunch {
  return launch.kind === "apps"
    ? { ...launch, where }
    : { kind: "commands", commands: launch.commands.map((text) => ({ text, where })) };
}

/** Where the files of an application are, relative to the rootfs. */
export function appDirectory(name: string): string {
  return `application/apps/${name}`;
}
