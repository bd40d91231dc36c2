import { expect, test } from "vitest";
import { buildInProcess } from "../../support/build-in-process.ts";
import { temporaryDirectories } from "../../support/temporary-directory.ts";

const createDirectory = temporaryDirectories();

/** Builds a context of these files and lists what the rootfs layers of the archive hold. */
async function built(files: Readonly<Record<string, string>>): Promise<string[]> {
  const { layers } = await buildInProcess({ directory: await createDirectory(), files });
  return layers.flat();
}

const configMap = "apiVersion: v1\nkind: ConfigMap\nmetadata: { name: shop }\n";
const files = {
  Kubefile: "FROM scratch\nCOPY . .\nAPP shop local://shop/\nLAUNCH shop\n",
  "kubefile.yaml": "",
  "shop/shop.yaml": configMap,
  "shop/notes.md": "",
  "docs/a.md": "",
  "docs/LICENSE.md": "",
};

test("a build leaves out what the ignore file names, itself and the Kubefile too", async () => {
  const lines = ["Kubefile", "kubefile.yaml", ".kubefileignore", "docs", "**/*.md", "!docs/LICENSE.md"];
  expect(await built({ ...files, ".kubefileignore": lines.join("\r\n") })).toEqual([
    ...["docs/", "docs/LICENSE.md", "shop/", "shop/shop.yaml"],
    ...["application/", "application/apps/", "application/apps/shop/", "application/apps/shop/shop.yaml"],
  ]);
});

test("a build without .kubefileignore obeys .dockerignore", async () => {
  expect(await built({ ...files, ".dockerignore": "*\n!shop/*.yaml\n" })).toEqual([
    ...["shop/", "shop/shop.yaml"],
    ...["application/", "application/apps/", "application/apps/shop/", "application/apps/shop/shop.yaml"],
  ]);
});

test("a build that copies what is ignored names the line", async () => {
  await expect(built({ ...files, ".kubefileignore": "# all\nshop\n" })).rejects.toMatchObject({
    code: "KUBEFILE_INVALID",
    message: expect.stringContaining(".kubefileignore:2 leaves it out (shop); write !shop below that line to keep it"),
  });
});

test("a build stops at an ignore file that cannot be read", async () => {
  await expect(built({ ...files, ".kubefileignore": "a\n[b\n" })).rejects.toMatchObject({
    code: "KUBEFILE_INVALID",
    where: { file: ".kubefileignore", line: 2 },
  });
});
