import { describe, expect, it, test } from "vitest";
import { parseReference } from "../../../src/oci/reference.ts";
import { parseRegistryAuths } from "../../../src/registry/registry-auths.ts";

const canary = "c4n4ry";
const read = (text: string) => parseRegistryAuths(text, "registry-auths");
const forImage = async (text: string, image: string) => await read(text).credentials(parseReference(image));

describe("registry-auths", () => {
  const text = `
- registry: https://index.docker.io/v1/
  username: robot
  password: 0123
- registry: registry.example:5000/team
  username: octocat
  token: team-token
- registry: registry.example:5000
  token: identity
`;

  it("gives a registry its own, the longest path first", async () => {
    expect(await forImage(text, "nginx:1")).toEqual([{ username: "robot", password: "0123" }]);
    expect(await forImage(text, "registry.example:5000/team/app:1")).toEqual([
      { username: "octocat", password: "team-token" },
      { username: "", password: "", identityToken: "identity" },
    ]);
    expect(await forImage(text, "registry.example:5000/teams/app:1")).toEqual([
      { username: "", password: "", identityToken: "identity" },
    ]);
    expect(read(text).hosts).toEqual(["docker.io", "registry.example:5000"]);
  });

  it.each(["registry.example/a:1", "registry.example:5001/a:1", "evil.registry.example:5000/a:1"])(
    "gives nothing to %s",
    async (image) => {
      expect(await forImage(text, image)).toEqual([]);
    },
  );

  it("may be empty", () => {
    expect(read("\n# later\n").all).toEqual([]);
  });

  it("names every problem by its place", () => {
    const entries = [
      "- registry: a.example",
      "- {registry: a.example, username: u, password: p, token: t}",
      "- {username: u, password: p}",
      "- {registry: a b, username: u, password: p}",
      "- {registry: a.example, username: u, pasword: p}",
      "- {registry: a.example, username: u, password: [p]}",
      "- a.example",
      "- {registry: a.example, username: u}",
    ];
    expect(() => read(entries.join("\n"))).toThrow(
      [
        "registry-auths cannot be used: entry 1 has no username",
        "entry 2 has both a password and a token",
        "entry 3 has no registry",
        "entry 4 has a registry that is none",
        "entry 5 has a key other than registry, username, password, token",
        "entry 6 has a value that is not text",
        "entry 7 is not a map",
        "entry 8 has neither password nor token",
      ].join("; "),
    );
  });
});

test.each([
  `${canary}`,
  `password: ${canary}`,
  `- {registry: a.example, username: u, ${canary}: p}`,
  `- registry: ${canary}!\n  username: u\n  password: p`,
  `- "${canary}`,
  `- registry: a\n registry: ${canary}\n`,
  `- *${canary}`,
  `- [${canary}`,
  `- registry: a.example\n  registry: ${canary}`,
  `- &a [${canary}, *a]`,
  `%${canary}\n---\n- a`,
  `${canary.repeat(20_000)}`,
])("what cannot be read is not quoted: %#", (text) => {
  let told = "";
  try {
    read(text);
  } catch (error) {
    told = `${error instanceof Error ? error.message : ""} ${JSON.stringify(error)}`;
  }
  expect(told).toContain("registry-auths cannot be used");
  expect(told).not.toContain(canary);
});
