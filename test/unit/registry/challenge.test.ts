import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseChallenges } from "../../../src/registry/challenge.ts";

function read(header: string | readonly string[] | undefined): [string, Record<string, string>][] {
  return parseChallenges(header).map(({ scheme, parameters }) => [scheme, Object.fromEntries(parameters)]);
}

describe("parseChallenges", () => {
  it.each<[string, string | string[] | undefined, [string, Record<string, string>][]]>([
    ["nothing", undefined, []],
    ["an empty header", "", []],
    ["a bare scheme", "Negotiate", [["negotiate", {}]]],
    [
      "a token service",
      'Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="repository:library/nginx:pull"',
      [
        [
          "bearer",
          {
            realm: "https://auth.docker.io/token",
            service: "registry.docker.io",
            scope: "repository:library/nginx:pull",
          },
        ],
      ],
    ],
    [
      "a comma in quotes",
      'Bearer scope="repository:a:pull,push",realm="r"',
      [["bearer", { scope: "repository:a:pull,push", realm: "r" }]],
    ],
    ["an escaped quote", 'Basic realm="a \\"b\\", c\\\\"', [["basic", { realm: 'a "b", c\\' }]]],
    ["unquoted values", "Bearer realm=r, service=s", [["bearer", { realm: "r", service: "s" }]]],
    ["blanks around everything", ' Bearer  realm = "r" ,  service= "s" , ', [["bearer", { realm: "r", service: "s" }]]],
    ["tabs", 'Bearer\trealm="r"\t,\tservice="s"', [["bearer", { realm: "r", service: "s" }]]],
    [
      "two challenges in one header",
      'Basic realm="x", Bearer realm="https://r/token", service="s"',
      [
        ["basic", { realm: "x" }],
        ["bearer", { realm: "https://r/token", service: "s" }],
      ],
    ],
    [
      "two headers",
      ['Basic realm="x"', 'Bearer realm="y"'],
      [
        ["basic", { realm: "x" }],
        ["bearer", { realm: "y" }],
      ],
    ],
    [
      "a scheme with a token before another",
      'Negotiate abc==, Basic realm="x"',
      [
        ["negotiate", {}],
        ["basic", { realm: "x" }],
      ],
    ],
    ["upper case", 'BEARER REALM="R"', [["bearer", { realm: "R" }]]],
    ["a scheme's name inside quotes", 'Basic realm="Bearer realm=evil"', [["basic", { realm: "Bearer realm=evil" }]]],
    ["the same parameter twice", 'Bearer realm="first", realm="second"', [["bearer", { realm: "first" }]]],
    ["an unfinished quote", 'Bearer service="s", realm="https://r', [["bearer", { service: "s" }]]],
    ["a parameter without a scheme", '="x"', []],
    ["no parameter at all", "Bearer ,,, ", [["bearer", {}]]],
  ])("reads %s", (_what, header, expected) => {
    expect(read(header)).toEqual(expected);
  });

  it("reads back what RFC 9110 lets a server write", () => {
    const name = fc.stringMatching(/^[a-z][a-z0-9_-]{0,10}$/);
    const challenge = fc.record({
      scheme: name,
      parameters: fc.dictionary(name, fc.string({ unit: "grapheme-ascii", maxLength: 30 }), { minKeys: 1, maxKeys: 4 }),
    });
    const quote = (value: string): string => `"${value.replace(/["\\]/g, "\\$&")}"`;
    fc.assert(
      fc.property(fc.array(challenge, { maxLength: 3 }), (challenges) => {
        const header = challenges
          .map(({ scheme, parameters }) => {
            const pairs = Object.entries(parameters).map(([key, value]) => `${key}=${quote(value)}`);
            return `${scheme} ${pairs.join(", ")}`;
          })
          .join(", ");
        expect(read(header)).toEqual(challenges.map(({ scheme, parameters }) => [scheme, { ...parameters }]));
      }),
    );
  });

  it("ends for any text", () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...'aB =,"\\\t/.~') }), (text) => {
        expect(parseChallenges(text).length).toBeLessThanOrEqual(text.length);
      }),
    );
  });
});
