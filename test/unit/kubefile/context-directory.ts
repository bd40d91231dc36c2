import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { type ContextFiles, directoryContext } from "../../../src/kubefile/context-files.ts";

/** A build context made of real files: `etc/a.yaml`, `empty/`, `link -> target`. */
export function createContext(entries: readonly string[]): ContextFiles & Disposable {
  const { path, ...disposable } = contextDirectory(entries);
  return { ...directoryContext(path), ...disposable };
}

export function contextDirectory(entries: readonly string[]): Disposable & { readonly path: string } {
  const root = mkdtempSync(join(tmpdir(), "kubefile-context-"));
  for (const entry of entries) {
    const [path = "", target] = entry.split(" -> ");
    mkdirSync(join(root, entry.endsWith("/") ? path : dirname(path)), { recursive: true });
    if (target !== undefined) symlinkSync(target, join(root, path));
    else if (!entry.endsWith("/")) writeFileSync(join(root, path), `${path}\n`);
  }
  return { path: root, [Symbol.dispose]: () => rmSync(root, { recursive: true }) };
}
