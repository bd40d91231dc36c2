import type { ErrorObject } from "ajv/dist/2020.js";
import { quoted } from "../kubefile/diagnostic.ts";
import { didYouMean, nearest } from "../kubefile/nearest.ts";
import { type Advice, keysOf, shownValue } from "../kubefile/yaml-problems.ts";

const typeNames: Readonly<Record<string, string>> = {
  array: "a list",
  object: "a map of names to values",
  string: "text",
};

/** What the schema says of a lock file, in its reader's words. */
export function describeLockError(
  error: ErrorObject,
  name: string,
  key: string | undefined,
  source: string | undefined,
): Advice {
  const shown = name === "" ? "the lock" : name;
  const value = shownValue(error.data);
  switch (error.keyword) {
    case "required": {
      const missing = String(error.params.missingProperty);
      return { message: `${shown} has no ${missing}`, hint: "write the lock again: kubefile build --lock" };
    }
    case "additionalProperties":
      return {
        message: `${shown} has no key ${quoted(key ?? "")}`,
        hint: didYouMean(nearest(key ?? "", keysOf(error.parentSchema))) ?? "kbld and imgpkg refuse keys of others",
      };
    case "const":
      return { message: `${shown} is ${value}`, hint: `write ${String(error.schema)}` };
    case "enum": {
      const allowed = Array.isArray(error.schema) ? error.schema.map(String) : [];
      const text = typeof error.data === "string" ? error.data : "";
      return {
        message: `${shown} cannot be ${value}`,
        hint: didYouMean(nearest(text, allowed)) ?? `write ${allowed.join(" or ")}`,
      };
    }
    case "type": {
      const wanted = typeof error.schema === "string" ? (typeNames[error.schema] ?? error.schema) : "something else";
      const isPlain = ["number", "boolean"].includes(typeof error.data);
      return {
        message: `${shown} must be ${wanted}, not ${value}`,
        hint:
          error.schema === "string" && isPlain
            ? `put it in quotes: "${source ?? String(error.data)}"`
            : "docs/lock.md shows one",
      };
    }
    case "pattern":
      return {
        message: `${shown} ${value} is not registry, repository and digest`,
        hint: "write REGISTRY/NAME@sha256: and 64 hexadecimal digits; the tag stands in kbld.carvel.dev/id",
      };
    default:
      return { message: `${shown} ${error.message ?? "is not valid"}`, hint: "docs/lock.md describes it" };
  }
}
