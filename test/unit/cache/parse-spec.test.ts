import { describe, expect, it } from "vitest";
import { type CacheFlag, parseCacheSpecs } from "../../../src/cache/parse-spec.ts";
import { KubefileError } from "../../../src/error.ts";

function parse(text: string, flag: CacheFlag = "--cache-from") {
  return parseCacheSpecs([text], flag, "/work")[0];
}

function refusal(texts: readonly string[], flag: CacheFlag = "--cache-from"): readonly (string | undefined)[] {
  try {
    return [JSON.stringify(parseCacheSpecs(texts, flag, "/work"))];
  } catch (error) {
    return error instanceof KubefileError ? [`${error.code}: ${error.message}`, error.hint] : [String(error)];
  }
}

describe("--cache-from and --cache-to", () => {
  it.each([
    ["type=registry,ref=registry.example/shop/cache", { host: "registry.example", path: "shop/cache" }, "cache"],
    ["prefix=shop.v1,type=registry,ref=localhost:5000/cache", { host: "localhost:5000", path: "cache" }, "shop.v1"],
    ["type=registry,ref=cache", { host: "docker.io", path: "library/cache" }, "cache"],
  ])("%s", (written, repository, prefix) => {
    expect(parse(written)).toEqual({ type: "registry", repository, prefix, written });
  });

  it("knows directories and GitHub's cache", () => {
    expect(parse("type=local,src=cache/of=mine")).toMatchObject({ type: "local", directory: "/work/cache/of=mine" });
    expect(parse("type=local,dest=/var/cache", "--cache-to")).toMatchObject({ directory: "/var/cache" });
    expect(parse("type=gha")).toEqual({ type: "gha", prefix: "cache", written: "type=gha" });
    expect(parse("type=gha,prefix=shop")).toMatchObject({ prefix: "shop" });
  });

  it.each<[string, CacheFlag, string, string]>([
    [
      "registry.example/cache",
      "--cache-from",
      '"registry.example/cache" is not NAME=VALUE',
      "write --cache-from type=registry,ref=REGISTRY/NAME[,prefix=NAME], or type=local,src=DIRECTORY, or type=gha[,prefix=NAME]",
    ],
    ["ref=registry.example/cache", "--cache-to", "it has no type", "the types are registry, local, gha"],
    ["type=regsitry,ref=a/b", "--cache-from", 'there is no type "regsitry"', 'did you mean "registry"?'],
    ["type=s3,bucket=b", "--cache-from", 'there is no type "s3"', "the types are registry, local, gha"],
    [
      "type=registry",
      "--cache-from",
      "it has no ref",
      "write --cache-from type=registry,ref=REGISTRY/NAME[,prefix=NAME]",
    ],
    [
      "type=registry,ref=",
      "--cache-from",
      "it has no ref",
      "write --cache-from type=registry,ref=REGISTRY/NAME[,prefix=NAME]",
    ],
    ["type=registry,reff=a.b/c", "--cache-from", 'type=registry has no "reff"', 'did you mean "ref"?'],
    ["type=local,dest=a", "--cache-from", 'type=local has no "dest"', "write --cache-from type=local,src=DIRECTORY"],
    ["type=local,src=a", "--cache-to", 'type=local has no "src"', "write --cache-to type=local,dest=DIRECTORY"],
    ["type=gha,scope=main", "--cache-to", 'type=gha has no "scope"', "write --cache-to type=gha[,prefix=NAME]"],
    ["type=gha,type=gha", "--cache-to", "type stands here twice", expect.stringContaining("write --cache-to ")],
    [
      "type=registry,ref=a.b/c:1",
      "--cache-to",
      "its ref names the tag 1; records have tags of their own",
      "write --cache-to type=registry,ref=REGISTRY/NAME[,prefix=NAME]",
    ],
    [
      "type=registry,ref=a.b/C",
      "--cache-to",
      expect.stringContaining('"a.b/C" is not an image reference'),
      expect.any(String),
    ],
    [
      `type=registry,ref=a.b/c@sha256:${"0".repeat(64)}`,
      "--cache-to",
      "its ref names a digest; a cache is a whole repository",
      expect.any(String),
    ],
    ["type=gha,prefix=a b", "--cache-to", expect.stringContaining("its prefix may have letters"), expect.any(String)],
    [`type=gha,prefix=${"a".repeat(60)}`, "--cache-to", "its prefix has more than 53 characters", expect.any(String)],
    [
      "type=gha,prefix=cache-Protected",
      "--cache-to",
      'its prefix ends in "-protected", which marks records of protected refs',
      expect.any(String),
    ],
  ])("refuses %s of %s", (text, flag, why, hint) => {
    const [message = "", told] = refusal([text], flag);
    const before = `USAGE: ${flag} ${JSON.stringify(text)}: `;
    expect(message.startsWith(before) ? message.slice(before.length) : message).toEqual(why);
    expect(told).toEqual(hint);
  });

  it("tells every problem at once", () => {
    expect(refusal(["type=gha", "type=x", "type=registry"])).toEqual([
      'USAGE: --cache-from "type=x": there is no type "x"\n  --cache-from "type=registry": it has no ref',
      "the types are registry, local, gha",
    ]);
  });
});
