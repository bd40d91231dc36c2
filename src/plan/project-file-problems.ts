import type { ErrorObject } from "ajv/dist/2020.js";
import { quoted } from "../kubefile/diagnostic.ts";
import { didYouMean, nearest } from "../kubefile/nearest.ts";
import { type Advice, keysOf, shownValue } from "../kubefile/yaml-problems.ts";

/** What the schema says of a project file, in its user's words. */
export function describeProjectFileError(
  error: ErrorObject,
  name: string,
  key: string | undefined,
  source: string | undefined,
): Advice {
  const shown = name === "" ? "the file" : name;
  const value = shownValue(error.data);
  switch (error.keyword) {
    case "additionalProperties":
      return {
        message: `${name === "" ? "there is no key" : `${name} has no key`} ${quoted(key ?? "")}`,
        hint: didYouMean(nearest(key ?? "", keysOf(error.parentSchema))) ?? "docs/kubefile-yaml.md lists all keys",
      };
    case "enum": {
      const allowed = Array.isArray(error.schema) ? error.schema.map(String) : [];
      const text = typeof error.data === "string" ? error.data : "";
      return {
        message: `${shown} cannot be ${value}`,
        hint: didYouMean(nearest(text, allowed)) ?? `write ${allowed.join(" or ")}`,
      };
    }
    case "type":
      return {
        message: `${shown} must be ${typeName(error.schema)}, not ${value}`,
        hint: typeHint(error, name, source ?? String(error.data)),
      };
    case "minLength":
      return { message: `${shown} is empty`, hint: "give it a value, or remove it" };
    case "pattern":
      return key === undefined
        ? { message: `${shown} cannot be ${value}`, hint: patternHint(name) }
        : { message: `${quoted(key)} is not the name of a variable`, hint: "use letters, digits and underscores" };
    default:
      return { message: `${shown} ${error.message ?? "is not valid"}`, hint: "docs/kubefile-yaml.md describes it" };
  }
}

const typeNames: Readonly<Record<string, string>> = {
  array: "a list",
  boolean: "true or false",
  object: "a map of names to values",
  string: "text",
};

function typeName(schema: unknown): string {
  return typeof schema === "string" ? (typeNames[schema] ?? schema) : "something else";
}

function typeHint(error: ErrorObject, name: string, source: string): string {
  const isPlain = ["string", "number", "boolean"].includes(typeof error.data);
  if (name === "quietWindow" || name === "timeout") return patternHint(name);
  if (error.schema === "string" && isPlain) return `put it in quotes: "${source}"`;
  if (error.schema === "array" && isPlain) return `write ${name}: [${JSON.stringify(error.data)}]`;
  if (error.schema === "object" && name !== "") return `write NAME: VALUE on lines of their own below ${name}:`;
  if (error.schema === "object") return "write KEY: VALUE, one a line";
  return error.schema === "boolean" ? "write true or false, without quotes" : "docs/kubefile-yaml.md describes it";
}

function patternHint(name: string): string {
  if (name.startsWith("output")) return "write type=oci,dest=FILE";
  if (name.startsWith("platform")) return "write linux/amd64 or linux/arm64";
  if (name.startsWith("cache")) return "write type=registry,ref=REGISTRY/NAME";
  if (name.startsWith("mirror")) return "write an address that starts with https:// or http://";
  return "write a time such as 20s, 10m or 1h30m";
}
