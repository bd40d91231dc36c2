import { expect, test } from "vitest";
import { buildInProcess } from "../../support/build-in-process.ts";
import { temporaryDirectories } from "../../support/temporary-directory.ts";

const createDirectory = temporaryDirectories();

const manifest = "apiVersion: v1\nkind: ConfigMap\nmetadata: { name: shop }\n";

test("stages hand on their files, layers and launch, and only what is needed is built", async () => {
  const { image, layers, readText } = await buildInProcess({
    directory: await createDirectory(),
    files: {
      "app.yaml": manifest,
      Kubefile: [
        ...["FROM scratch AS tools", "RUN mkdir bin && echo tool > bin/tool && ln -s tool bin/alias"],
        ...["FROM scratch AS unused", "RUN exit 1"],
        ...["FROM scratch AS base", "ENV MODE=fast", "COPY app.yaml manifests/", "LABEL from=base"],
        ...['CMD ["kubectl apply -f manifests/app.yaml"]'],
        ...["FROM base", "RUN rm manifests/app.yaml && mkdir -p manifests && echo 'kind: x' > manifests/b.yaml"],
        ...["COPY --from=tools /bin bin", "COPY --from=0 bin/tool copied", "RUN echo $MODE > mode"],
      ].join("\n"),
    },
  });
  expect(layers).toEqual([
    ["manifests/", "manifests/app.yaml"],
    ["manifests/", "manifests/.wh.app.yaml", "manifests/b.yaml"],
    ["bin/", "bin/alias", "bin/tool"],
    ["copied"],
    ["mode"],
  ]);
  expect(readText("mode")).toBe("fast\n");
  expect(image.config).toMatchObject({
    env: { MODE: "fast" },
    labels: { from: "base" },
    launch: { commands: [{ command: "kubectl apply -f manifests/app.yaml", source: "Kubefile:9" }] },
  });
});

test("a source that a stage does not have is told with the nearest that it has", async () => {
  const files = { Kubefile: "FROM scratch AS a\nRUN echo > file\nFROM scratch\nCOPY --from=a flie x\nCMD true" };
  await expect(buildInProcess({ directory: await createDirectory(), files })).rejects.toMatchObject({
    code: "SOURCE_MISSING",
    message: 'the source "flie" is not in the rootfs of stage a',
    hint: 'did you mean "file"?',
    where: { file: "Kubefile", line: 4 },
  });
});

test("here-documents become files", async () => {
  const { readText, layers } = await buildInProcess({
    directory: await createDirectory(),
    files: {
      Kubefile: [
        ...["FROM scratch", "ARG NAME=shop", "COPY <<EOF manifests/$NAME.yaml", manifest.trim(), "# ${NAME}", "EOF"],
        ...["COPY --chmod=0755 <<-'run.sh' <<b.sh scripts/", "\techo $NAME", "\trun.sh", "b", "b.sh"],
        ...["CMD kubectl apply -f manifests/shop.yaml"],
      ].join("\n"),
    },
  });
  expect(layers).toEqual([
    ["manifests/", "manifests/shop.yaml"],
    ["scripts/", "scripts/b.sh", "scripts/run.sh"],
  ]);
  expect(readText("manifests/shop.yaml")).toBe(`${manifest}# shop\n`);
  expect(readText("scripts/run.sh")).toBe("echo $NAME\n");
});

test("a here-document of RUN is run by what its first line names, and its exit code counts", async () => {
  const kubefile = (script: readonly string[]): Readonly<Record<string, string>> => ({
    Kubefile: ["FROM scratch", "ENV X=1", "RUN <<'EOF'", ...script, "EOF", "CMD true"].join("\n"),
  });
  const { layers, readText } = await buildInProcess({
    directory: await createDirectory(),
    files: kubefile(["#!/usr/bin/env node", "require('fs').writeFileSync('out', process.env.X + \"'\")"]),
  });
  expect(layers).toEqual([["out"]]);
  expect(readText("out")).toBe("1'");
  await expect(
    buildInProcess({
      directory: await createDirectory(),
      files: kubefile(["#!/usr/bin/env node", "console.error('broken'); process.exit(7)"]),
    }),
  ).rejects.toMatchObject({
    code: "RUN_FAILED",
    message: expect.stringContaining("exit code 7:\nbroken"),
    where: { line: 3 },
  });
});
