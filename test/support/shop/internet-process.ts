// Plays the internet until SIGTERM, for scripts. Usage: internet-process DIRECTORY [NODE_IMAGE]
// Writes into DIRECTORY: `mirrors` (NAME=URL a line, as --mirror takes it), `destination` (HOST:PORT of one more, empty
// registry to push to), `images` (REFERENCE DIGEST a line), and last `ready`.
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { startDockerRegistry } from "../docker-registry.ts";
import { startInternet } from "./internet.ts";

const [directory, nodeImage] = process.argv.slice(2);
if (directory === undefined) throw new Error("which directory?");

const destination = await startDockerRegistry();
const internet = await startInternet(nodeImage === undefined ? {} : { nodeImage });
const lines = (items: readonly string[]): string => items.map((item) => `${item}\n`).join("");
await writeFile(join(directory, "mirrors"), lines(Object.entries(internet.mirrors).map((pair) => pair.join("="))));
await writeFile(join(directory, "destination"), lines([destination.host]));
await writeFile(join(directory, "images"), lines(internet.images.map((image) => `${image.reference} ${image.digest}`)));
await writeFile(join(directory, "ready"), "");

const stop = async (): Promise<void> => {
  await Promise.all([internet.stop(), destination.stop()]);
};
for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const) {
  process.once(signal, () => {
    stop().then(
      () => process.exit(0),
      (error: unknown) => {
        console.error(error);
        process.exit(1);
      },
    );
  });
}
