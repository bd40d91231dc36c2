import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

/** Vitest's global set-up of the end-to-end tests: engine, node image, tools image, the tools first on PATH. */
export default async function setup(): Promise<void> {
  const prepare = spawn(script("prepare"), { stdio: ["ignore", "inherit", "inherit"] });
  const [code] = await once(prepare, "exit");
  if (code !== 0) throw new Error("this machine lacks what the end-to-end tests need; see the lines above");
  const { stdout } = await promisify(execFile)(script("tools"));
  process.env.PATH = `${stdout.trim()}:${process.env.PATH ?? ""}`;
}

function script(name: string): string {
  return fileURLToPath(new URL(name, import.meta.url));
}
