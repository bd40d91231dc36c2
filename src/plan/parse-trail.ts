import { isRecord } from "../oci/json-record.ts";
import type { Trail, TrailLaunch, TrailStep } from "./trail.ts";

/** Reads a trail's JSON; undefined for anything else: then nothing is known of the last build. */
export function parseTrail(text: string): Trail | undefined {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (!isRecord(json) || json.schemaVersion !== 1 || !Array.isArray(json.steps)) return undefined;
  const steps = json.steps.filter(isStep);
  if (steps.length !== json.steps.length) return undefined;
  if (json.launch === undefined) return { schemaVersion: 1, steps };
  return isLaunch(json.launch) ? { schemaVersion: 1, steps, launch: json.launch } : undefined;
}

function isStep(value: unknown): value is TrailStep {
  return (
    isRecord(value) &&
    ["stage", "shown", "previous", "instruction"].every((name) => typeof value[name] === "string") &&
    Array.isArray(value.reads) &&
    value.reads.every(isStringMap) &&
    (value.base === undefined || isStringMap(value.base)) &&
    isStringMap(value.environment) &&
    (value.files === undefined || isStringMap(value.files)) &&
    (value.container === undefined || typeof value.container === "string")
  );
}

function isLaunch(value: unknown): value is TrailLaunch {
  return (
    isRecord(value) &&
    isStringMap(value.parts) &&
    isStringMap(value.env) &&
    (value.built === undefined || isStringMap(value.built))
  );
}

function isStringMap(value: unknown): value is Readonly<Record<string, string>> {
  return isRecord(value) && Object.values(value).every((entry) => typeof entry === "string");
}
