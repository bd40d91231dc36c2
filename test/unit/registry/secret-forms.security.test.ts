import { execFileSync } from "node:child_process";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { valueLines, valueTraces } from "../../../src/registry/secret-forms.ts";

const value = "p@ss/w0rd+canary=é\n";

function isFound(content: Buffer): boolean {
  const { plain, unspaced } = valueTraces(Buffer.from(value));
  const dense = content.filter((byte) => ![0x09, 0x0a, 0x0d, 0x20].includes(byte));
  return plain.some((trace) => content.includes(trace)) || unspaced.some((trace) => Buffer.from(dense).includes(trace));
}

describe("traces of a value in files", () => {
  test.each([
    ["as it is", value],
    ["without its line end", `password: ${value.trim()} # x`],
    ["URL-encoded", `https://robot:${encodeURIComponent(value.trim())}@host/`],
    ["in JSON", JSON.stringify({ auth: value })],
    ["in base64, as base64 prints it", execFileSync("base64", ["-w", "8"], { input: value, encoding: "utf8" })],
    ["in base64 of base64url", Buffer.from(value.trim()).toString("base64url")],
  ])("%s", (_name, text) => {
    expect(isFound(Buffer.from(text))).toBe(true);
  });

  test("in base64 of anything around it", () => {
    const around = fc.uint8Array({ maxLength: 40 });
    fc.assert(
      fc.property(
        around,
        around,
        fc.constantFrom("base64" as const, "base64url" as const),
        (before, after, encoding) => {
          const all = Buffer.concat([before, Buffer.from(value), after]);
          expect(isFound(Buffer.from(all.toString(encoding)))).toBe(true);
        },
      ),
    );
  });

  test("not in text that only resembles it", () => {
    for (const text of ["", "canary", "p@ss/w0rd", Buffer.from("p@ss/w0rd").toString("base64"), "é"]) {
      expect(isFound(Buffer.from(text))).toBe(false);
    }
  });

  test("of several lines, indented or not", () => {
    const key = Buffer.from("-----BEGIN KEY-----\nMIIEcanary0123456789\nabcdef==\n-----END KEY-----\n");
    const indented = key.toString().replaceAll(/^/gm, "    ");
    const { unspaced } = valueTraces(key);
    expect(unspaced.some((trace) => indented.replaceAll(/\s/g, "").includes(trace.toString()))).toBe(true);
  });

  test("of bytes that are no text", () => {
    const bytes = Buffer.from([0xff, 0x00, 0x80, 0x01, 0xfe, 0x90, 0x91, 0x92, 0x93]);
    expect(valueTraces(bytes).plain).toContainEqual(bytes);
    expect(valueTraces(bytes).unspaced.map(String)).toContain(bytes.toString("base64"));
  });
});

describe("what is taken out of lines", () => {
  test("each line of a value, and of its base64 as base64 prints it", () => {
    const key = `-----BEGIN KEY-----\n${"MIIEcanary".repeat(20)}\n-----END KEY-----\n`;
    const forms = valueLines(Buffer.from(key));
    const printed = [key, execFileSync("base64", { input: key, encoding: "utf8" }), JSON.stringify(key)].join("\n");
    for (const line of printed.split("\n").filter((each) => each.length >= 4)) {
      expect(forms.some((form) => line.includes(form))).toBe(true);
    }
    expect(forms.every(({ length }) => length >= 4)).toBe(true);
  });
});
