import { describe, expect, it } from "vitest";
import { parseImageBuilds } from "../../../src/builders/parse-image-build.ts";
import { KubefileError } from "../../../src/error.ts";

const place = { directory: "/work/deploy", within: "/work" };
const example =
  "write --build-image ref=REGISTRY/NAME:TAG,context=DIRECTORY[,file=DOCKERFILE][,target=STAGE][,arg.NAME=VALUE]";

function refusal(...texts: string[]): readonly (string | undefined)[] {
  try {
    return [JSON.stringify(parseImageBuilds(texts, place))];
  } catch (error) {
    return error instanceof KubefileError ? [error.message, error.hint] : [String(error)];
  }
}

describe("--build-image", () => {
  it("names an image and what it is built from", () => {
    expect(parseImageBuilds(["ref=registry.example/shop/web:dev,context=../web"], place)).toEqual([
      {
        reference: { host: "registry.example", path: "shop/web", tag: "dev" },
        ...{ context: "/work/web", dockerfile: "Dockerfile", shown: "../web/Dockerfile" },
        ...{ target: undefined, arguments: new Map() },
      },
    ]);
  });

  it("takes a file, a stage and arguments in any order", () => {
    const text = "arg.URL=a=b,target=production,file=./docker/web,context=.,ref=web,arg.EMPTY=";
    expect(parseImageBuilds([text], place)).toMatchObject([
      {
        reference: { host: "docker.io", path: "library/web", tag: "latest" },
        ...{ context: "/work/deploy", dockerfile: "docker/web", shown: "docker/web", target: "production" },
        arguments: new Map([
          ["URL", "a=b"],
          ["EMPTY", ""],
        ]),
      },
    ]);
  });

  it.each([
    ["web", '"web" is not NAME=VALUE', example],
    ["ref=web", "it has no context", example],
    ["context=web", "it has no ref", example],
    ["ref=web,context=", "it has no context", example],
    ["ref=web,contex=web", 'there is no "contex"', expect.stringContaining("context")],
    ["ref=web,ref=web,context=web", "ref stands here twice", example],
    ["ref=web,context=web,arg.A=1,arg.A=2", "arg.A stands here twice", example],
    ["ref=web,context=web,arg.=1", '"" is not the name of an ARG', example],
    ["ref=web,context=web,arg.A B=1", '"A B" is not the name of an ARG', example],
    [
      `ref=web@sha256:${"a".repeat(64)},context=web`,
      "its ref names a digest, which is known only when the image is built",
      example,
    ],
    [
      "ref=web,context=../../etc",
      "its context ../../etc is outside of /work",
      "a file of the project can name its own directories alone",
    ],
    [
      "ref=web,context=/work2",
      "its context /work2 is outside of /work",
      "a file of the project can name its own directories alone",
    ],
    [
      "ref=web,context=web,file=../Dockerfile",
      "its file ../Dockerfile is outside of its context",
      "name the Dockerfile by its path in the context",
    ],
  ])("%s", (text, why, hint) => {
    expect(refusal(text)).toEqual([`--build-image ${JSON.stringify(text)}: ${why}`, hint]);
  });

  it("tells all that is wrong, and of names that are given twice", () => {
    const [message] = refusal("web", "ref=one:1,context=a", "ref=docker.io/library/one:1,context=b", "ref=x");
    expect(message?.split("\n")).toHaveLength(3);
    expect(message).toContain("two of --build-image build docker.io/library/one:1");
  });

  it("lets a flag name what it likes", () => {
    expect(parseImageBuilds(["ref=web,context=/elsewhere"], { directory: "/work" })).toMatchObject([
      { context: "/elsewhere", shown: "/elsewhere/Dockerfile" },
    ]);
  });
});
