import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type CommandHome, commandHome, leftovers } from "../../support/kubefile-command.ts";
import { writeContext } from "../shop/context.ts";

let home: CommandHome;
beforeAll(async () => {
  home = await commandHome();
});
afterAll(() => home?.remove());

test.each([
  ["soon", [], 2, "KUBEFILE_INVALID", "KUBEVERSION soon is neither a version nor a range of versions"],
  [">=1.19 <1.20", [], 3, "NODE_IMAGE_MISSING", "no node image of Kubernetes >=1.19 <1.20 is here or known"],
  ["1.33", ["--node-image", "kindest/node:v1.34.4"], 3, "NODE_IMAGE_MISSING", "contradict each other"],
])("KUBEVERSION %s %j ends the build with the line to blame", async (version, flags, exitCode, code, message) => {
  const context = await writeContext(join(home.directory, "context"), {
    Kubefile: `FROM scratch\nKUBEVERSION ${version}\nCMD kubectl get nodes\n`,
  });
  const result = await home.kubefile(["build", "--store", home.store, ...flags, context]);
  expect(result.exitCode).toBe(exitCode);
  const told = result.stderr.slice(result.stderr.indexOf("error["));
  expect(told).toMatch(new RegExp(`^error\\[${code}\\]: \\S*Kubefile:2:1: `));
  expect(told).toContain(message);
  expect(told).toContain("\n  hint: ");
  expect(await leftovers(home, result.runIds)).toEqual([]);
});
