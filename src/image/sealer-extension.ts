import { KubefileError } from "../error.ts";
import { textsOfRecord } from "../oci/json-record.ts";
import type { BaseApp, BaseImage, BaseLaunch } from "./base-image.ts";
import { CNI_LABEL, CSI_LABEL } from "./sealer-labels.ts";

/** sealer's annotation of an image's manifest: what it starts, as JSON (sealer's `ImageExtension`). */
const EXTENSION = "sealer.image.extension";

/** Whether sealer has built the image of a manifest. */
export function isSealerImage(annotations: Readonly<Record<string, string>>): boolean {
  return Object.hasOwn(annotations, EXTENSION);
}

/**
 * Environment, applications and launch of an image that sealer has built; of any other image its environment alone.
 *
 * @throws KubefileError ARTIFACT_INVALID for an annotation that cannot be read
 */
export function readSealerExtension(
  annotations: Readonly<Record<string, string>>,
  image: {
    readonly env: Readonly<Record<string, string>>;
    readonly labels: Readonly<Record<string, string>>;
    readonly name: string;
  },
): Pick<BaseImage, "env" | "apps" | "launch"> {
  const text = annotations[EXTENSION];
  if (text === undefined) return { env: image.env, apps: [] };
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw new KubefileError("ARTIFACT_INVALID", `the annotation ${EXTENSION} of ${image.name} is not JSON`, {
      cause: error,
    });
  }
  const extension = recordOf(json);
  const launch = readLaunch(extension.launch);
  return {
    env: { ...image.env, ...textsOfRecord(extension.env) },
    apps: listOf(extension.applications).flatMap((value) => readApp(value, image.labels)),
    ...(launch === undefined ? {} : { launch }),
  };
}

function readApp(value: unknown, labels: Readonly<Record<string, string>>): readonly BaseApp[] {
  const { name, env, cmds } = recordOf(value);
  if (typeof name !== "string" || !/^[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?$/.test(name)) return [];
  const hasLabel = (prefix: string): boolean => Object.hasOwn(labels, `${prefix}${name}`);
  const kind = hasLabel(CNI_LABEL) ? "cni" : hasLabel(CSI_LABEL) ? "csi" : "app";
  // APPCMDS of sealer is one command whose words it joins by spaces.
  const command = wordsOf(cmds).join(" ");
  return [{ name, kind, env: textsOfRecord(env), ...(command === "" ? {} : { command }) }];
}

/** Commands win over applications, as in sealer. */
function readLaunch(value: unknown): BaseLaunch | undefined {
  const { cmds, app_names: appNames } = recordOf(value);
  const commands = wordsOf(cmds);
  if (commands.length > 0) return { kind: "commands", commands };
  const names = wordsOf(appNames);
  return names.length > 0 ? { kind: "apps", names } : undefined;
}

function wordsOf(value: unknown): readonly string[] {
  return listOf(value).filter((item): item is string => typeof item === "string" && item.trim() !== "");
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function recordOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? { ...value } : {};
}
