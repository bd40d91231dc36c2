import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";

/** Writes files into a directory, by their path below it. */
export async function writeContext(directory: string, files: Readonly<Record<string, string>>): Promise<string> {
  for (const [path, content] of Object.entries(files)) {
    const file = join(directory, path);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, content);
  }
  return directory;
}

/** A Pod that does nothing for ever, as YAML. */
export function podManifest(name: string, image: string, more = ""): string {
  return [
    "apiVersion: v1",
    "kind: Pod",
    "metadata:",
    `  name: ${name}`,
    "  namespace: default",
    "spec:",
    "  terminationGracePeriodSeconds: 0",
    "  containers:",
    "    - name: app",
    `      image: ${image}`,
    more,
    "",
  ].join("\n");
}
