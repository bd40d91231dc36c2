import { readFile, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parse, stringify } from "yaml";
import { errorMessage, KubefileError } from "../error.ts";
import { isRecord, type JsonRecord } from "../oci/json-record.ts";
import { resolveInside } from "../rootfs/contained-path.ts";

/** Values for a chart of the rootfs, as `helm --values` would take them. */
export interface ChartValues {
  /** The chart's directory in the rootfs, or the name of its APP or of its directory below `charts/`. */
  readonly chart: string;
  /** Absolute path of a YAML file on this machine. */
  readonly file: string;
}

/**
 * Merges values into a chart of a throw-away copy of the rootfs: whatever command the launch uses to install the chart,
 * they are its defaults.
 *
 * @throws KubefileError USAGE when there is no such chart, or the file holds no values
 */
export async function applyValues(root: string, { chart, file }: ChartValues): Promise<void> {
  const directory = await chartDirectory(root, chart);
  const given = readValues(
    await readFile(file, "utf8").catch((error: unknown) => {
      throw new KubefileError("USAGE", `the values ${file} cannot be read: ${errorMessage(error)}`, { cause: error });
    }),
    file,
  );
  const path = join(root, await resolveInside(root, `${directory}/values.yaml`, "rootfs"));
  const own = await readFile(path, "utf8").catch(() => "");
  const merged = mergeValues(readValues(own, `${directory}/values.yaml`), given);
  await rm(path, { force: true });
  await writeFile(path, stringify(merged), { flag: "wx" });
}

/** As helm merges: maps key by key, everything else as a whole, and null takes a key away. */
export function mergeValues(below: JsonRecord, above: JsonRecord): JsonRecord {
  const merged = new Map(Object.entries(below));
  for (const [key, value] of Object.entries(above)) {
    const before = merged.get(key);
    if (value === null) merged.delete(key);
    else merged.set(key, isRecord(value) && isRecord(before) ? mergeValues(before, value) : value);
  }
  return Object.fromEntries(merged);
}

async function chartDirectory(root: string, chart: string): Promise<string> {
  for (const candidate of [chart, `application/apps/${chart}`, `charts/${chart}`]) {
    const resolved = await resolveInside(root, `${candidate}/Chart.yaml`, "rootfs");
    const found = await stat(join(root, resolved)).catch(() => undefined);
    if (found?.isFile() === true) return candidate;
  }
  throw new KubefileError("USAGE", `the rootfs has no chart ${JSON.stringify(chart)}`, {
    hint: "name its APP, its directory below charts/, or its whole path in the rootfs; a packed chart (.tgz) cannot be changed",
  });
}

function readValues(text: string, file: string): JsonRecord {
  let values: unknown;
  try {
    values = parse(text, { maxAliasCount: 100 }) ?? {};
  } catch (error) {
    throw new KubefileError("USAGE", `${file} is not YAML: ${errorMessage(error)}`, {
      hint: "check the indentation and the quotes",
      cause: error,
    });
  }
  if (isRecord(values)) return values;
  throw new KubefileError("USAGE", `${file} holds no values`, { hint: "its outermost level must be a mapping" });
}
