import { mkdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { type Place, readPlaces, rememberPlace } from "../../../src/image/places.ts";
import { digestOf } from "../../../src/oci/digest.ts";
import { temporaryDirectory } from "../../support/sample-images.ts";

function place(name: string, path = "team/shop"): Place {
  return { repository: { host: "registry.example:5000", path }, digest: digestOf(name) };
}

describe("places", () => {
  it("stand with the latest first, each once", async () => {
    const directory = await temporaryDirectory();
    for (const each of [place("a"), place("b"), place("a", "team/other"), place("a")]) {
      await rememberPlace(directory, each);
    }
    expect(await readPlaces(directory)).toEqual([place("a"), place("a", "team/other"), place("b")]);
  });

  it("are written in one way, for this user", async () => {
    const directory = await temporaryDirectory();
    await rememberPlace(directory, place("a"));
    const file = join(directory, "places.json");
    expect(await readFile(file, "utf8")).toBe(
      `{"places":[{"digest":"${digestOf("a")}","host":"registry.example:5000","path":"team/shop"}],"schemaVersion":1}`,
    );
    expect((await stat(file)).mode & 0o777).toBe(0o600);
  });

  it("are all kept when many are remembered at once", async () => {
    const directory = await temporaryDirectory();
    await Promise.all(Array.from({ length: 12 }, (_, number) => rememberPlace(directory, place(String(number)))));
    expect(await readPlaces(directory)).toHaveLength(12);
  });

  it("are forgotten, the oldest first, when there are too many", async () => {
    const directory = await temporaryDirectory();
    const places = Array.from({ length: 500 }, (_, number) => {
      const { repository, digest } = place(String(number));
      return { ...repository, digest };
    });
    await writeFile(join(directory, "places.json"), JSON.stringify({ schemaVersion: 1, places }));
    await rememberPlace(directory, place("new"));
    const left = await readPlaces(directory);
    expect([left.length, left[0], left.at(-1)]).toEqual([500, place("new"), place("498")]);
  });

  it.each([
    ["nothing", undefined],
    ["no JSON", "{"],
    ["a later version", '{"schemaVersion":2,"places":[]}'],
    ["no list", '{"schemaVersion":1,"places":{}}'],
    [
      "names that are none",
      JSON.stringify({
        schemaVersion: 1,
        places: [
          { host: "registry.example/../x", path: "a", digest: digestOf("a") },
          { host: "registry.example", path: "../a", digest: digestOf("a") },
          { host: "registry.example", path: "a", digest: "sha256:../x" },
          { host: 1 },
          null,
        ],
      }),
    ],
  ])("are none when the file has %s", async (_what, content) => {
    const directory = await temporaryDirectory();
    if (content !== undefined) await writeFile(join(directory, "places.json"), content);
    expect(await readPlaces(directory)).toEqual([]);
    await rememberPlace(directory, place("a"));
    expect(await readPlaces(directory)).toEqual([place("a")]);
  });

  it("never fail what they help", async () => {
    const directory = await temporaryDirectory();
    await mkdir(join(directory, "places.json"));
    await rememberPlace(directory, place("a"));
    expect(await readPlaces(directory)).toEqual([]);
  });
});
