import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { formatReference } from "../../../src/oci/reference.ts";
import {
  parseDuration,
  parseInsecure,
  parseKeyValues,
  parseMirrors,
  parseNewName,
  parseOutput,
  parseTarget,
} from "../../../src/platform/input-values.ts";

describe("durations", () => {
  test.each([
    ["500ms", 500],
    ["0s", 0],
    ["20s", 20_000],
    ["1.5s", 1_500],
    ["10m", 600_000],
    ["2h", 7_200_000],
    ["1h30m", 5_400_000],
    ["1m30s250ms", 90_250],
    ["14d", 1_209_600_000],
  ])("%s is %i milliseconds", (text, milliseconds) => {
    expect(parseDuration(text, "--timeout")).toBe(milliseconds);
  });

  test.each(["", "20", "s", "-5s", "+5s", "5 s", "5S", "5w", "1h 30m", "1,5s", "1e3s", "0x5s", "5s!", "Infinitys"])(
    "%j is none",
    (text) => {
      expect(() => parseDuration(text, "--timeout")).toThrow(`--timeout ${JSON.stringify(text)} is not a duration`);
    },
  );

  test("of any text is milliseconds or a refusal", () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(..."0159.msh -e") }), (text) => {
        let parsed = 0;
        try {
          parsed = parseDuration(text, "--timeout");
        } catch (error) {
          expect(error).toMatchObject({ code: "USAGE" });
        }
        expect(parsed).toBeGreaterThanOrEqual(0);
      }),
    );
  });
});

describe("names and values", () => {
  test("are split at the first =; the last of one name wins; a value may be empty", () => {
    expect([...parseKeyValues(["A=1", "B=x=y", "C=", "A=2"], "--build-arg")]).toEqual([
      ["A", "2"],
      ["B", "x=y"],
      ["C", ""],
    ]);
  });
});

describe("mirrors", () => {
  test("are registries with an address; docker.io has several names", () => {
    const mirrors = parseMirrors([
      "index.docker.io=https://mirror.example/hub",
      "Registry.Example:5000=http://127.0.0.1:80",
    ]);
    expect([...mirrors].map(([host, url]) => `${host} ${url.href}`)).toEqual([
      "docker.io https://mirror.example/hub",
      "registry.example:5000 http://127.0.0.1/",
    ]);
  });

  test.each([
    "docker.io=ftp://mirror.example",
    "docker.io=file:///etc/passwd",
    "docker.io=//mirror.example",
    "a b=https://c",
  ])("%s is none", (word) => {
    expect(() => parseMirrors([word])).toThrow(`--mirror ${word} is not HOST=URL`);
  });
});

test("insecure registries are hosts in one spelling", () => {
  expect([...parseInsecure(["Registry.Local:5000", "localhost"])]).toEqual(["registry.local:5000", "localhost"]);
});

describe("outputs", () => {
  test.each([
    ["type=oci,dest=shop.tar", "/project/shop.tar"],
    ["dest=../shop.tar,type=oci", "/shop.tar"],
    ["type=oci,dest=/tmp/a=b.tar", "/tmp/a=b.tar"],
  ])("%s is written to %s", (text, destination) => {
    expect(parseOutput(text, "/project")).toEqual({ type: "oci", destination });
  });
});

test("a target has a name and a tag", () => {
  expect(formatReference(parseTarget("shop"))).toBe("docker.io/library/shop:latest");
  expect(formatReference(parseTarget("registry.example:5000/team/shop:1.0"))).toBe(
    "registry.example:5000/team/shop:1.0",
  );
});

describe("new names", () => {
  const source = { host: "registry.example", path: "team/shop" };

  test.each([
    ["edge", "registry.example/team/shop:edge"],
    [":edge", "registry.example/team/shop:edge"],
    ["1.4.2", "registry.example/team/shop:1.4.2"],
    ["registry.example/released/shop:1.4", "registry.example/released/shop:1.4"],
    ["registry.example/released/shop", "registry.example/released/shop:latest"],
    ["localhost:5000/shop:1", "localhost:5000/shop:1"],
    ["shop:1", "docker.io/library/shop:1"],
  ])("%s is %s", (text, expected) => {
    expect(formatReference(parseNewName(text, source))).toBe(expected);
  });

  test.each([
    ["-edge", '"-edge" is not a tag'],
    ["", '"" is not a tag'],
    [":a b", '":a b" is not a tag'],
    [`edge@sha256:${"0".repeat(64)}`, "names a digest, which cannot be chosen"],
  ])("%j is refused", (text, message) => {
    expect(() => parseNewName(text, source)).toThrow(message);
  });
});
