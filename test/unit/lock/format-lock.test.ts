import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { formatLock } from "../../../src/lock/format-lock.ts";
import { parseLock } from "../../../src/lock/read-lock.ts";
import { digestOf } from "../../../src/oci/digest.ts";
import { locks, sampleLock } from "./sample-locks.ts";

describe("the text of a lock", () => {
  /** Whoever changes these bytes makes every lock that is committed somewhere change with the next build. */
  test("is the one it always had", () => {
    expect(digestOf(formatLock(sampleLock))).toBe(
      "sha256:6766a35d97c96b30d95366d0c7f53da2d9aebd59b0de0757ba3da94b0aaf380b",
    );
    expect(formatLock(sampleLock).split("\n").slice(0, 11)).toEqual([
      "# What the tags of this build stood for: written by `kubefile build`, refreshed by `kubefile lock`. Commit it.",
      "# An ImagesLock, which kbld and imgpkg read, too.",
      "apiVersion: imgpkg.carvel.dev/v1alpha1",
      "kind: ImagesLock",
      "images:",
      `  - image: "[::1]:5000/shop/op@${digestOf("operator")}"`,
      "    annotations:",
      '      kbld.carvel.dev/id: "[::1]:5000/shop/op:v2"',
      "      io.kubefile.role: captured",
      "      io.kubefile.grade: ready",
      `  - image: docker.io/library/nginx@${digestOf("nginx")}`,
    ]);
  });

  test("does not depend on the order of its images", () => {
    fc.assert(
      fc.property(locks, fc.gen(), ({ images }, gen) => {
        const shuffled = gen(() => fc.shuffledSubarray([...images], { minLength: images.length }));
        expect(formatLock({ images: shuffled })).toBe(formatLock({ images }));
      }),
    );
  });

  test("is what imgpkg's strict reader takes: its own keys, digests, and annotations that are text", () => {
    fc.assert(
      fc.property(locks, (lock) => {
        const { images, ...rest }: { images: readonly object[] } = parse(formatLock(lock));
        expect(rest).toEqual({ apiVersion: "imgpkg.carvel.dev/v1alpha1", kind: "ImagesLock" });
        for (const entry of images) {
          expect(Object.keys(entry)).toEqual(["image", "annotations"]);
          expect(entry).toMatchObject({ image: expect.stringMatching(/^[^@]+@sha256:[0-9a-f]{64}$/) });
          const { annotations = {} }: { annotations?: Record<string, unknown> } = entry;
          expect(Object.values(annotations).every((value) => typeof value === "string")).toBe(true);
        }
      }),
    );
  });
});

describe("the pattern for Renovate in docs/lock.md", () => {
  const page = readFileSync(new URL("../../../docs/lock.md", import.meta.url), "utf8");
  const [, json = ""] = /```json\n(.*?)```/s.exec(page) ?? [];
  const { customManagers }: { customManagers: readonly { matchStrings: readonly string[] }[] } = JSON.parse(json);
  const pattern = new RegExp(customManagers[0]?.matchStrings[0] ?? "", "g");

  test("finds every image with a tag: its name, tag and digest", () => {
    const found = [...formatLock(sampleLock).matchAll(pattern)].map(({ groups }) => ({ ...groups }));
    const tagged = sampleLock.images.filter(({ reference }) => !reference.includes("@"));
    expect(found).toEqual(
      tagged.map(({ reference, digest }) => ({
        depName: reference.replace(/:[^:]*$/, ""),
        currentValue: reference.replace(/^.*:/, ""),
        currentDigest: digest,
      })),
    );
  });

  test("lets a digest be put in another's place: that of the image alone changes", async () => {
    const [match] = [...formatLock(sampleLock).matchAll(pattern)];
    const old = match?.groups?.currentDigest ?? "";
    const text = formatLock(sampleLock).replace(match?.[0] ?? "", (found) => found.replaceAll(old, digestOf("newer")));
    const [first, ...others] = sampleLock.images;
    expect((await parseLock(text, "kubefile.lock")).images).toEqual([
      { ...first, digest: digestOf("newer") },
      ...others,
    ]);
  });
});
