import { readdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { defineConfig, type Plugin } from "rolldown";
import { parse } from "yaml";

const root = import.meta.dirname;

/** What the actions run, and the command, which `actions/setup` puts on PATH. */
function entries(): Record<string, string> {
  const files = readdirSync(join(root, "actions")).map((name) => join("actions", name, "action.yml"));
  const programs = ["action.yml", ...files].flatMap((file) => {
    const { main, post }: { main: string; post?: string } = parse(readFileSync(join(root, file), "utf8")).runs;
    return [main, ...(post === undefined ? [] : [post])].map((path) => basename(path, ".js"));
  });
  const actions = [...new Set(programs)].sort().map((name) => [name, `src/actions/${name}.ts`]);
  return { ...Object.fromEntries(actions), kubefile: "src/cli/kubefile.ts" };
}

/** Licences ask to go where the code goes. */
const licences: Plugin = {
  name: "licences",
  generateBundle(_options, bundle) {
    const modules = Object.values(bundle).flatMap((output) => (output.type === "chunk" ? output.moduleIds : []));
    const folders = modules.flatMap((id) => /^.*\/node_modules\/(?:@[^/]+\/)?[^/]+(?=\/)/.exec(id) ?? []);
    const texts = [...new Set(folders)].sort().map((folder) => {
      const { name, version, license } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
      const file = readdirSync(folder).find((each) => /^licen[cs]e/i.test(each));
      const text = file === undefined ? "" : `\n${readFileSync(join(folder, file), "utf8").trim()}\n`;
      return `${name} ${version}, ${license}\n${text}`;
    });
    this.emitFile({ type: "asset", fileName: "licences.txt", source: texts.join("\n---\n\n") });
  },
};

// Chunks stand as deep below the root as src/ and lib/ do: files that are read at run time are found from all three.
export default defineConfig({
  cwd: root,
  input: entries(),
  platform: "node",
  transform: { target: "node20" },
  plugins: [licences],
  output: {
    dir: "dist",
    format: "esm",
    minify: true,
    cleanDir: true,
    comments: { legal: false },
    entryFileNames: "[name].js",
    chunkFileNames: "chunks/[name]-[hash].js",
  },
});
